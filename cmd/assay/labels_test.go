// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// namedLabels is a copy of a table whose label column holds words.
func namedLabels(t *testing.T, table, good, bad string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(readFile(t, table)), "\n")
	for i, line := range lines {
		y, rest, _ := strings.Cut(line, ",")
		switch {
		case i == 0:
			y = "status"
		case y == "1":
			y = bad
		default:
			y = good
		}
		lines[i] = y + "," + rest
	}
	path := filepath.Join(t.TempDir(), "named.csv")
	write(t, path, strings.Join(lines, "\n")+"\n")
	return path
}

// TestSwappedLabelNames: what the outcomes are called changes nothing, and calling
// the other one bad turns what it must around and nothing else.
func TestSwappedLabelNames(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	train, later := creditLoans(t)
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if _, stderr, code := assayRun(t, args...); code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
	}
	figures := func(out string) (v map[string]any) {
		t.Helper()
		if err := json.Unmarshal([]byte(readFile(t, filepath.Join(out, "report.json"))), &v); err != nil {
			t.Fatal(err)
		}
		delete(v, "title") // names of files
		delete(v, "made")
		for _, s := range v["sections"].([]any) {
			var kept []any
			blocks, _ := s.(map[string]any)["blocks"].([]any)
			for _, b := range blocks {
				// digests of files, the label's name
				if table, ok := b.(map[string]any)["table"].(map[string]any); !ok || table["title"] != "Model card" {
					kept = append(kept, b)
				}
			}
			s.(map[string]any)["blocks"] = kept
		}
		return v
	}
	few := []string{"--params", "num_iterations=20,num_leaves=8"}
	numbers, words := filepath.Join(dir, "numbers"), filepath.Join(dir, "words")
	run(append([]string{"train", "--data", train, "--out", numbers}, few...)...)
	run(append([]string{"train", "--data", namedLabels(t, train, "paid", "lost"), "--label", "status", "--bad", "lost",
		"--out", words}, few...)...)
	if readFile(t, filepath.Join(numbers, "model.txt")) != readFile(t, filepath.Join(words, "model.txt")) {
		t.Error("the names of outcomes change the model")
	}
	for k, args := range [][]string{
		{"--data", later, "--label", "target", "--train", train},
		{"--data", namedLabels(t, later, "paid", "lost"), "--label", "status", "--bad", "lost", "--train",
			namedLabels(t, train, "paid", "lost")},
		{"--data", namedLabels(t, later, "lost", "paid"), "--label", "status", "--bad", "paid", "--train",
			namedLabels(t, train, "lost", "paid")},
		{"--data", namedLabels(t, later, "paid", "lost"), "--label", "status", "--bad", "paid"},
		{"--data", later, "--label", "target"},
	} {
		run(append([]string{"evaluate", "--model", numbers, "--out", filepath.Join(dir, fmt.Sprint(k))}, args...)...)
	}
	first, _ := json.Marshal(figures(filepath.Join(dir, "0")))
	for _, k := range []string{"1", "2"} {
		other, _ := json.Marshal(figures(filepath.Join(dir, k)))
		if string(first) != string(other) {
			t.Errorf("report %s differs from that of 0 and 1", k)
		}
	}
	turned, straight := figures(filepath.Join(dir, "3")), figures(filepath.Join(dir, "4"))
	for name, want := range map[string]float64{
		"auc": 1 - straight["auc"].(float64), "gini": -straight["gini"].(float64), "bad_rate": 1 -
			straight["bad_rate"].(float64), "n": straight["n"].(float64),
	} {
		if got := turned[name].(float64); math.Abs(got-want) > 1e-12 {
			t.Errorf("with the good outcome called bad, %s is %v, want %v", name, got, want)
		}
	}
	if _, stderr, code := assayRun(t, "evaluate", "--model", numbers, "--data", namedLabels(t, later, "paid", "lost"),
		"--label", "status", "--bad", "lots", "--out", filepath.Join(dir, "x")); code != 0 ||
		!strings.Contains(stderr, `holds "lots"`) {
		t.Errorf("a bad outcome that no row has: status %d, %s", code, stderr)
	}
	if r := readReport(t, filepath.Join(dir, "x")); !strings.Contains(strings.Join(r.Headline, " "), "one class only") {
		t.Errorf("the report of rows that all count as good begins with %q", r.Headline)
	}
}

