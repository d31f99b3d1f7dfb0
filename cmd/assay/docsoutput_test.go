// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var outputMark = regexp.MustCompile(`^<!-- output of: (.+) -->$`)

// varies is what a run says that another one says otherwise: times, ports, keys
// and addresses made at the start, and the record that a forgery was tried on
// first. Everything else (the model's digest, its figures, counts, decisions,
// reasons) is the same on every machine.
var varies = regexp.MustCompile(strings.Join([]string{
	`\([0-9.]+m?s\)`, `[0-9.]+ s in all`, `[0-9]+ decisions a second`,
	`127\.0\.0\.1:[0-9]+`, `0x[0-9a-f]{40,64}`,
	`log-[0-9a-f]{16}\+[0-9a-f]{8}\+[0-9A-Za-z+/]+…`,
	`at index [0-9]+`, `trie node [0-9]+`,
}, "|"))

// steady replaces what varies, and leaves out how far a step was after five
// seconds, which a fast machine does not say.
func steady(text string) (lines []string) {
	step := ""
	for _, l := range strings.Split(varies.ReplaceAllString(text, "…"), "\n") {
		if after, ok := strings.CutPrefix(l, "- "); ok {
			step = "  " + after + ": "
		}
		if step == "" || !strings.HasPrefix(l, step) {
			lines = append(lines, l)
		}
	}
	return lines
}

// sameOutput compares what a page shows with what the command said, line by
// line but for what varies; with -update it writes the page.
func sameOutput(t *testing.T, page, command, want, got string) {
	t.Helper()
	a, b := steady(want), steady(got)
	for i := range max(len(a), len(b)) {
		if i < len(a) && i < len(b) && a[i] == b[i] {
			continue
		}
		if *update {
			path := filepath.Join("../..", page)
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte(strings.Replace(string(text), want, got, 1)), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		line := func(of []string) string {
			if i < len(of) {
				return of[i]
			}
			return "nothing"
		}
		t.Errorf("%s shows another output of `%s` than it has: go test ./cmd/assay -run TestDocs -update\nline "+
			"%d\nshown %s\nsaid  %s", page, command, i+1, line(a), line(b))
		return
	}
}

func TestSteady(t *testing.T) {
	same := func(a, b string) bool { return strings.Join(steady(a), "\n") == strings.Join(steady(b), "\n") }
	if !same("  AUC 0.8457 (2.74s)", "  AUC 0.8457 (310ms)") || same("  AUC 0.8457 (2.74s)", "  AUC 0.8458 (2.74s)") ||
		same("891 receipts", "890 receipts") ||
		!same("- fetch 9\n  all hold", "- fetch 9\n  fetch 9: 5 of 9\n  all hold") ||
		same("- fetch 9\n  all hold", "- fetch 9\n  fetch: 5 of 9\n  all hold") {
		t.Error("steady is wrong")
	}
	page := "<!-- output of: assay x -->\n```text\nsaid\n```\n"
	p, err := parsePage(page + "```console\n$ go run ./cmd/assay x\n```\n")
	if err != nil || p.outputs["assay x"] != "said\n" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := parsePage(page); err == nil {
		t.Error("an output that nothing makes is taken")
	}
}
