// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// weightedLoans is a copy of a table with a column of weights, from 0.25 to 4.
func weightedLoans(t *testing.T, table string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(readFile(t, table)), "\n")
	for i, line := range lines {
		w := "weight"
		if i > 0 {
			w = fmt.Sprint(0.25 * float64(1+(i*i)%16))
		}
		lines[i] = line + "," + w
	}
	out := filepath.Join(t.TempDir(), "weighted.csv")
	write(t, out, strings.Join(lines, "\n")+"\n")
	return out
}

// copiedLoans has every row of a table with a column "times" as often as that
// says.
func copiedLoans(t *testing.T, table string, times func(i int) int, withColumn bool) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(readFile(t, table)), "\n")
	var out []string
	for i, line := range lines {
		switch {
		case withColumn && i == 0:
			out = append(out, line+",times")
		case withColumn:
			out = append(out, fmt.Sprintf("%s,%d", line, times(i)))
		case i == 0:
			out = append(out, line)
		default:
			out = append(out, slices.Repeat([]string{line}, times(i))...)
		}
	}
	path := filepath.Join(t.TempDir(), "copied.csv")
	write(t, path, strings.Join(out, "\n")+"\n")
	return path
}

// TestWeightsAreCopiesOfRows: a table with a column of weights and the table with
// each row as often as it weighs give one report, but for what depends on the
// number of rows: a model that is given, to its figures and counts.
func TestWeightsAreCopiesOfRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	train, later := creditLoans(t)
	times := func(i int) int { return 1 + i%3 }
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle")
	train2 := []string{"train", "--data", train, "--params", "num_iterations=20,num_leaves=8", "--out", bundle}
	var keys [2]map[string]any
	for k, args := range [][]string{train2,
		{"evaluate", "--model", bundle, "--data", copiedLoans(t, later, times, true), "--weight", "times", "--out",
			filepath.Join(dir, "0")},
		{"evaluate", "--model", bundle, "--data", copiedLoans(t, later, times, false), "--out",
			filepath.Join(dir, "1")}} {
		if _, stderr, code := assayRun(t, args...); code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
		if k > 0 {
			if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, fmt.Sprint(k-1), "report.json"))),
				&keys[k-1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"auc", "ks", "gini", "brier", "logloss", "bad_rate"} {
		a, b := keys[0][name].(float64), keys[1][name].(float64)
		if d := a - b; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: %v by weight, %v of copies", name, a, b)
		}
	}
	if keys[0]["n"].(float64) >= keys[1]["n"].(float64) {
		t.Errorf("%v rows by weight, %v copies", keys[0]["n"], keys[1]["n"])
	}
}

// TestWeightColumn: the model does not see the weight, the bundle names it, a
// report takes it from there, and a table without it is told of.
func TestWeightColumn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	train, later := creditLoans(t)
	weighted := weightedLoans(t, train)
	dir := t.TempDir()
	bundle, plain := filepath.Join(dir, "bundle"), filepath.Join(dir, "plain")
	run := func(args ...string) (string, string) {
		t.Helper()
		out, stderr, code := assayRun(t, args...)
		if code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
		return out, stderr
	}
	params := "num_iterations=20,num_leaves=8"
	run("train", "--data", weighted, "--weight", "weight", "--params", params, "--out", bundle)
	run("train", "--data", train, "--params", params, "--out", plain)
	var m struct {
		Data struct {
			Weight  string
			BadRate float64 `json:"bad_rate"`
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(bundle, "manifest.json"))), &m); err != nil ||
		m.Data.Weight != "weight" {
		t.Errorf("the manifest names %q, %v", m.Data.Weight, err)
	}
	if text := readFile(t, bundle+".plan.yaml"); strings.Contains(text, "weight") {
		t.Error("the inferred plan reads the weight")
	}
	if readFile(t, filepath.Join(bundle, "model.txt")) == readFile(t, filepath.Join(plain, "model.txt")) {
		t.Error("weights change no tree")
	}

	report := func(args ...string) (text, said string) {
		out := filepath.Join(dir, "report")
		_, stderr := run(append([]string{"evaluate", "--model", bundle, "--out", out}, args...)...)
		return readFile(t, filepath.Join(out, "report.json")), stderr
	}
	byWeight, _ := report("--data", weightedLoans(t, later))
	if !strings.Contains(byWeight, `"title": "Weights"`) {
		t.Error("a table with the model's weight column is not weighted")
	}
	for name, args := range map[string][]string{"--weight none": {"--data", weightedLoans(t, later), "--weight",
		"none"}, "a table without the column": {"--data", later}} {
		text, said := report(args...)
		if strings.Contains(text, `"title": "Weights"`) {
			t.Errorf("%s: weighted all the same", name)
		}
		if strings.HasPrefix(name, "a table") && !strings.Contains(said, `no column "weight"`) {
			t.Errorf("nothing is said of a table without weights: %s", said)
		}
	}
}

// readFile returns a file's text.
func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
