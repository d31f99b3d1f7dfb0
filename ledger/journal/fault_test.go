// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// faultyDisk fails writes of one kind once it is switched on.
type faultyDisk struct {
	on   atomic.Bool
	ops  map[errorfs.OpKind]bool
	fail error
}

func (d *faultyDisk) String() string { return "faulty disk" }

func (d *faultyDisk) MaybeError(op errorfs.Op) error {
	if d.on.Load() && d.ops[op.Kind] {
		return d.fail
	}
	return nil
}

// TestFaults breaks the disk under a running journal in several ways. Each time
// the append that could not be made durable gets an error, the journal says that
// it is not ready, nothing hangs, and after the repair everything that was
// acknowledged is there and the whole directory passes the check.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		ops  []errorfs.OpKind
		err  error
	}{
		{"no space for a write", []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}, syscall.ENOSPC},
		{"sync fails", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, syscall.EIO},
		{"read-only", []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync,
			errorfs.OpFileSyncData, errorfs.OpCreate, errorfs.OpRename}, syscall.EROFS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := &faultyDisk{ops: map[errorfs.OpKind]bool{}, fail: tt.err}
			for _, k := range tt.ops {
				disk.ops[k] = true
			}
			mem := vfs.NewCrashableMem()
			dir := t.TempDir()
			cfg := Config{FS: errorfs.Wrap(mem, disk), Interval: time.Hour, DrainTimeout: 50 * time.Millisecond,
				Logger: slog.New(slog.DiscardHandler)}
			j, err := Open(t.Context(), dir, cfg)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- j.Run(t.Context()) }()
			promises := add(t, j, 200, 8)

			disk.on.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			seq := j.Take()
			_, err = j.Append(ctx, seq, decision(seq, "s"))
			if !errors.Is(err, assay.ErrUnavailable) {
				t.Fatalf("an append to a broken disk: %v, want ErrUnavailable", err)
			}
			select {
			case err := <-done:
				if err == nil {
					t.Error("Run ended without an error")
				}
			case <-ctx.Done():
				t.Fatal("Run goes on over a broken disk")
			}
			if err := j.Ready(); !errors.Is(err, assay.ErrUnavailable) {
				t.Errorf("ready over a broken disk: %v", err)
			}
			seq = j.Take()
			if _, err := j.Append(ctx, seq, decision(seq, "s")); !errors.Is(err, assay.ErrUnavailable) {
				t.Errorf("a later append: %v, want ErrUnavailable", err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}

			// The process ends, the disk is repaired, the next start recovers.
			cfg.FS = mem.CrashClone(vfs.CrashCloneCfg{})
			j, err = Open(t.Context(), dir, cfg)
			if err != nil {
				t.Fatal(err)
			}
			checkAcked(t, j, promises)
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			if _, err := Fsck(t.Context(), dir, cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

// smallDisk reports how much space is free.
type smallDisk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load()}, nil
}

// TestLowDisk: a journal refuses before the disk is full, still writes the records
// that were taken, and recovers by itself.
func TestLowDisk(t *testing.T) {
	t.Parallel()
	disk := &smallDisk{FS: vfs.Default}
	disk.free.Store(1 << 40)
	changed := &logWatcher{text: "free disk", seen: make(chan struct{}, 1)}
	j, _ := start(t, t.TempDir(), Config{FS: disk, Logger: slog.New(changed)})
	if err := j.Ready(); err != nil {
		t.Fatal(err)
	}
	seq := j.Take()
	disk.free.Store(1 << 20)
	<-changed.seen
	if err := j.Ready(); !errors.Is(err, assay.ErrUnavailable) || !strings.Contains(err.Error(), "disk") {
		t.Errorf("%v", err)
	}
	if _, err := j.Append(t.Context(), seq, decision(seq, "s")); err != nil {
		t.Errorf("what was taken before: %v", err)
	}
	disk.free.Store(1 << 40)
	<-changed.seen
	if err := j.Ready(); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// logWatcher is a log handler that reports a message on a channel.
type logWatcher struct {
	slog.Handler
	text string
	seen chan struct{}
}

func (w *logWatcher) Enabled(context.Context, slog.Level) bool { return true }

func (w *logWatcher) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, w.text) {
		select {
		case w.seen <- struct{}{}:
		default:
		}
	}
	return nil
}

// TestBrokenLogDirectory makes the log's directory unwritable for a while:
// appends go on, and the log catches up.
func TestBrokenLogDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	failed := &logWatcher{text: "the log is opened again", seen: make(chan struct{}, 1)}
	j, _ := start(t, dir, Config{Logger: slog.New(failed)})
	add(t, j, 10, 2)
	if err := j.WaitPublished(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	entries := filepath.Join(dir, "log", "tile", "entries")
	if err := errors.Join(os.Rename(entries, entries+".away"), os.WriteFile(entries, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	add(t, j, 10, 2)
	<-failed.seen
	if _, size := j.Checkpoint(); size != 10 {
		t.Errorf("size %d was published into a broken directory", size)
	}
	if err := errors.Join(j.Ready(), os.Remove(entries), os.Rename(entries+".away", entries)); err != nil {
		t.Fatal(err)
	}
	if err := j.WaitPublished(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
}

// TestClockThatJumps: order, promises and proofs do not depend on time, which is
// only data in a record.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	j, _ := start(t, t.TempDir(), Config{})
	for i, us := range []int64{1 << 50, -5, 0, -1 << 62, 1<<63 - 1} {
		r := &Record{Kind: ledger.Event, Micros: us, Subject: "s", Decision: []byte{0xa0}}
		p, err := j.Append(t.Context(), j.Take(), r)
		if err != nil || p.Sequence != uint64(i) {
			t.Fatalf("time %d: record %d, %v", us, p.Sequence, err)
		}
		if got, err := j.Get(uint64(i)); err != nil || got.Micros != us {
			t.Fatalf("time %d came back as %d, %v", us, got.Micros, err)
		}
	}
	if err := j.WaitPublished(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
}
