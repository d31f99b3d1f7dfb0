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
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// honest makes a directory of n records, published, stopped in order.
func honest(t *testing.T, n int) string {
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

// grow serves for a while on a directory: n more records.
func grow(t *testing.T, dir string, n int) {
	t.Helper()
	j, stop := start(t, dir, Config{})
	add(t, j, n, 16)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// copyTree replaces to by a copy of from.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// serve is what a server does with a directory: open, run, take one more
// record, publish. It returns the refusal.
func serve(t *testing.T, dir string) error {
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

// fsckOnce is an auditor's or operator's check.
func fsckOnce(t *testing.T, dir string) error {
	t.Helper()
	_, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
	return err
}

// files lists the regular files below dir/sub.
func files(t *testing.T, dir, sub string) (out []string) {
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

// TestLogNeverForks takes each way in which a log's directory, a journal or a
// high-water mark can be put back or damaged as a whole, and demands that the
// server refuses, that it says why, and that it publishes nothing it signed.
// ASSAY_TAMPERS sets for how many histories; the default is 1. ASSAY_SEED takes
// others.
func TestLogNeverForks(t *testing.T) {
	t.Parallel()
	first := times("ASSAY_SEED", 0)
	for k := first; k < first+times("ASSAY_TAMPERS", 1); k++ {
		t.Run(fmt.Sprint(k), func(t *testing.T) { neverForks(t, 300+37*k, 400+11*k) })
	}
}

// neverForks takes a history of so many records, and so many more of a second
// run.
func neverForks(t *testing.T, records, more int) {
	old := honest(t, records)
	dir := t.TempDir()
	copyTree(t, old, dir)
	grow(t, dir, more)
	if err := fsckOnce(t, dir); err != nil {
		t.Fatalf("the honest directory: %v", err)
	}
	at := func(d string, p ...string) string { return filepath.Join(append([]string{d}, p...)...) }
	tests := []struct {
		name string
		harm func(t *testing.T, d string)
		says string
	}{
		{"log rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "log"), at(d, "log"))
		}, "rolled back or emptied"},
		{"log emptied", func(t *testing.T, d string) {
			copyTree(t, t.TempDir(), at(d, "log"))
		}, "rolled back or emptied"},
		{"tree state deleted", func(t *testing.T, d string) {
			remove(t, at(d, "log", ".state", "treeState"))
		}, "rolled back or emptied"},
		{"records rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "journal"), at(d, "journal"))
		}, "older copy"},
		{"records and log rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "journal"), at(d, "journal"))
			copyTree(t, at(old, "log"), at(d, "log"))
		}, "older copy"},
		{"high-water mark rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "guard"), at(d, "guard"))
		}, "older copy"},
		{"high-water mark deleted", func(t *testing.T, d string) {
			remove(t, at(d, "guard", "high-water"))
		}, "is missing"},
		{"high-water mark of another log", func(t *testing.T, d string) {
			cp := ledger.Checkpoint{Origin: "other.example/log", Size: 1}
			if err := os.WriteFile(at(d, "guard", "high-water"), []byte(cp.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "other.example/log"},
		{"log of a fork", func(t *testing.T, d string) { // the same key, other records
			fork := t.TempDir()
			copyTree(t, old, fork)
			grow(t, fork, more+1)
			copyTree(t, at(fork, "log"), at(d, "log"))
		}, "checkpoint"},
		{"log key replaced", func(t *testing.T, d string) {
			remove(t, at(d, "keys", "log.key"))
		}, "guard"},
		{"master key replaced", func(t *testing.T, d string) {
			remove(t, at(d, "keys", "master.json"))
		}, "master key does not open"},
		{"last group cut off", func(t *testing.T, d string) {
			path, b, at := lastGroup(t, d)
			if err := os.WriteFile(path, b[:at], 0o644); err != nil {
				t.Fatal(err)
			}
		}, "older copy, or were cut"},
		{"last group torn", func(t *testing.T, d string) {
			path, b, at := lastGroup(t, d)
			clear(b[at+200:])
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "older copy, or were cut"},
		{"first record file deleted", func(t *testing.T, d string) { remove(t, recordFiles(t, d)[0]) }, "are missing"},
		{"all record files deleted", func(t *testing.T, d string) {
			for _, f := range recordFiles(t, d) {
				remove(t, f)
			}
		}, "are missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := t.TempDir()
			copyTree(t, dir, d)
			tt.harm(t, d)
			err := serve(t, d)
			if err == nil {
				t.Fatal("the server went on")
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("refused with %q, want it to say %q", err, tt.says)
			}
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("%v is not ErrCorrupt", err)
			}
			t.Logf("| the directory as a whole | %s | 1 | 1 | 0 | %s 1 |", tt.name, servedBy(err))
		})
	}
}

// servedBy names what of a server refused a directory.
func servedBy(err error) string {
	if rest, ok := strings.CutPrefix(err.Error(), "open: "); ok {
		return foundBy(errors.New(rest))
	}
	return "start of the drainer"
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// edit opens the store below the journal and changes it: what an intruder with
// the disk can do.
func edit(t *testing.T, dir string, fn func(*pebble.DB) error) {
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
	for _, f := range files(t, dir, recordDir) {
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

// TestBackup copies a running journal, loses the directory, and restores it:
// the log is built again from the records and is the same log. A backup that
// is older than what was signed since is refused.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	promises := add(t, j, 700, 8)
	if err := j.WaitPublished(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved")
	if err := j.Backup(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if err := j.Backup(t.Context(), saved); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a second backup to the same place: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files(t, saved, ".") {
		if strings.Contains(f, "log.key") || strings.Contains(f, "master") {
			t.Errorf("the backup holds a key: %s", f)
		}
	}
	restored := t.TempDir()
	copyTree(t, saved, restored)
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(restored, "keys"))
	if err := serve(t, restored); !errors.Is(err, ErrFork) {
		t.Fatalf("restored records beside an empty log: %v", err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "log", "tile", "0", "001"))
	if err != nil {
		t.Fatal(err)
	}
	j, stop = start(t, restored, Config{RebuildLog: true})
	checkAcked(t, j, promises)
	if err := j.WaitPublished(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	add(t, j, 10, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(restored, "log", "tile", "0", "001"))
	if err != nil || string(after) != string(before) {
		t.Fatalf("the log that was built again is another: %v", err)
	}
	if err := fsckOnce(t, restored); err != nil {
		t.Fatal(err)
	}

	grow(t, dir, 50) // and the backup falls behind
	late := t.TempDir()
	copyTree(t, saved, late)
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(late, "keys"))
	copyTree(t, filepath.Join(dir, "guard"), filepath.Join(late, "guard"))
	if err := serve(t, late); !errors.Is(err, ErrFork) {
		t.Fatalf("a backup that is behind what was signed: %v", err)
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	act := Record{Kind: ledger.Activation, Private: []byte("which policy stands")} // record 0, the system's own
	if _, err := j.Append(t.Context(), j.Take(), &act); err != nil {
		t.Fatal(err)
	}
	add(t, j, 299, 8)
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	receipt, err := j.Receipt(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := j.Retire(t.Context(), 200); n != 199 || err != nil {
		t.Fatalf("retired %d, %v", n, err)
	}
	if n, err := j.Retire(t.Context(), 200); n != 0 || err != nil {
		t.Fatalf("retired %d again, %v", n, err)
	}
	if r, err := j.Get(20); !errors.Is(err, ErrRetired) || r.Kind != ledger.Decision {
		t.Errorf("a retired record: %+v, %v", r, err)
	}
	if _, err := j.Get(200); err != nil {
		t.Error(err)
	}
	if r, err := j.Get(0); err != nil || string(r.Private) != string(act.Private) {
		t.Errorf("the system's own record: %q, %v", r.Private, err)
	}
	if _, _, ok, err := j.Lookup("bank", "request-20"); !ok || !errors.Is(err, ErrRetired) {
		t.Errorf("a retired request: %v, %v", ok, err)
	}
	if fs := ledger.Verify(receipt, ledger.Trust{LogKey: j.Key()}); !ledger.OK(fs) {
		t.Errorf("a receipt of before: %v", fs)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := fsckOnce(t, dir); err != nil {
		t.Error(err)
	}
}

// isZero reports whether b holds nothing but zeros: what was made ahead.
func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
