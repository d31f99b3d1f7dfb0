// SPDX-License-Identifier: Apache-2.0

// Command rooms counts how the files of each package depend on each other:
//
//	cd tools && go run ./rooms -root .. > rooms.md
//
// A file depends on another file of its package (an arrow) if it names a function, type, variable or constant that the
// other declares, or calls a method that the other declares. Fields do not count. Several uses are one arrow.
//
// The files are put into the order in which the fewest arrows run up; if none does, the package can be read from top to
// bottom. Finding that order is hard in general. It is approximated by the greedy method of Eades, Lin and Smyth (1993)
// and by then moving single files for as long as that helps, so the printed number is an upper bound.
//
// Tests and generated code do not count. Arrows are counted as this system compiles the package.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", "..", "folder of the module")
	flag.Parse()
	if err := run(*root, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
}

// listed is a package as `go list` describes it.
type listed struct {
	ImportPath, Dir, Export string
	DepOnly                 bool
	GoFiles, IgnoredGoFiles []string
	Module                  struct{ Path string }
}

func run(root string, out io.Writer) error {
	packages, err := list(root)
	if err != nil {
		return err
	}
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s was not compiled", path)
		}
		return os.Open(exports[path])
	})
	fmt.Fprintln(out, "| package | files | arrows inside | arrows up |")
	fmt.Fprintln(out, "|---|---|---|---|")
	for _, p := range packages {
		if p.DepOnly {
			continue
		}
		files, n, err := parse(fset, p)
		if err != nil {
			return err
		}
		if n < 2 {
			continue
		}
		arrows, err := fileArrows(fset, p.ImportPath, files, imports)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
		fmt.Fprintf(out, "| `%s` | %d | %d | %d |\n", cmp.Or(name, "."), n, countArrows(arrows), fewestUp(arrows))
	}
	return nil
}

// list compiles the module's packages, and lists them and everything that they import.
func list(root string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-deps", "-export",
		"-json=ImportPath,Dir,Export,DepOnly,GoFiles,IgnoredGoFiles,Module", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.ImportPath, b.ImportPath) })
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// parse reads a package's files. n counts those that are not generated, those of other systems included.
func parse(fset *token.FileSet, p listed) (files []*ast.File, n int, err error) {
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, 0, err
		}
		if files = append(files, f); !ast.IsGenerated(f) {
			n++
		}
	}
	for _, name := range p.IgnoredGoFiles {
		if !strings.HasSuffix(name, "_test.go") {
			n++
		}
	}
	return files, n, nil
}

// fileArrows returns which files depend on which: arrows[i][j] if file i depends on file j. Generated files have no
// arrows.
func fileArrows(fset *token.FileSet, path string, files []*ast.File, imports types.Importer) ([][]bool, error) {
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{Importer: imports}).Check(path, fset, files, &info)
	if err != nil {
		return nil, err
	}
	index := map[*token.File]int{}
	arrows := make([][]bool, len(files))
	for i, f := range files {
		index[fset.File(f.FileStart)] = i
		arrows[i] = make([]bool, len(files))
	}
	for id, obj := range info.Uses {
		f, isFunc := obj.(*types.Func)
		if obj.Pkg() != pkg || obj.Parent() != pkg.Scope() && !(isFunc && f.Signature().Recv() != nil) {
			continue
		}
		from, to := index[fset.File(id.Pos())], index[fset.File(obj.Pos())]
		if from != to && !ast.IsGenerated(files[from]) && !ast.IsGenerated(files[to]) {
			arrows[from][to] = true
		}
	}
	return arrows, nil
}

func countArrows(arrows [][]bool) (n int) {
	for _, row := range arrows {
		for _, a := range row {
			if a {
				n++
			}
		}
	}
	return n
}
