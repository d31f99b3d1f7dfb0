// SPDX-License-Identifier: Apache-2.0

// Package yamltext reads every YAML text that a person or a program gives us:
// policies, plans, credentials and settings. It is strict (an unknown key is an
// error with its line), and it bounds the cost of a text before it decodes it: a
// few hundred bytes of YAML can stand for more values than memory holds, and the
// library's own work grows with the square of some texts and with the depth of
// all.
//
// A text passes four checks, each of which the one before makes cheap: counts of
// bytes, lines and marks (yamltext.go); the depth and the keys of its tokens, and
// the values that its aliases stand for (depth.go); the types of its keys.
// TestBombs tests each of them.
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/assayrisk/assay/internal/bounded"
)

// Limits bound a text. Every one is counted before anything is decoded.
type Limits struct {
	Bytes int
	Lines int
	Nodes int // values and keys; those that an alias stands for count again
	// References bounds the characters & * ! < that anchors, aliases, tags and
	// merges begin with, wherever they are: && in an expression has two.
	References int
}

// Limits of the texts that are read.
var (
	Policy   = Limits{Bytes: 256 << 10, Lines: 4_000, Nodes: 20_000, References: 8_000}
	Settings = Limits{Bytes: 1 << 20, Lines: 20_000, Nodes: 50_000, References: 8_000} // also of credentials
	Plan     = Limits{Bytes: 2 << 20, Lines: 100_000, Nodes: 200_000, References: 20_000}
)

// Bounds of every text; ours need far less.
const (
	// MaxDepth bounds lists and maps in one another.
	MaxDepth = 32
	// MaxKeys bounds the keys of a map that is not in braces.
	MaxKeys = 200
	// maxBlank bounds the empty lines in a row.
	maxBlank = 200
)

// ErrEmpty: the text holds no document.
var ErrEmpty = errors.New("the text is empty")

var errDocuments = errors.New("more than one YAML document: keep one a file")

// Decode reads one document into to, a pointer to a struct.
func Decode(b []byte, to any, l Limits) error {
	file, err := Parse(b, l)
	if err != nil {
		return err
	}
	if len(file.Docs) > 1 {
		return errDocuments
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(to); errors.Is(err, io.EOF) {
		return ErrEmpty
	} else if err != nil {
		short := shorten(err)
		var ye yaml.Error
		if errors.As(err, &ye) {
			short.suggestion = hint(ye.GetMessage(), ye.GetToken(), file, to)
		}
		return short
	}
	return nil
}

// ReadFile reads a file of at most the bytes that the limits allow.
func ReadFile(path string, l Limits) ([]byte, error) {
	return bounded.ReadFile(path, int64(l.Bytes))
}

// Parse reads a text as far as its syntax, within its limits.
func Parse(b []byte, l Limits) (*ast.File, error) {
	if err := l.checkCounts(b); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(string(b))
	if err := checkShape(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, shorten(err)
	}
	if err := l.checkExpansion(file); err != nil {
		return nil, err
	}
	return file, nil
}

// checkCounts counts characters; it parses nothing.
func (l Limits) checkCounts(b []byte) error {
	if len(b) > l.Bytes {
		return fmt.Errorf("%d bytes, at most %d are allowed", len(b), l.Bytes)
	}
	lines, marks, references, blank := 1, 0, 0, 0
	empty := true
	for i, c := range b {
		switch c {
		case '\n', '\r':
			lines++
			if blank++; !empty {
				blank = 0
			}
			empty = true
			if blank > maxBlank {
				return fmt.Errorf("line %d: more than %d empty lines in a row", lines, maxBlank)
			}
			continue
		case ' ', '\t':
			continue
		case '&', '*', '!', '<':
			references++
		case '%':
			if empty && (i == 0 || b[i-1] == '\n' || b[i-1] == '\r') {
				return fmt.Errorf("line %d: directives (%%) are not read", lines)
			}
		case ':', ',', '-', '[', '{', '?', '"', '\'', '|', '>':
			marks++
		}
		empty = false
	}
	switch {
	case lines > l.Lines:
		return fmt.Errorf("%d lines, at most %d are allowed", lines, l.Lines)
	case marks > 2*l.Nodes:
		return fmt.Errorf("%d characters that begin or end a value, at most %d are allowed", marks, 2*l.Nodes)
	case references > l.References:
		return fmt.Errorf("%d characters & * ! <, at most %d are allowed", references, l.References)
	}
	return nil
}

// shorten makes a short error of one of the library's, whose text repeats what was
// read and is long to make and to print.
func shorten(err error) *Error {
	const most = 300
	text := ""
	var ye yaml.Error
	if errors.As(err, &ye) {
		text = ye.GetMessage()
		if tk := ye.GetToken(); tk != nil && tk.Position != nil {
			text = fmt.Sprintf("[%d:%d] %s", tk.Position.Line, tk.Position.Column, text)
		}
	} else {
		text = err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return &Error{text: text, whole: err}
}

// Error is an error of the YAML library with a short text.
type Error struct {
	text       string
	suggestion string
	whole      error
}

// Error implements error.
func (e *Error) Error() string { return e.text + e.suggestion }

// Suggestion returns a hint at the key that was most likely meant by an unknown
// one, to be appended to a message; "" if there is none.
func (e *Error) Suggestion() string { return e.suggestion }

// Unwrap returns the library's error, which knows its token.
func (e *Error) Unwrap() error { return e.whole }
