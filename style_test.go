// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxColumns is how wide a line may be; a tab counts as four columns.
const maxColumns = 120

// bannedNames are identifiers that say nothing without their comment. No
// function, method, type, field or package-level name may be one of them,
// whatever its case.
var bannedNames = strings.Fields(`
	always back because beside caught draft either freshly garbage hand lead led lent many park part played
	room rooms spare spared stand together what whose word`)

// bannedWords are turns of phrase that a stranger has to read twice, in
// comments, messages and prose, and what to write in their place.
var bannedWords = []struct {
	match   *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bbesides?\b`), "next to, with, compared with, as well"},
	{regexp.MustCompile(`(?i)\b(stands?|stood)\b( for\b)?`), "is, holds, lies, remains (but: stands for)"},
	{regexp.MustCompile(`(?i)\blent\b`), "valid until ..."},
	{regexp.MustCompile(`(?i)\bspared?\b"?`),
		"preallocated, padding, kept; or say what is not done (but: \"spare\", a file)"},
	{regexp.MustCompile(`(?i)\bwhose word\b`), "who vouches for"},
	{regexp.MustCompile(`(?i)\b(thereof|whereof|wherefrom|whereupon|hitherto|aforesaid)\b`),
		"of it, from which, until now"},
	{regexp.MustCompile(`(?i)\bgoes by\b`), "is identified by, is computed from, follows"},
	{regexp.MustCompile(`(?i)\bare led by\b|\bis led by\b`), "the leader of ... decides"},
}

// TestLineWidth: no line of code or prose is wider than maxColumns. Exempt are
// what cannot be broken without a change of meaning: raw strings and struct
// tags, the plans that ship (their bytes have digests), rows of tables, blocks
// of code in prose, figures that a program writes, and lines of a single word.
func TestLineWidth(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t) {
		if strings.HasSuffix(file, "plan.yaml") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw map[int]bool
		if strings.HasSuffix(file, ".go") {
			raw = rawStringLines(file, text)
		}
		fenced, written := false, false
		for i, line := range strings.Split(string(text), "\n") {
			prose := strings.HasSuffix(file, ".md")
			if prose && strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			if strings.HasPrefix(line, "<!-- figures: ") {
				written = strings.HasPrefix(line, "<!-- figures: begin")
			}
			words := strings.TrimLeft(strings.TrimSpace(line), "/-*#> ")
			if columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); columns <= maxColumns ||
				raw[i+1] || prose && (fenced || written || strings.HasPrefix(words, "|")) ||
				!strings.Contains(words, " ") {
				continue
			} else {
				t.Errorf("%s:%d: %d columns, at most %d are wanted", file, i+1, columns, maxColumns)
			}
		}
	}
}

// rawStringLines are the numbers of the lines that hold a piece of a raw string.
func rawStringLines(name string, text []byte) map[int]bool {
	lines := map[int]bool{}
	file := token.NewFileSet().AddFile(name, -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok == token.STRING && lit[0] == '`' {
			for n := file.Line(pos); n <= file.Line(pos+token.Pos(len(lit)-1)); n++ {
				lines[n] = true
			}
		}
	}
}

// TestPlainNames: no declared name is one of bannedNames.
func TestPlainNames(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t) {
		if !strings.HasSuffix(file, ".go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		declared := func(id *ast.Ident) {
			if slices.Contains(bannedNames, strings.ToLower(id.Name)) {
				t.Errorf("%s: %q says nothing without its comment: name what it is or does",
					set.Position(id.Pos()), id.Name)
			}
		}
		for _, d := range parsed.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				declared(d.Name)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.ValueSpec:
						for _, id := range s.Names {
							declared(id)
						}
					case *ast.TypeSpec:
						declared(s.Name)
						ast.Inspect(s.Type, func(n ast.Node) bool {
							if f, ok := n.(*ast.Field); ok {
								for _, id := range f.Names {
									declared(id)
								}
							}
							_, signature := n.(*ast.FuncType)
							return !signature
						})
					}
				}
			}
		}
	}
}

// TestPlainEnglish: no comment, message or page has one of bannedWords.
func TestPlainEnglish(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t) {
		if file == "style_test.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".go") {
			text = commentsAndStrings(file, text)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.TrimSpace(line) == "" {
				continue // code, mostly
			}
			for _, b := range bannedWords {
				for _, found := range b.match.FindAllString(line, -1) {
					if !strings.HasSuffix(found, " for") && !strings.HasSuffix(found, `"`) {
						t.Errorf("%s:%d: %q: write: %s", file, i+1, found, b.instead)
					}
				}
			}
		}
	}
}

// commentsAndStrings blanks everything else, and keeps the lines.
func commentsAndStrings(name string, text []byte) []byte {
	kept := bytes.Repeat([]byte(" "), len(text))
	for i, b := range text {
		if b == '\n' {
			kept[i] = b
		}
	}
	file := token.NewFileSet().AddFile(name, -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	for {
		pos, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return kept
		case token.COMMENT, token.STRING:
			copy(kept[file.Offset(pos):], lit)
		}
	}
}

// sources are the files that people write and read, generated ones left out.
func sources(t *testing.T) []string {
	t.Helper()
	endings := []string{".go", ".md", ".py", ".proto", ".sh", ".sol", ".yaml", ".yml", ".css", ".js", ".tmpl"}
	generated := []string{".pb.go", "_vtproto.pb.go", ".pb.gw.go"}
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "dist"):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains(endings, filepath.Ext(path)) && d.Name() != "Makefile":
			return nil
		case slices.ContainsFunc(generated, func(end string) bool { return strings.HasSuffix(path, end) }):
			return nil
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 500 {
		t.Fatal(fmt.Errorf("%d files: the walk has missed some", len(files)))
	}
	return files
}
