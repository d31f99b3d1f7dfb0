// SPDX-License-Identifier: Apache-2.0

// Package page writes what benchmarks measured into pages of documentation:
// into the region between two marks, and wrapped as the rest of the page is.
package page

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Replace puts text between two marks of a page.
func Replace(page []byte, begin, end string, text []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(page, []byte(begin))
	if !ok {
		return nil, fmt.Errorf("there is no line %q", strings.TrimSpace(begin))
	}
	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, fmt.Errorf("there is no line %q", strings.TrimSpace(end))
	}
	return slices.Concat(head, []byte(begin), text, []byte(end), tail), nil
}

// ReplaceInFile puts text between two marks of the page in a file.
func ReplaceInFile(path, begin, end, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := Replace(old, begin, end, []byte(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, out, 0o644)
}

// maxColumns is the width of a page's lines.
const maxColumns = 120

// Wrap breaks a paragraph into lines.
func Wrap(paragraph string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(paragraph) {
		switch width := utf8.RuneCountInString(word); {
		case column == 0:
			column = width
		case column+1+width <= maxColumns:
			b.WriteByte(' ')
			column += 1 + width
		default:
			b.WriteByte('\n')
			column = width
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

// Thousands writes a number with commas between groups of three digits, as in
// 10,000. It must be a whole number and not negative.
func Thousands(x float64) string {
	s := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
