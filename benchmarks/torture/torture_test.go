// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `=== RUN   TestX
    crash_test.go:12: 3 kills
    crash_test.go:13: COUNT journal_kills 3
COUNT journal_kills 99
        x_test.go:9: S catchup_stuck_fee 31
        x_test.go:9: S catchup_stuck_fee 7
    m_test.go:1: | file or field | operator | injected | found | repaired | by |
    m_test.go:2: | log/tile/0/001 | bit flipped | 4 | 3 | 1 | fsck tile 2, open 1 |
    m_test.go:2: | store file | bit flipped | 2 | 0 | 2 |  |
--- PASS: TestX (0.00s)
`

func TestRead(t *testing.T) {
	ta := &tally{counts: map[string]float64{}, seconds: map[string]float64{}}
	for range 2 {
		if err := ta.read([]byte(sample)); err != nil {
			t.Fatal(err)
		}
	}
	if ta.counts["journal_kills"] != 6 || ta.seconds["catchup_stuck_fee"] != 31 || len(ta.rows) != 4 {
		t.Fatalf("%+v", ta)
	}
	want := "| bit flipped | log/tile, store file | 12 | 6 | 6 | 0 | fsck tile 4, open 2 |"
	if p := ta.page(); !strings.Contains(p, want) {
		t.Errorf("no line %s in\n%s", want, p)
	}
	for _, bad := range []string{"| a | b | 1 | 1 |", "| a | b | x | 1 | 0 | c 1 |", "| a | b | 2 | 2 | 0 | c 1 |",
		"| a | b | 1 | 1 | 0 | c |"} {
		if _, ok, err := readRow(bad); err == nil {
			t.Errorf("%s was read: %v", bad, ok)
		}
	}
}

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("a\n"+beginMark+"\nold\n"+endMark+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replace(path, "new\n"); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "a\n"+beginMark+"\nnew\n"+endMark+"\nb\n" {
		t.Errorf("%q", b)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if replace(path, "new\n") == nil {
		t.Error("a page without marks was written")
	}
}

// TestParts asks that no repetition is lost by cutting a step into parts.
func TestParts(t *testing.T) {
	sums := map[string]int{}
	for _, p := range parts(options{}) {
		sums[p.name] += p.each
	}
	for _, s := range steps {
		if sums[s.name] != s.times {
			t.Errorf("%s: %d of %d", s.name, sums[s.name], s.times)
		}
	}
}

// TestStepsAreThere: every test that a step names is in its package.
func TestStepsAreThere(t *testing.T) {
	for _, s := range steps {
		paths, err := filepath.Glob(filepath.Join("../..", s.pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var code strings.Builder
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(b)
		}
		for name := range strings.SplitSeq(strings.Trim(s.run, "^$()"), "|") {
			if !strings.Contains(code.String(), "\nfunc "+name+"(t *testing.T)") {
				t.Errorf("%s: no %s in %s", s.name, name, s.pkg)
			}
		}
	}
}
