// SPDX-License-Identifier: Apache-2.0

package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const begin, end = "<!-- begin -->\n", "<!-- end -->"

func TestReplace(t *testing.T) {
	t.Parallel()
	out, err := Replace([]byte("a\n"+begin+"old\n"+end+"\nz\n"), begin, end, []byte("new\n"))
	if err != nil || string(out) != "a\n"+begin+"new\n"+end+"\nz\n" {
		t.Errorf("the page became %q, %v", out, err)
	}
	for _, bad := range []string{"no marks", begin, end, end + "\n" + begin} {
		if _, err := Replace([]byte(bad), begin, end, nil); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestReplaceInFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("a\n"+begin+"old\n"+end+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceInFile(path, begin, end, "new\n"); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "a\n"+begin+"new\n"+end+"\nb\n" {
		t.Errorf("%q", b)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceInFile(path, begin, end, "new\n"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a page without marks gave %v", err)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 40, 41, 300} {
		text := Wrap(strings.Repeat("é2 ", n))
		if strings.Join(strings.Fields(text), "") != strings.Repeat("é2", n) || !strings.HasSuffix(text, "é2\n") {
			t.Errorf("%d words became %q", n, text)
		}
		for i, line := range strings.Split(text, "\n") {
			if width := utf8.RuneCountInString(line); width > 120 || i == 0 && n > 40 && width < 118 {
				t.Errorf("%d words: line %d has %d columns", n, i, width)
			}
		}
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(x); got != want {
			t.Errorf("%v is written %s", x, got)
		}
	}
}
