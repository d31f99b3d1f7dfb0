// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assayrisk/assay/models"
)

// stopper cancels when so many lines have been written to it.
type stopper struct {
	left   int
	cancel func()
	text   bytes.Buffer
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.left -= bytes.Count(p, []byte("\n")); s.left <= 0 {
		s.cancel()
	}
	return s.text.Write(p)
}

// names lists what is in a directory.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var n []string
	for _, e := range entries {
		n = append(n, e.Name())
	}
	return strings.Join(n, " ")
}

// TestTrainCancelled stops training after each line that it prints: nothing is
// left of a bundle that was not written, one that was there is as it was, and
// one that is there in the end is whole.
func TestTrainCancelled(t *testing.T) {
	csv := loans(t, 4000)
	for name, more := range map[string][]string{
		"at once": nil, "in pieces": {"--stream"}, "with early stopping": {"--valid", csv, "--params",
			"num_iterations=30,early_stopping_round=5"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && more != nil {
				t.Skip("takes a second: cancelled at every line; the plain case is enough here")
			}
			dir := t.TempDir()
			out := filepath.Join(dir, "bundle")
			args := append([]string{"train", "--data", csv, "--out", out, "--params", "num_iterations=30,num_leaves=7"},
				more...)
			stopped := 0
			for lines := 1; ; lines++ {
				ctx, cancel := context.WithCancel(t.Context())
				s := &stopper{left: lines, cancel: cancel}
				code := run(ctx, args, io.Discard, s)
				cancel()
				if code == 0 {
					break // there was no such line before the end
				}
				stopped++
				if code != 1 || !strings.Contains(s.text.String(), "canceled") || names(t, dir) != "" {
					t.Fatalf("stopped after line %d: status %d, left %q, said\n%s", lines, code, names(t, dir), &s.text)
				}
			}
			if stopped < 3 {
				t.Errorf("the command could be stopped at %d places only", stopped)
			}
			before, err := models.ReadBundle(out)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if code := run(ctx, append(args, "--name", "other"), io.Discard,
				&stopper{left: 3, cancel: cancel}); code != 1 {
				t.Fatalf("status %d, want 1", code)
			}
			if after, err := models.ReadBundle(out); err != nil || after.Digest != before.Digest {
				t.Errorf("the bundle that was there has changed: %v", err)
			}
			if n := names(t, dir); n != "bundle bundle.plan.yaml" {
				t.Errorf("left %q", n)
			}
		})
	}
}

// TestTrainInterrupted sends a real process the signal of Control-C while it
// grows trees.
func TestTrainInterrupted(t *testing.T) {
	csv := loans(t, 4000)
	dir := t.TempDir()
	c := exec.Command("assay", "train", "--data", csv, "--out", filepath.Join(dir, "bundle"), "--params",
		"num_iterations=10000", "--calibrate", "none")
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	if c.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "canceled") {
		t.Errorf("%v, want status 1:\n%s", err, &said)
	}
	if n := names(t, dir); n != "" {
		t.Errorf("left %q", n)
	}
}
