// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// alone are the last applications of a shop's log, without any event before them.
func (s *shop) alone() [][]string {
	var out [][]string
	for _, r := range s.rows[1000:] {
		if r[2] == "application" {
			out = append(out, r)
		}
	}
	return out
}

// logAs writes rows under a name of their own.
func (s *shop) logAs(name string, rows [][]string) string {
	s.t.Helper()
	_, log := s.write("column: bad", rows)
	other := filepath.Join(s.dir, name)
	if err := os.Rename(log, other); err != nil {
		s.t.Fatal(err)
	}
	return other
}

// TestEvaluationsWithoutHistory: a report on rows without the events before them
// says so, and so does training that is validated by such rows.
func TestEvaluationsWithoutHistory(t *testing.T) {
	s := newShop(t)
	alone := s.logAs("alone.csv", s.alone())
	plan, log := s.write("column: bad", s.rows)
	const warning = "hardly any history"
	if _, stderr, code := s.train(plan, log, "--valid", log); code != 0 || strings.Contains(stderr, warning) {
		t.Fatalf("validated by the whole log: %d, %s", code, stderr)
	}
	if _, stderr, code := s.train(plan, log, "--valid", alone); code != 0 || !strings.Contains(stderr, warning) ||
		!strings.Contains(stderr, "paid: 0.0 %, ") {
		t.Errorf("validated by rows alone: %d, %s", code, stderr)
	}
	for name, c := range map[string]struct {
		data string
		thin bool
	}{"whole": {log, false}, "alone": {alone, true}} {
		out := filepath.Join(s.dir, "report-"+name)
		_, stderr, code := assayRun(t, "evaluate", "--model", filepath.Join(s.dir, "bundle"),
			"--data", c.data, "--out", out)
		if code != 0 || !strings.Contains(stderr, "window paid counts") || strings.Contains(stderr, warning) != c.thin {
			t.Errorf("%s: %d, %s", name, code, stderr)
		}
		page, err := os.ReadFile(filepath.Join(out, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), "Rows without their history") != c.thin {
			t.Errorf("%s: the report says of rows without their history: %v", name, !c.thin)
		}
	}
}

// TestLogsWithoutScoredRows: a log none of whose rows is of the scored kind is
// refused with the kinds that it has, by every command that makes vectors.
func TestLogsWithoutScoredRows(t *testing.T) {
	s := newShop(t)
	other := s.logAs("other.csv", altered(s.rows, func(_ int, r []string) {
		if r[2] == "application" {
			r[2] = "Application"
		}
	}))
	facts := s.logAs("facts.csv", altered(s.rows, func(_ int, r []string) {
		if r[2] == "application" {
			r[2] = "payment"
		}
	}))
	plan, log := s.write("column: bad", s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	bundle := filepath.Join(s.dir, "bundle")
	for data, hint := range map[string]string{other: `"Application" (300)`, facts: `"payment" (`} {
		for _, command := range [][]string{
			{"score", "--model", bundle, "--data", data, "--out", "-"},
			{"features", "--model", bundle, "--data", data, "--out", filepath.Join(s.dir, "v.csv")},
			{"evaluate", "--model", bundle, "--data", data, "--out", filepath.Join(s.dir, "report")},
			{"train", "--plan", plan, "--data", data, "--out", filepath.Join(s.dir, "none")},
			{"features", "--report", "--plan", plan, "--data", data},
			{"evaluate", "--model", bundle, "--data", log, "--declined", data, "--out", filepath.Join(s.dir, "report")},
		} {
			_, stderr, code := assayRun(t, command...)
			if code != 1 || !strings.Contains(stderr, `no event of the kind that the plan scores, "application"`) ||
				!strings.Contains(stderr, hint) {
				t.Errorf("%s of %s: %d, %s", command[0], filepath.Base(data), code, stderr)
			}
		}
	}
}

// TestWindowsThatNobodyReads: a window that no feature reads is said.
func TestWindowsThatNobodyReads(t *testing.T) {
	s := newShop(t)
	plan, log := s.write("column: bad", s.rows)
	_, stderr, code := s.train(plan, log)
	const note = "no feature reads these windows of the plan: "
	if code != 0 || strings.Contains(stderr, note) {
		t.Fatalf("%d, %s", code, stderr)
	}
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	more := "windows:\n  - {name: idle, key: [loan], on: [payment], length: 1d}\n  - {name: lazy, key: [loan], on: " +
		"[payment], length: 2d}\n"
	if err := os.WriteFile(plan, []byte(strings.Replace(string(text), "windows:\n", more, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code = s.train(plan, log); code != 0 || !strings.Contains(stderr, note+"idle, lazy") {
		t.Errorf("%d, %s", code, stderr)
	}
}
