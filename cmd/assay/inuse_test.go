// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger/journal"
)

// holdEnv names, for the process that TestInUse starts, the directory whose
// journal it is to keep open.
const holdEnv = "ASSAY_TEST_HOLD"

// TestInUse: while one process works on a directory, no other touches it. A
// second demo, above all, does not wipe it.
func TestInUse(t *testing.T) {
	if dir := os.Getenv(holdEnv); dir != "" {
		j, err := journal.Open(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the other side is done
		_ = j.Close()
		return
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, demoMark), "")
	write(t, filepath.Join(dir, "kept"), "")
	c := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^TestInUse$")
	c.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = c.Wait()
	}()
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	for _, args := range [][]string{{"demo"}, {"ledger", "fsck"}, {"ledger", "retire"},
		{"audit", "--bundle", smallBundle(t)}} {
		_, stderr, code := assayRun(t, append(args, "--dir", dir)...)
		if code != 1 || !strings.Contains(stderr, "stop the server that runs on it") {
			t.Errorf("assay %s: status %d, %s", strings.Join(args, " "), code, stderr)
		}
	}
	if after := names(t, dir); after != before {
		t.Errorf("the directory held %s, now %s", before, after)
	}
}
