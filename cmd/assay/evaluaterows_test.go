// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// creditLoans writes the embedded loans as two labelled tables, every third row
// in the second.
func creditLoans(t *testing.T) (train, later string) {
	t.Helper()
	f, err := os.Open("../../datasets/embedded/credit_data.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(all[0], "Status")
	var parts [2][]string
	for i, row := range all {
		label := "target"
		if i > 0 {
			label = "0"
			if row[at] == "bad" {
				label = "1"
			}
		}
		for j, v := range row {
			if v == "NA" {
				row[j] = ""
			}
		}
		if i > 0 && (row[slices.Index(all[0], "Job")] == "" || row[slices.Index(all[0], "Home")] == "" ||
			row[slices.Index(all[0], "Marital")] == "") {
			continue // the inferred plan requires texts that every training row has
		}
		line := strings.Join(append([]string{label}, slices.Delete(slices.Clone(row), at, at+1)...), ",")
		switch {
		case i == 0:
			parts[0], parts[1] = append(parts[0], line), append(parts[1], line)
		case i%3 == 0:
			parts[1] = append(parts[1], line)
		default:
			parts[0] = append(parts[0], line)
		}
	}
	dir := t.TempDir()
	train, later = filepath.Join(dir, "train.csv"), filepath.Join(dir, "later.csv")
	write(t, train, strings.Join(parts[0], "\n")+"\n")
	write(t, later, strings.Join(parts[1], "\n")+"\n")
	return train, later
}

// TestReportIsComputedAgain: scikit-learn, scipy, statsmodels, hmeasure and
// LightGBM have every number of report.json, but those that the audit lists with
// a reason.
func TestReportIsComputedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: other programs compute the numbers of four reports again")
	}
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("ASSAY_PEERS_PYTHON is not set: no interpreter with benchmarks/peers/requirements-tests.txt")
	}
	train, later := creditLoans(t)
	dated, plan := datedLoans(t, 1500), filepath.Join(t.TempDir(), "plan.yaml")
	write(t, plan, "version: 1\nlabel: {column: target}\ntime: decided\nfields:\n  - {name: amount}\n  - {name: "+
		"income}\n  - {name: decided, kind: time}\n"+
		// a figure of groups
		"groups:\n  - {name: money, code: M1, text: Too much for the income}\nfeatures:\n  - {name: amount, group: "+
		"money}\n  - {name: income, group: money}\n")
	for _, c := range []struct {
		name            string
		train, evaluate []string
	}{
		{"credit_data", []string{"--data", train},
			[]string{"--data", later, "--train", train, "--segment", "Marital", "--group", "Home"}},
		{"dated loans", []string{"--data", dated, "--plan", plan, "--before", "2025-03-01", "--calibrate", "isotonic"},
			[]string{"--data", dated, "--train", dated, "--since", "2025-03-01", "--before",
				"2025-03-01", "--backtest", "2"}},
		{"weighted", []string{"--data", weightedLoans(t, train), "--weight", "weight"},
			[]string{"--data", weightedLoans(t, later), "--train", weightedLoans(t, train), "--segment",
				"Marital", "--group", "Home"}},
		{"more rows than samples hold", []string{"--data", later}, []string{"--data", train}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			bundle, rows, out := filepath.Join(dir, "bundle"), filepath.Join(dir, "rows"), filepath.Join(dir, "report")
			for _, args := range [][]string{
				append([]string{"train", "--params", "num_iterations=30,num_leaves=15", "--out", bundle}, c.train...),
				append([]string{"evaluate", "--model", bundle, "--rows", rows, "--out", out}, c.evaluate...),
			} {
				if _, stderr, code := assayRun(t, args...); code != 0 {
					t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
				}
			}
			cmd := exec.Command(python, "-W", "ignore", "../../benchmarks/peers/eval_audit.py", "--report",
				filepath.Join(out, "report.json"), "--rows", rows, "--model", bundle)
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			t.Logf("%s", text)
		})
	}
}
