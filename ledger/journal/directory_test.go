// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// publishedDirectory makes a directory of n records, all published, and stops the
// journal in order.
func publishedDirectory(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{Origin: "log.example/tamper"})
	add(t, j, n, 16)
	if err := j.WaitPublished(t.Context(), uint64(n)); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// appendMore appends n more records to a directory.
func appendMore(t *testing.T, dir string, n int) {
	t.Helper()
	j, stop := start(t, dir, Config{})
	add(t, j, n, 16)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// copyTree replaces the directory to by a copy of from.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// serveOnce does with a directory what a server does: it opens and runs the
// journal, takes one more record, and publishes it. It returns the refusal.
func serveOnce(t *testing.T, dir string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	j, err := Open(ctx, dir, Config{Logger: slog.New(slog.DiscardHandler), Interval: 100 * time.Millisecond,
		DrainTimeout: 50 * time.Millisecond})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- j.Run(run) }()
	seq := j.Take()
	_, err = j.Append(ctx, seq, decision(seq, "one more"))
	if err == nil {
		err = j.WaitPublished(ctx, seq+1)
	}
	stop()
	if rerr := <-done; rerr != nil {
		err = fmt.Errorf("run: %w", rerr)
	}
	if cerr := j.Close(); err == nil {
		err = cerr
	}
	return err
}

// fsckOnce checks a directory, as an auditor or operator does.
func fsckOnce(t *testing.T, dir string) error {
	t.Helper()
	_, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
	return err
}

// filesBelow lists the regular files below dir/sub.
func filesBelow(t *testing.T, dir, sub string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, sub), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func removeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// editStore opens the store below the journal and changes it, as an intruder with
// access to the disk can.
func editStore(t *testing.T, dir string, fn func(*pebble.DB) error) {
	t.Helper()
	opts := &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: quietLogger{}}
	db, err := pebble.Open(filepath.Join(dir, storeDir), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fn(db), db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// quietLogger drops Pebble's messages.
type quietLogger struct{}

func (quietLogger) Infof(string, ...any)              {}
func (quietLogger) Errorf(string, ...any)             {}
func (quietLogger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// recordFiles lists the record files, ascending.
func recordFiles(t *testing.T, dir string) (out []string) {
	t.Helper()
	for _, f := range filesBelow(t, dir, recordDir) {
		if filepath.Ext(f) == recordfile.Suffix {
			out = append(out, f)
		}
	}
	return out
}

// lastGroup returns the last record file, its bytes, and where its last group
// begins.
func lastGroup(t *testing.T, dir string) (path string, b []byte, at int) {
	t.Helper()
	all := recordFiles(t, dir)
	path = all[len(all)-1]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	offs := groupOffsets(t, b)
	return path, b, offs[len(offs)-2]
}

// groupOffsets returns where the groups of a record file begin, and its length.
func groupOffsets(t *testing.T, b []byte) []int {
	t.Helper()
	offs := []int{0}
	for at := 0; at < len(b) && !isZero(b[at:]); {
		f, err := recordfile.ParseHead(b[at:])
		if err != nil {
			t.Fatal(err)
		}
		at += int(f.Size())
		offs = append(offs, at)
	}
	return offs
}

// isZero reports whether b has only zeros, as a file that was made in advance.
func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
