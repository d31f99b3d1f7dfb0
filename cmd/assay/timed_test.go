// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// datedLoans writes a labelled table of n rows decided over two years, not in
// the order of their times.
func datedLoans(t *testing.T, n int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 5))
	lines := []string{"amount,income,decided,target"}
	for range n {
		amount, income, bad := r.IntN(10_000), 1+r.IntN(5000), 0
		if r.Float64() < float64(amount)/float64(amount+3*income) {
			bad = 1
		}
		day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(730))
		lines = append(lines, fmt.Sprintf("%d,%d,%s,%d", amount, income, day.Format(time.DateOnly), bad))
	}
	path := filepath.Join(t.TempDir(), "dated.csv")
	write(t, path, strings.Join(lines, "\n")+"\n")
	return path
}

// TestLabelledTableInTime: a labelled table with a time column is trained on,
// judged and tested forward in time as an event log is.
func TestLabelledTableInTime(t *testing.T) {
	data, dir := datedLoans(t, 1200), t.TempDir()
	bundle := filepath.Join(dir, "bundle")
	if _, stderr, code := assayRun(t, "train", "--data", data, "--time", "decided", "--before", "2025-06-01",
		"--params", "num_iterations=5,num_leaves=4", "--out", bundle); code != 0 {
		t.Fatal(stderr)
	}
	// The inferred plan keeps the column, so that it need not be named again.
	tables, absent := evaluated(t, "--model", bundle, "--data", data, "--train", data, "--since", "2025-06-01",
		"--before", "2025-06-01", "--backtest", "2")
	if m := tables["By month of decision"]; len(m) != 7 || m[0][0] != "2025-06" {
		t.Errorf("months %v, want seven from 2025-06 (absent: %v)", m, absent)
	}
	if b := tables["Backtest forward in time"]; len(b) != 2 || b[0][1].(float64) < 300 ||
		b[1][1].(float64) <= b[0][1].(float64) {
		t.Errorf("backtest %v, want two periods, the second trained on more rows", b)
	}
	if e := tables["Exclusions"]; len(e) != 1 {
		t.Errorf("exclusions %v, want the rows before --since", e)
	}
}
