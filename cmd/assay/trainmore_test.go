// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
)

// loans writes a table of n made-up loans.
func loans(t *testing.T, n int) (csv string) {
	t.Helper()
	csv = filepath.Join(t.TempDir(), "loans.csv")
	if err := os.WriteFile(csv, madeUpLoans(n), 0o644); err != nil {
		t.Fatal(err)
	}
	return csv
}

// madeUpLoans is a table of n made-up loans.
func madeUpLoans(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("amount,income,sector,target\n")
	for range n {
		amount, income, bad := rng.IntN(10_000), 1+rng.IntN(5000), 0
		if rng.Float64() < 0.1+0.5*float64(amount)/float64(amount+3*income) {
			bad = 1
		}
		fmt.Fprintf(&b, "%d,%d,%s,%d\n", amount, income, []string{"steel", "food", ""}[rng.IntN(3)], bad)
	}
	return b.Bytes()
}

// TestTrainStream: a table read in pieces gives the model that the same rows
// give when they are read at once.
func TestTrainStream(t *testing.T) {
	csv := loans(t, 70_000) // more than one piece
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	few := []string{"--data", csv, "--params", "num_iterations=5,num_leaves=7"}
	for _, args := range [][]string{
		append([]string{"train", "--stream", "--calibrate", "none", "--out", at("pieces")}, few...),
		append([]string{"train", "--calibrate", "none", "--out", at("whole"), "--plan", at("pieces.plan.yaml")},
			few...),
		append([]string{"train", "--stream", "--out", at("calibrated")}, few...),
	} {
		if _, stderr, code := assayRun(t, args...); code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
	}
	var text [2][]byte
	for i, name := range []string{"pieces", "whole"} {
		b, err := models.ReadBundle(at(name))
		if err != nil {
			t.Fatal(err)
		}
		text[i] = b.ModelText
		if b.Manifest.Data.Rows != 70_000 || b.Manifest.Data.SHA256.IsZero() {
			t.Errorf("%s: trained on %d rows, digest %s", name, b.Manifest.Data.Rows, b.Manifest.Data.SHA256)
		}
	}
	if !bytes.Equal(text[0], text[1]) {
		t.Error("in pieces and at once give two models")
	}
	b, err := models.ReadBundle(at("calibrated"))
	if err != nil {
		t.Fatal(err)
	}
	if auc := b.Manifest.Metrics["heldout.auc"]; auc < 0.6 || b.Manifest.Data.Rows != 63_000 ||
		b.Calibration.Method != models.CalibrationPlatt {
		t.Errorf("held-out AUC %.3f, %d rows, calibration %q", auc, b.Manifest.Data.Rows, b.Calibration.Method)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--data", csv, "--cv", "5"}, 2, "--stream"},
		{[]string{"--data", "credit_data"}, 1, "no such file"},
		{[]string{"--data", csv, "--continue", at("whole")}, 2, "--continue"},
	} {
		args := append([]string{"train", "--stream", "--out", at("x")}, c.args...)
		if _, stderr, code := assayRun(t, args...); code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("assay %s: status %d, %s", strings.Join(args, " "), code, stderr)
		}
	}
}

// TestContinueAndRefit goes on from a bundle on other rows.
func TestContinueAndRefit(t *testing.T) {
	old := loans(t, 3000)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	few := []string{"--params", "num_iterations=4,num_leaves=5", "--calibrate", "none"}
	for _, args := range [][]string{
		{"--data", old, "--out", at("first")},
		{"--data", old, "--out", at("more"), "--continue", at("first")},
		{"--data", old, "--out", at("again"), "--refit", at("first")},
	} {
		if _, stderr, code := assayRun(t, append(append([]string{"train"}, args...), few...)...); code != 0 {
			t.Fatalf("assay train %s: %s", strings.Join(args, " "), stderr)
		}
	}
	read := func(name string) *models.Bundle {
		t.Helper()
		s, err := training.OpenScorer(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return s.Bundle
	}
	first, more, again := read("first"), read("more"), read("again")
	if n := len(more.Model.Trees); n != 8 || more.Manifest.Plan != first.Manifest.Plan ||
		!strings.Contains(strings.Join(more.Manifest.Notes, " "), first.Digest.String()) {
		t.Errorf("continued: %d trees, want 8; plan %s; notes %q", n, more.Manifest.Plan.Short(), more.Manifest.Notes)
	}
	for k, tree := range first.Model.Trees {
		if fmt.Sprint(tree.Threshold) != fmt.Sprint(more.Model.Trees[k].Threshold) ||
			fmt.Sprint(tree.Threshold) != fmt.Sprint(again.Model.Trees[k].Threshold) {
			t.Errorf("tree %d has other splits than before", k)
		}
	}
	if len(again.Model.Trees) != 4 || again.Manifest.Plan != first.Manifest.Plan {
		t.Errorf("refitted: %d trees, want 4", len(again.Model.Trees))
	}
	if _, stderr, code := assayRun(t, "train", "--data", old, "--out", at("x"), "--continue", at("first"), "--refit",
		at("first")); code != 2 || !strings.Contains(stderr, "exclude") {
		t.Errorf("both: status %d, %s", code, stderr)
	}
}