// TestReferenceGroup: --group COLUMN=LEVEL compares the others with that level,
// and a level that the column does not have is refused by name.
func TestReferenceGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	train, later := creditLoans(t)
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle")
	if _, stderr, code := assayRun(t, "train", "--data", train, "--params", "num_iterations=20,num_leaves=8",
		"--out", bundle); code != 0 {
		t.Fatal(stderr)
	}
	rates := map[string]float64{}
	for _, reference := range []string{"", "rent", "parents"} {
		group, out := "Home", filepath.Join(dir, "report"+reference)
		if reference != "" {
			group += "=" + reference
		}
		if _, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", later, "--group", group,
			"--out", out); code != 0 {
			t.Fatal(stderr)
		}
		for _, s := range readReport(t, out).Sections {
			for _, b := range s.Blocks {
				if b.Table == nil || b.Table.Title != "Approval by Home" {
					continue
				}
				for _, row := range b.Table.Rows {
					level, rate, ratio := row[0].(string), row[2].(float64), row[3].(float64)
					rates[level] = rate
					if isReference := row[4] == nil; reference != "" && isReference != (level == reference) {
						t.Errorf("%s: %s is compared with nothing: %v", group, level, isReference)
					}
					if reference != "" && rates[reference] > 0 && math.Abs(ratio-rate/rates[reference]) > 1e-12 {
						t.Errorf("%s: the ratio of %s is %v, want %v", group, level, ratio, rate/rates[reference])
					}
				}
			}
		}
	}
	if len(rates) < 3 {
		t.Fatalf("the groups are %v", rates)
	}
	if _, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", later, "--group", "Home=castle", "--out",
		filepath.Join(dir, "x")); code != 2 || !strings.Contains(stderr, `"castle"`) ||
		!strings.Contains(stderr, "rent") {
		t.Errorf("no such level: status %d, %s", code, stderr)
	}
}

// TestFewBadRowsAreNotCalibratedAway: five bad rows of a hundred that the fields
// say nothing of make a calibration that gives everybody one PD. The command
// leaves it out and says so, in the bundle and first in the report; the library
// refuses it (models.ErrConstant).
func TestFewBadRowsAreNotCalibratedAway(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	lines := []string{"income,amount,target"}
	for i := range 100 {
		bad := 0
		if i%20 == 7 {
			bad = 1
		}
		lines = append(lines, fmt.Sprintf("%d,%d,%d", r.IntN(5000), r.IntN(20000), bad))
	}
	dir := t.TempDir()
	data, bundle, out := filepath.Join(dir, "few.csv"), filepath.Join(dir, "bundle"), filepath.Join(dir, "report")
	write(t, data, strings.Join(lines, "\n")+"\n")
	_, stderr, code := assayRun(t, "train", "--data", data, "--params", "num_iterations=20,min_data_in_leaf=5", "--out",
		bundle)
	if code != 0 || !strings.Contains(stderr, "NOT CALIBRATED") {
		t.Fatalf("status %d, %s", code, stderr)
	}
	var c struct{ Calibration struct{ Method string } }
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(bundle, "calibration.json"))), &c); err != nil ||
		c.Calibration.Method != "none" {
		t.Errorf("the bundle is calibrated by %q, %v", c.Calibration.Method, err)
	}
	if _, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", data, "--label", "target",
		"--out", out); code != 0 {
		t.Fatal(stderr)
	}
	report := readReport(t, out)
	found := false
	for _, s := range report.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil && b.Table.Title == "Model card" {
				for _, row := range b.Table.Rows {
					found = found || strings.Contains(fmt.Sprint(row...), "NOT CALIBRATED")
				}
			}
		}
	}
	if !found {
		t.Error("the model card does not say that the model is not calibrated")
	}
	for _, v := range report.Verdicts {
		if v.Light == "pass" && v.Grounds.Bad > 0 && v.Grounds.LeastOfClass > v.Grounds.Bad {
			t.Errorf("%s passes on %d bad rows", v.Question, v.Grounds.Bad)
		}
	}
}
