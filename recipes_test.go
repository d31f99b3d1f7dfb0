// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipes are the pages of docs/recipes: the sample change of each, and the
// tests that hold it.
var recipes = map[string]struct{ patch, pkg, run string }{
	"kernel.md":        {"square.patch", "./features", "^(TestPlanReference|TestKernelExamples)$"},
	"receipt-field.md": {"receipt-field.patch", "./ledger", "^(TestGoldenVectors|TestPythonAgrees)$"},
}

// TestRecipes: the files that a recipe names exist, its sample change touches
// none but those, and applied to a copy of the module it builds and passes.
func TestRecipes(t *testing.T) {
	paths := regexp.MustCompile("`([a-zA-Z][a-zA-Z0-9_/.]*\\.(?:go|md|json|py))`")
	pages, err := filepath.Glob("docs/recipes/*.md")
	if err != nil || len(pages) != len(recipes) {
		t.Fatalf("%d pages, want %d: %v", len(pages), len(recipes), err)
	}
	for _, page := range pages {
		r := recipes[filepath.Base(page)]
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for _, m := range paths.FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s names %s: %v", page, m[1], err)
			}
		}
		patch, err := filepath.Abs(filepath.Join("docs/recipes/testdata", r.patch))
		if err != nil {
			t.Fatal(err)
		}
		change, err := os.ReadFile(patch)
		if err != nil {
			t.Fatal(err)
		}
		var touched []string
		for _, line := range strings.Split(string(change), "\n") {
			if file, ok := strings.CutPrefix(line, "+++ b/"); ok {
				if touched = append(touched, file); !named[file] {
					t.Errorf("%s does not name %s, which its sample change touches", page, file)
				}
			}
		}
		if testing.Short() {
			continue // the rest takes seconds
		}
		if _, err := exec.LookPath("git"); err != nil {
			t.Skip("git is missing: the sample change is not applied")
		}
		dir := t.TempDir()
		copyModule(t, dir)
		for _, args := range [][]string{{"git", "apply", "--whitespace=nowarn", patch},
			{"go", "test", r.pkg, "-run", r.run}} {
			c := exec.Command(args[0], args[1:]...)
			c.Dir, c.Env = dir, append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", page, strings.Join(args, " "), err, out)
				break
			}
		}
		for _, file := range touched {
			before, _ := os.ReadFile(file)
			if after, err := os.ReadFile(filepath.Join(dir, file)); err != nil || bytes.Equal(before, after) {
				t.Errorf("%s: the sample change left %s as it was: %v", page, file, err)
			}
		}
	}
}

// copyModule copies what building and testing needs.
func copyModule(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
