// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// personalParts are the sealed personal parts of records: bytes that must be nowhere once they are retired.
func personalParts(t *testing.T, records []recordfile.StoredRecord) map[int][]byte {
	t.Helper()
	parts := map[int][]byte{}
	for i, r := range records {
		if len(r.Personal) > 0 {
			parts[i] = r.Personal
		}
	}
	if len(parts) < len(records)/2 {
		t.Fatalf("%d of %d records have personal parts: too few to look for", len(parts), len(records))
	}
	return parts
}

// found says which of the parts are in files below the folders.
func found(t *testing.T, parts map[int][]byte, dirs ...string) map[int]string {
	t.Helper()
	in := map[int]string{}
	for _, d := range dirs {
		for _, f := range filesBelow(t, d, ".") {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range parts {
				if bytes.Contains(b, p) {
					in[i] = f
				}
			}
		}
	}
	return in
}

// checkRetired checks that no personal part of the records below a number is in the folders, and all others are.
func checkRetired(t *testing.T, parts map[int][]byte, before int, dirs ...string) {
	t.Helper()
	in := found(t, parts, dirs...)
	for i := range parts {
		if f, ok := in[i]; ok != (i >= before) {
			t.Errorf("record %d, retired below %d: its personal part is in %q", i, before, f)
		}
	}
}

// countingArchive counts, and fails from one of its calls on.
type countingArchive struct {
	recordfile.Archive
	calls, reads atomic.Int64
	failAt       int64 // 0: never
}

var errPulled = fmt.Errorf("the plug was pulled: %w", assay.ErrUnavailable)

func (c *countingArchive) call(do func() error) error {
	if n := c.calls.Add(1); c.failAt > 0 && n >= c.failAt {
		return errPulled
	}
	return do()
}

func (c *countingArchive) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	return c.call(func() error { return c.Archive.Put(ctx, name, r, size) })
}

func (c *countingArchive) ReadAt(ctx context.Context, name string, b []byte, off int64) error {
	c.reads.Add(1)
	return c.call(func() error { return c.Archive.ReadAt(ctx, name, b, off) })
}

func (c *countingArchive) Remove(ctx context.Context, name string) error {
	return c.call(func() error { return c.Archive.Remove(ctx, name) })
}

// TestArchiveRetire drops personal parts of records that are in the archive: their bytes are neither there nor in the
// directory afterwards.
func TestArchiveRetire(t *testing.T) {
	t.Parallel()
	const n, before = 700, 250
	dir, place := journalOf(t, n), filepath.Join(t.TempDir(), "away")
	away := &countingArchive{Archive: archiveIn(t, place)}
	parts := personalParts(t, storedRecords(t, dir, nil, n))
	if err := withArchive(t, dir, away, moveAll(t)); err != nil {
		t.Fatal(err)
	}
	records := filepath.Join(dir, recordDir)
	checkRetired(t, parts, 0, records, place)
	if in := found(t, parts, place); len(in) < n/2 {
		t.Fatalf("the archive holds %d personal parts: this test cannot fail", len(in))
	}
	retire := func(want int) {
		t.Helper()
		err := withArchive(t, dir, away, func(j *Journal) error {
			reads := away.reads.Load()
			got, err := j.Retire(t.Context(), before)
			if got != want {
				t.Errorf("%d parts dropped, want %d", got, want)
			}
			if reads = away.reads.Load() - reads; want == 0 && reads > 0 {
				t.Errorf("the second time it reads %d times from the archive", reads)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	retire(before)
	checkRetired(t, parts, before, records, place)
	retire(0)
	if err := withArchive(t, dir, away, func(j *Journal) error {
		if moved := len(namesIn(t, dir, recordfile.AwaySuffix)); moved < 5 {
			t.Errorf("%d files are in the archive afterwards", moved)
		}
		_, err := j.Get(before + 3)
		return err
	}); err != nil {
		t.Error(err)
	}
	rep, err := Fsck(t.Context(), dir, Config{Archive: away, Logger: slog.New(slog.DiscardHandler)})
	if err != nil || rep.Retired != before {
		t.Errorf("fsck: %+v, %v", rep, err)
	}
}

// TestArchiveCutShort pulls the plug at each call to the archive, while files are moved, retired and brought back.
// After each, all records can be read; the same again ends it, and then no retired part is anywhere.
func TestArchiveCutShort(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n, before = 260, 80
	for name, do := range map[string]func(t *testing.T) func(j *Journal) error{
		"move": moveAll, "fetch": fetchAll,
		"retire": func(t *testing.T) func(j *Journal) error {
			return func(j *Journal) error { _, err := j.Retire(t.Context(), before); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := int64(1); ; at++ {
				dir, place := journalOf(t, n), filepath.Join(t.TempDir(), "away")
				away := archiveIn(t, place)
				stored := storedRecords(t, dir, nil, n)
				if name != "move" {
					if err := withArchive(t, dir, away, moveAll(t)); err != nil {
						t.Fatal(err)
					}
				}
				failing := &countingArchive{Archive: away, failAt: at}
				err := withArchive(t, dir, failing, do(t))
				if err != nil && !errors.Is(err, errPulled) {
					t.Fatal(err)
				}
				for i, r := range storedRecords(t, dir, away, n) {
					if !bytes.Equal(r.Leaf, stored[i].Leaf) ||
						!bytes.Equal(r.Personal, stored[i].Personal) && (name != "retire" || i >= before) {
						t.Fatalf("call %d failed: record %d is not what it was", at, i)
					}
				}
				if derr := withArchive(t, dir, away, do(t)); derr != nil {
					t.Fatalf("call %d failed; the same again: %v", at, derr)
				}
				if name == "retire" {
					checkRetired(t, personalParts(t, stored), before, filepath.Join(dir, recordDir), place)
				}
				_, ferr := Fsck(t.Context(), dir, Config{Archive: away, Logger: slog.New(slog.DiscardHandler)})
				if ferr != nil {
					t.Fatal(ferr)
				}
				if err == nil {
					t.Logf("%d calls", at-1)
					if at < 5 {
						t.Errorf("only %d calls were tried", at-1)
					}
					return
				}
			}
		})
	}
}

// TestArchiveWhileReading reads while files are moved, retired and brought back. It also takes a backup, which opens
// with the archive.
func TestArchiveWhileReading(t *testing.T) {
	t.Parallel()
	const n = 300
	dir, away := journalOf(t, n), archiveIn(t, filepath.Join(t.TempDir(), "away"))
	backup := filepath.Join(t.TempDir(), "backup")
	err := withArchive(t, dir, away, func(j *Journal) error {
		var done atomic.Bool
		var readers sync.WaitGroup
		for w := range 3 {
			readers.Go(func() {
				for i := w; !done.Load(); i += 7 {
					if r, err := j.Get(uint64(100 + i%(n-100))); err != nil || r.Kind != ledger.Decision {
						t.Errorf("%+v, %v", r, err)
						return
					}
				}
			})
		}
		errs := []error{moveAll(t)(j)}
		_, err := j.Retire(t.Context(), 100)
		errs = append(errs, err, j.Backup(t.Context(), backup), fetchAll(t)(j), moveAll(t)(j))
		done.Store(true)
		readers.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(backup, "keys"))
	err = With(t.Context(), backup, Config{RebuildLog: true, Archive: away, Logger: slog.New(slog.DiscardHandler)},
		func(j *Journal) error {
			_, err := j.Get(150)
			return errors.Join(err, j.WaitPublished(t.Context(), n))
		})
	if err != nil {
		t.Errorf("the backup: %v", err)
	}
}
