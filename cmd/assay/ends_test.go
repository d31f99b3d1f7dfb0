// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// full is a disk without space.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestLostResults: a command whose results cannot be written has failed.
func TestLostResults(t *testing.T) {
	dir := t.TempDir()
	data := loans(t, 500)
	bundle := filepath.Join(dir, "bundle")
	train := []string{"train", "--data", data, "--params", "num_iterations=2"}
	if _, stderr, code := assayRun(t, append(train, "--out", bundle)...); code != 0 {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{
		append(train, "--out", filepath.Join(dir, "other")),
		append(train, "--cv", "2"),
		append(train, "--cv", "2", "--json"),
		{"evaluate", "--model", bundle, "--data", data, "--out", filepath.Join(dir, "report")},
		{"score", "--model", bundle, "--data", data, "--out", "-"},
		{"features", "--report", "--data", data},
		{"data", "list"},
		{"data", "synth", "scf", "--rows", "200", "--out", filepath.Join(dir, "world")},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, full{}, &stderr); code != 1 ||
			!strings.Contains(stderr.String(), "assay: no space left") {
			t.Errorf("assay %s: status %d, %s", strings.Join(args, " "), code, stderr.String())
		}
	}
}

// TestSynthCancelled: a world that is not wanted any more is not written.
func TestSynthCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "world")
	var out, stderr bytes.Buffer
	if code := run(ctx, []string{"data", "synth", "scf", "--rows", "20000", "--out", dir}, &out, &stderr); code != 1 ||
		names(t, dir) != "" {
		t.Errorf("status %d, left behind: %s\n%s", code, names(t, dir), stderr.String())
	}
}
