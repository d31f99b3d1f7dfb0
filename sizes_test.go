// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a reader can hold in mind. Generated code is exempt, and so are tests in the count of a package's files.
const (
	maxPackageFiles  = 30
	maxFilesUnmapped = 20 // above it the package comment is a map that names the package's files
	maxFileLines     = 400
	maxFunctionLines = 80 // rows of tables and raw strings do not count
)

// TestSizes holds every package, file and function to its size. To mend a complaint, divide by idea, one noun a file
// and one job a function; nothing is divided only to count less.
func TestSizes(t *testing.T) {
	t.Parallel()
	for name, how := range measure(t, sources(t)) {
		t.Errorf("%s %s", name, how)
	}
}

// measure returns what is over a limit, and by how much.
func measure(t *testing.T, files []string) map[string]string {
	t.Helper()
	over, names, comments := map[string]string{}, map[string][]string{}, map[string]string{}
	set := token.NewFileSet()
	for _, name := range files {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(file) {
			continue
		}
		name = filepath.ToSlash(name)
		dir, base := path.Dir(name), path.Base(name)
		if !strings.HasSuffix(name, "_test.go") {
			names[dir] = append(names[dir], base)
			comments[dir] += file.Doc.Text()
		}
		if n := set.File(file.FileStart).LineCount(); n > maxFileLines {
			over[name] = fmt.Sprintf("has %d lines, at most %d are wanted: give its second idea a file of its own",
				n, maxFileLines)
		}
		for function, n := range functionLines(set, file) {
			if n > maxFunctionLines {
				over[dir+"."+function] = fmt.Sprintf("(%s) has %d lines without its tables, at most %d are wanted: "+
					"name its steps and make them functions", base, n, maxFunctionLines)
			}
		}
	}
	for dir, in := range names {
		if len(in) > maxPackageFiles {
			over[dir] = fmt.Sprintf("has %d files without tests, at most %d are wanted: "+
				"an idea with a small API of its own becomes a package", len(in), maxPackageFiles)
		}
		if missing := unmapped(comments[dir], in); len(in) > maxFilesUnmapped && 3*len(missing) > len(in) {
			over[dir+":map"] = fmt.Sprintf("has %d files, and its package comment does not name %d of them: "+
				"write what comes in, what goes out, and the steps with their files (models/gbdt/doc.go shows how): %s",
				len(in), len(missing), strings.Join(missing, " "))
		}
	}
	return over
}

// unmapped are the files that a package comment does not name: as name.go, as name, or by a pattern such as part_*.go.
func unmapped(comment string, files []string) (missing []string) {
	patterns := regexp.MustCompile(`[a-z0-9_]*\*[a-z0-9_]*\.go`).FindAllString(comment, -1)
	for _, file := range files {
		stem := strings.TrimSuffix(file, ".go")
		named := stem == "doc" || regexp.MustCompile(`\b`+regexp.QuoteMeta(stem)+`\b`).MatchString(comment)
		if !named && !slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, file)
			return ok && err == nil
		}) {
			missing = append(missing, file)
		}
	}
	return missing
}

// functionLines are the lines of each function and of each function literal in a table, those of tables and raw
// strings inside it left out. A literal in a table is named after the function that holds it.
func functionLines(set *token.FileSet, file *ast.File) map[string]int {
	lines := map[string]int{}
	for _, d := range file.Decls {
		name := "init"
		if f, ok := d.(*ast.FuncDecl); ok {
			if name = f.Name.Name; f.Recv != nil {
				name = receiver(f.Recv.List[0].Type) + "." + name
			}
			lines[name] = max(lines[name], logicLines(set, f, name, lines))
		} else {
			logicLines(set, d, name, lines) // function literals in package-level tables
		}
	}
	return lines
}

func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return "?"
}

// logicLines counts a node's lines without its tables (literals of slices, arrays and maps) and raw strings. Function
// literals in a table are counted by themselves, as name.literal.
func logicLines(set *token.FileSet, node ast.Node, name string, literals map[string]int) int {
	left := map[int]bool{}
	leaveOut := func(from, to token.Pos) {
		for n := set.Position(from).Line + 1; n <= set.Position(to).Line; n++ {
			left[n] = true
		}
	}
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING && n.Value[0] == '`' {
				leaveOut(n.Pos(), n.End()-1)
			}
		case *ast.CompositeLit:
			switch n.Type.(type) {
			case *ast.ArrayType, *ast.MapType:
				leaveOut(n.Lbrace, n.Rbrace)
				for _, row := range n.Elts {
					ast.Inspect(row, func(n ast.Node) bool {
						if f, ok := n.(*ast.FuncLit); ok {
							literals[name+".literal"] = max(literals[name+".literal"],
								logicLines(set, f.Body, name+".literal", literals))
							return false
						}
						return true
					})
				}
				return false
			}
		}
		return true
	})
	return set.Position(node.End()).Line - set.Position(node.Pos()).Line + 1 - len(left)
}

// TestSizesCanFail measures a small package of known sizes.
func TestSizesCanFail(t *testing.T) {
	const source = "package p\n\nfunc (s *T[K]) F() {\n\tx := []int{\n\t\t1,\n\t\t2,\n\t}\n\ty := `a\nb`\n" +
		"\tg(x, y)\n}\n\nvar table = map[string]func(){\n\t\"a\": func() {\n\t\tg()\n\t\tg()\n\t},\n}\n"
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := functionLines(set, file); len(got) != 2 || got["T.F"] != 5 || got["init.literal"] != 4 {
		t.Errorf("functionLines: %v", got)
	}
	got := unmapped("binning -> grow.go; regrowth; s_*.go",
		[]string{"doc.go", "binning.go", "grow.go", "growth.go", "s_a.go"})
	if !slices.Equal(got, []string{"growth.go"}) {
		t.Errorf("unmapped: %v", got)
	}
	if over := measure(t, []string{"sizes_test.go", "doc.go"}); len(over) != 0 {
		t.Errorf("measure: %v", over)
	}
}
