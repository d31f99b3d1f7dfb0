// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assayrisk/assay/training/trainingtest"
)

// TestMain makes this binary a command `assay` as well, so that scripts can run
// it, and tests can start, kill and restart real processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main})
}

// smallBundle trains a bundle of a few trees.
func smallBundle(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	code := run(t.Context(), []string{"train", "--data", "credit_data", "--out", dir, "--params", "num_iterations=20",
		"--calibrate", "none"}, io.Discard, os.Stderr)
	if code != 0 {
		t.Fatalf("train ended with status %d", code)
	}
	return dir
}

// assayRun runs one command line in this process.
func assayRun(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.WithoutCancel(t.Context()), args, &out, &err)
	return out.String(), err.String(), code
}

// loans writes a table of n made-up loans.
func loans(t *testing.T, n int) (csv string) {
	t.Helper()
	csv = filepath.Join(t.TempDir(), "loans.csv")
	if err := os.WriteFile(csv, trainingtest.Loans(n), 0o644); err != nil {
		t.Fatal(err)
	}
	return csv
}
