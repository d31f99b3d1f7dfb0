// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
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

// TestTrainTarget: a place where no bundle can be written is refused before
// anything is read, and nothing is left there or beside it.
func TestTrainTarget(t *testing.T) {
	dir := t.TempDir()
	file, other, empty := filepath.Join(dir, "file"), filepath.Join(dir, "other"), filepath.Join(dir, "empty")
	write(t, file, "x")
	for _, d := range []string{other, empty} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(other, "notes.txt"), "x")
	t.Chdir(empty)
	before := names(t, dir)
	for out, c := range map[string]struct {
		code int
		says string
	}{
		file: {1, "is not a directory"}, filepath.Join(file, "bundle"): {1, "not a directory"},
		other: {1, "is not a bundle"},
		".":   {2, "name of a directory"}, "..": {2, "name of a directory"}, "/": {2, "name of a directory"},
	} {
		for _, args := range [][]string{
			{"train", "--data", "credit_data", "--out", out}, {"train", "--data", "credit_data",
				"--stream", "--out", out},
			{"import", "--from", "lightgbm", "--file", "model.txt", "--out", out},
		} {
			_, stderr, code := assayRun(t, args...)
			if code != c.code || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "- read") {
				t.Errorf("assay %s: status %d, %s", strings.Join(args, " "), code, stderr)
			}
		}
	}
	if after := names(t, dir); after != before || names(t, empty) != "" || names(t, other) != "notes.txt" {
		t.Errorf("left behind: %s; %s; %s", after, names(t, empty), names(t, other))
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

// TestIdleFlags: a flag that would change nothing is refused.
func TestIdleFlags(t *testing.T) {
	for _, args := range [][]string{{"--before", "2024-01-01"}, {"--backtest", "-3"}, {"--backtest", "1000"}} {
		all := append([]string{"evaluate", "--model", "absent", "--data", "credit_data", "--out", "report"}, args...)
		if _, stderr, code := assayRun(t, all...); code != 2 || !strings.Contains(stderr, args[0]) {
			t.Errorf("%v: status %d, %s", args, code, stderr)
		}
	}
}
