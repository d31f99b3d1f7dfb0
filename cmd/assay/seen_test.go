// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEvaluatedOnTrainingRows: a report on rows that trained the model says so
// first, and does not say that the model holds outside training.
func TestEvaluatedOnTrainingRows(t *testing.T) {
	dir := t.TempDir()
	data, later := loans(t, 600), filepath.Join(dir, "later.csv")
	b, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	write(t, later, strings.Join(lines[:400], ""))
	bundle := filepath.Join(dir, "bundle")
	if _, stderr, code := assayRun(t, "train", "--data", data, "--params", "num_iterations=3",
		"--out", bundle); code != 0 {
		t.Fatal(stderr)
	}
	const says = "evaluated rows trained the model: what is measured on them flatters it."
	for _, c := range []struct {
		name string
		args []string
		want bool
	}{
		{"the manifest's file", []string{"--data", data}, true},
		{"the same file twice", []string{"--data", data, "--train", data}, true},
		{"another file", []string{"--data", later}, false},
		{"another file, with training rows", []string{"--data", later, "--train", data}, false},
	} {
		out := filepath.Join(dir, "report")
		stdout, stderr, code := assayRun(t, append([]string{"evaluate", "--model", bundle, "--out", out}, c.args...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		page, err := os.ReadFile(filepath.Join(out, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(stdout, says) != c.want || strings.Contains(string(page), says) != c.want {
			t.Errorf("%s: said: %t, want %t\n%s", c.name, strings.Contains(stdout, says), c.want, stdout)
		}
		if failed := strings.Contains(string(page), "fail when an evaluated row trained the model"); failed != c.want {
			t.Errorf("%s: it fails to hold outside training: %t, want %t", c.name, failed, c.want)
		}
	}
}
