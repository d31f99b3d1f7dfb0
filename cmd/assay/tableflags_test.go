// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnBadRow: each command that reads a table fails at the first bad row and
// says which it is, or leaves bad rows out and counts them.
func TestOnBadRow(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var rows strings.Builder
	rows.WriteString("x,y,target\n")
	for i := range 400 {
		x := []string{"1", "2", "3", "4", "5"}[i%5]
		switch i {
		case 100:
			rows.WriteString("1,2\n") // row 101: ragged
		case 200:
			rows.WriteString("1,-7,0\n") // row 201: breaks the plan
		default:
			rows.WriteString(x + ",1," + []string{"0", "1", "0"}[i%3] + "\n")
		}
	}
	write("t.csv", rows.String())
	write("plan.yaml", "version: 1\nlabel: {column: target}\nfields: [{name: x}, {name: y, min: 0}]\nfeatures: "+
		"[{name: x}, {name: y}]\n")
	write("good.csv", strings.Replace(strings.Replace(rows.String(), "1,2\n", "", 1), "1,-7,0\n", "", 1))
	few := []string{"--params", "num_iterations=3", "--calibrate", "none", "--plan", at("plan.yaml")}
	if _, stderr, code := assayRun(t, append([]string{"train", "--data", at("good.csv"), "--out", at("bundle")},
		few...)...); code != 0 {
		t.Fatal(stderr)
	}
	if _, stderr, code := assayRun(t, "export", "--model", at("bundle"), "--out", at("model.txt")); code != 0 {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{
		append([]string{"train", "--data", at("t.csv"), "--out", at("b2")}, few...),
		{"score", "--model", at("bundle"), "--data", at("t.csv"), "--out", at("scores.csv")},
		{"features", "--model", at("bundle"), "--data", at("t.csv"), "--out", at("v.csv")},
		{"features", "--report", "--plan", at("plan.yaml"), "--data", at("t.csv")},
		{"evaluate", "--model", at("bundle"), "--data", at("t.csv"), "--out", at("report")},
		{"import", "--from", "lightgbm", "--file", at("model.txt"), "--plan", at("plan.yaml"), "--data",
			at("t.csv"), "--out", at("b3")},
	} {
		_, stderr, code := assayRun(t, args...)
		if code != 1 || !strings.Contains(stderr, "t.csv: row 101 (line 102)") {
			t.Errorf("assay %s: status %d, %s", strings.Join(args, " "), code, stderr)
		}
		_, stderr, code = assayRun(t, append(args, "--on-bad-row", "skip")...)
		if code != 0 ||
			!strings.Contains(stderr, "1 rows of "+at("t.csv")+" were left out; the first: t.csv: row 101") ||
			!strings.Contains(stderr,
				`1 rows of t were left out: they break a rule of the plan; the first: t: row 201, column "y"`) {
			t.Errorf("assay %s --on-bad-row skip: status %d, %s", strings.Join(args, " "), code, stderr)
		}
		if _, stderr, code = assayRun(t, append(args, "--on-bad-row", "ignore")...); code != 2 ||
			!strings.Contains(stderr, "fail or skip") {
			t.Errorf("assay %s --on-bad-row ignore: status %d, %s", strings.Join(args, " "), code, stderr)
		}
	}
	b, err := os.ReadFile(at("scores.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 399 || !strings.HasPrefix(lines[101], "102,") || !strings.HasPrefix(lines[398], "400,") {
		t.Errorf("%d lines, line 102 is %q, the last %q: want the numbers of the file's rows", len(lines),
			lines[101], lines[len(lines)-1])
	}
}

// TestFeaturesReport scores the features of a table without times and of an
// event log.
func TestFeaturesReport(t *testing.T) {
	out, stderr, code := assayRun(t, "features", "--report", "--data", "credit_data", "--drop-by-gain", "2", "--params",
		"num_iterations=5,num_leaves=4")
	if code != 0 || !strings.Contains(out, "Records") || !strings.Contains(out, "scored on all 4454 rows") ||
		!strings.Contains(out, "a model without it ranks as well on 2 folds") {
		t.Errorf("credit_data: status %d, %s\n%s", code, stderr, out)
	}
	dir := filepath.Join(t.TempDir(), "world")
	if _, stderr, code := assayRun(t, "data", "synth", "scf", "--rows", "40000", "--out", dir); code != 0 {
		t.Fatal(stderr)
	}
	log, plan := filepath.Join(dir, "events.parquet"), filepath.Join(dir, "plan.yaml")
	out, stderr, code = assayRun(t, "features", "--report", "--json", "--plan", plan, "--data", log)
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{`"train_rows"`, `"psi_by_month"`, `"keep"`,
		`"split": "scored on `, "stability against"} {
		if !strings.Contains(out, want) {
			t.Errorf("scf: no %s in %.2000s", want, out)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--plan", plan, "--data", log, "--before", "1999-01-01"}, 1, "both need some"},
		{[]string{"--plan", plan, "--data", log, "--later", log}, 2, "split in time already"},
		{[]string{"--data", "credit_data", "--before", "2020-01-01"}, 1, "time column"},
		{[]string{"--data", "credit_data", "--drop-by-gain", "1"}, 2, "2 to 100"},
		{[]string{"--data", "credit_data", "--later", "credit_data"}, 0, ""},
		{[]string{}, 2, "--data"},
	} {
		if _, stderr, code := assayRun(t, append([]string{"features", "--report"}, c.args...)...); code != c.code ||
			!strings.Contains(stderr, c.says) {
			t.Errorf("features --report %v: status %d, %s", c.args, code, stderr)
		}
	}
}
