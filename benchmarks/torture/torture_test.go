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
	t.Parallel()
	ta := &totals{counts: map[string]float64{}, seconds: map[string]float64{}}
	for range 2 {
		if err := ta.read([]byte(sample)); err != nil {
			t.Fatal(err)
		}
	}
	if ta.counts["journal_kills"] != 6 || ta.seconds["catchup_stuck_fee"] != 31 || len(ta.rows) != 4 {
		t.Fatalf("%+v", ta)
	}
	want := "| bit flipped | log/tile, store file | 12 | 6 | 6 | 0 | fsck tile 4, open 2 |"
	if p := ta.tables(); !strings.Contains(p, want) {
		t.Errorf("no line %s in\n%s", want, p)
	}
	for _, bad := range []string{"| a | b | 1 | 1 |", "| a | b | x | 1 | 0 | c 1 |", "| a | b | 2 | 2 | 0 | c 1 |",
		"| a | b | 1 | 1 | 0 | c |"} {
		if _, ok, err := readRow(bad); err == nil {
			t.Errorf("%s was read: %v", bad, ok)
		}
	}
}

// TestRuns: no repetition is lost when a step is divided into runs.
func TestRuns(t *testing.T) {
	t.Parallel()
	sums := map[string]int{}
	for _, p := range testRuns(options{}) {
		sums[p.name] += p.each
	}
	for _, s := range steps {
		if sums[s.name] != s.times {
			t.Errorf("%s: %d of %d", s.name, sums[s.name], s.times)
		}
	}
}

// TestStepsExist: every test that a step names is in its package.
func TestStepsExist(t *testing.T) {
	t.Parallel()
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
