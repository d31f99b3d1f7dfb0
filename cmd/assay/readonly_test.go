// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/serving/assayclient"
)

// TestCheckingWritesNothing runs audit and fsck on the directory of a server
// that was killed, with every permission to write taken away, and finds each file
// as it was.
func TestCheckingWritesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bundle, dir := smallBundle(t), filepath.Join(t.TempDir(), "node")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := startUp(t, dir, bundle)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	trust, err := readTrust("", filepath.Join(dir, node.TrustName))
	if err != nil {
		t.Fatal(err)
	}
	c, err := assayclient.Dial(p.addr, assayclient.Config{LogKey: trust.LogKey})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range testEvents(t, bundle)[:50] {
		if _, err := c.Score(ctx, fmt.Sprint("r", i), &e); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()

	before := stateOf(t, dir)
	for _, args := range [][]string{{"ledger", "fsck"}, {"audit", "--bundle", bundle}} {
		_, stderr, code := assayRun(t, append(args, "--dir", dir)...)
		if code != 0 {
			t.Errorf("assay %s: status %d, %s", args[0], code, stderr)
		}
		after := stateOf(t, dir)
		for path := range after {
			if before[path] != after[path] {
				t.Errorf("assay %s: %s was %q, is %q", args[0], path, before[path], after[path])
			}
		}
		if len(after) != len(before) {
			t.Errorf("assay %s: %d files, %d before", args[0], len(after), len(before))
		}
	}
}

// stateOf is every file's size, time and content.
func stateOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		out[path] = fmt.Sprintf("%d %d %x", len(b), info.ModTime().UnixNano(), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
