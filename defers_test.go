// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeferredUseOfResult refuses a function whose named result is used by a
// deferred call, as in `defer func() { n.close() }()`, while a return statement
// sets that result to nil: the deferred call then works on nil, and what was to
// be closed stays open. Such a function keeps what it makes in a variable.
func TestDeferredUseOfResult(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					checkDefers(t, set, n.Type, n.Body)
				}
			case *ast.FuncLit:
				checkDefers(t, set, n.Type, n.Body)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkDefers looks at one function.
func checkDefers(t *testing.T, set *token.FileSet, typ *ast.FuncType, body *ast.BlockStmt) {
	if typ.Results == nil {
		return
	}
	names := []string{}
	for _, r := range typ.Results.List {
		for _, n := range r.Names {
			names = append(names, n.Name)
		}
	}
	deferred := map[string]bool{} // results that a deferred call works on
	ownStatements(body, func(n ast.Node) {
		if d, ok := n.(*ast.DeferStmt); ok {
			ast.Inspect(d, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok {
						deferred[x.Name] = true
					}
				}
				return true
			})
		}
	})
	ownStatements(body, func(n ast.Node) {
		r, ok := n.(*ast.ReturnStmt)
		if !ok || len(r.Results) != len(names) {
			return
		}
		for i, x := range r.Results {
			if id, ok := x.(*ast.Ident); ok && id.Name == "nil" && deferred[names[i]] && names[i] != "err" {
				t.Errorf("%s: this return sets %s to nil, on which a deferred call works",
					set.Position(r.Pos()), names[i])
			}
		}
	})
}

// ownStatements walks a function's own statements, not those of functions within it.
func ownStatements(body *ast.BlockStmt, fn func(ast.Node)) {
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if n != nil {
			fn(n)
		}
		return true
	})
}
