// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// What a newcomer downloads and an operator reads is bounded: bytes of each program, with its symbols, in millions.
var programMegabytes = map[string]float64{"assay": 140, "assayd": 85, "assay-verify": 8}

// assaydFlags is how many flags assayd may have, --help and --version included.
const assaydFlags = 40

// TestProgramBudgets builds the programs and holds them to their sizes, and assayd to its number of flags. A program
// grows past its size by a dependency: that is the moment to ask whether it is wanted.
func TestProgramBudgets(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("links three programs")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the sizes are those on linux/amd64")
	}
	dir := t.TempDir()
	args := []string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}
	for name := range programMegabytes {
		args = append(args, "./cmd/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, most := range programMegabytes {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mb := float64(st.Size()) / 1e6; mb > most {
			t.Errorf("%s has %.1f MB, at most %g are wanted", name, mb, most)
		} else {
			t.Logf("%s: %.1f of %g MB", name, mb, most)
		}
	}
	help, err := exec.Command(filepath.Join(dir, "assayd"), "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, help)
	}
	n := len(regexp.MustCompile(`(?m)^ +(-\w, )?--[a-z]`).FindAll(help, -1))
	if n < 20 || n > assaydFlags {
		t.Errorf("assayd has %d flags, at most %d are wanted", n, assaydFlags)
	}
	t.Logf("assayd: %d of %d flags", n, assaydFlags)
}

// TestQuickStartNeedsNoFlags reads the two commands that README begins with.
func TestQuickStartNeedsNoFlags(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "## Two commands\n")
	_, block, ok2 := strings.Cut(after, "```console\n")
	block, _, ok3 := strings.Cut(block, "```")
	commands := strings.Split(strings.TrimSpace(block), "\n")
	if !ok || !ok2 || !ok3 || len(commands) != 2 {
		t.Fatalf("README has no section of two commands: %q", block)
	}
	for _, c := range commands {
		if !strings.HasPrefix(c, "$ go run ./cmd/assay ") || strings.Contains(c, " -") {
			t.Errorf("%q: the quick start needs a flag", c)
		}
	}
}
