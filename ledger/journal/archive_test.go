// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/archive"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// archiveIn makes a folder for an archive.
func archiveIn(t *testing.T, dir string) recordfile.Archive {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(archive.Config{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// smallFiles makes record files of some 30 records.
const smallFiles = 32 << 10

// journalOf makes a journal of n records in many files and stops it.
func journalOf(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	j, stop := start(t, dir, Config{fileBytes: smallFiles})
	add(t, j, n, 8)
	if err := errors.Join(j.WaitPublished(t.Context(), uint64(n)), stop()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withArchive runs a journal in dir with an archive.
func withArchive(t *testing.T, dir string, a recordfile.Archive, do func(j *Journal) error) error {
	return With(t.Context(), dir, Config{fileBytes: smallFiles, Archive: a, Logger: slog.New(slog.DiscardHandler)}, do)
}

func moveAll(t *testing.T) func(j *Journal) error {
	return func(j *Journal) error {
		_, err := j.Archive(t.Context(), 1, nil)
		return err
	}
}

func fetchAll(t *testing.T) func(j *Journal) error {
	return func(j *Journal) error {
		_, err := j.Fetch(t.Context(), nil)
		return err
	}
}

// namesIn lists the record files of a journal with a suffix.
func namesIn(t *testing.T, dir, suffix string) (names []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, recordDir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// storedRecords reads every record as it is stored.
func storedRecords(t *testing.T, dir string, a recordfile.Archive, n int) (out []recordfile.StoredRecord) {
	t.Helper()
	err := withArchive(t, dir, a, func(j *Journal) error {
		for i := range uint64(n) {
			r, err := j.records.Record(i)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestArchive moves record files to an archive. Records, receipts and fsck read through it; a journal that was moved
// there and back is what it was.
func TestArchive(t *testing.T) {
	t.Parallel()
	const n = 700
	dir, away := journalOf(t, n), archiveIn(t, filepath.Join(t.TempDir(), "away"))
	before := storedRecords(t, dir, nil, n)
	files, stay := len(namesIn(t, dir, recordfile.Suffix)), 0
	err := withArchive(t, dir, away, func(j *Journal) error {
		for _, first := range append(j.records.FirstSequences()[1:], n) {
			if first > 512 { // the log's second bundle ends there
				stay++
			}
		}
		if stay < 4 || files-stay < 8 {
			t.Errorf("%d record files of which %d stay: too few to test with", files, stay)
		}
		var steps int
		rep, err := j.Archive(t.Context(), stay+3, func(ArchiveReport) { steps++ })
		if err != nil || rep.Files != files-stay-3 || rep.Left != stay+3 || steps != rep.Files || rep.Bytes == 0 {
			t.Errorf("moved %+v in %d steps, %v, of %d files", rep, steps, err, files)
		}
		rep, err = j.Archive(t.Context(), 0, nil)
		if err != nil || rep.Files != 3 || rep.Left != stay {
			t.Errorf("moved %+v, %v: want all but %d", rep, err, stay)
		}
		r, err := j.Receipt(t.Context(), 3)
		if err != nil {
			return err
		}
		if fs := ledger.Verify(r, ledger.Trust{LogKey: j.Key()}); !ledger.OK(fs) {
			t.Errorf("a receipt from the archive: %v", fs)
		}
		add(t, j, 40, 4) // it goes on
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if moved := len(namesIn(t, dir, recordfile.AwaySuffix)); moved != files-stay {
		t.Errorf("%d files say where one is, want %d", moved, files-stay)
	}
	if after := storedRecords(t, dir, away, n); !reflect.DeepEqual(before, after) {
		t.Error("records from the archive are not what they were")
	}
	rep, err := Fsck(t.Context(), dir, Config{Archive: away, Logger: slog.New(slog.DiscardHandler)})
	if err != nil || rep.Opened != n+40 {
		t.Errorf("fsck: %+v, %v", rep, err)
	}
	if err := withArchive(t, dir, away, fetchAll(t)); err != nil {
		t.Fatal(err)
	}
	if left := filesBelow(t, strings.TrimPrefix(away.Place(), "the folder "), "."); len(left) > 0 ||
		len(namesIn(t, dir, recordfile.AwaySuffix)) > 0 {
		t.Errorf("after everything was brought back, %v is left", left)
	}
	if after := storedRecords(t, dir, nil, n); !reflect.DeepEqual(before, after) {
		t.Error("records that were brought back are not what they were")
	}
	if err := fsckOnce(t, dir); err != nil {
		t.Error(err)
	}
}

// checkArchiveError checks what is said of an archive.
func checkArchiveError(t *testing.T, what string, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestArchiveIsNotThere reads archived records when the archive cannot be read. A journal opens, takes records and
// publishes them all the same.
func TestArchiveIsNotThere(t *testing.T) {
	t.Parallel()
	dir, place := journalOf(t, 300), filepath.Join(t.TempDir(), "away")
	away := archiveIn(t, place)
	if err := withArchive(t, dir, away, moveAll(t)); err != nil {
		t.Fatal(err)
	}
	read := func(a recordfile.Archive) error {
		return withArchive(t, dir, a, func(j *Journal) error {
			seq := j.Take()
			if _, err := j.Append(t.Context(), seq, decision(seq, "somebody")); err != nil {
				t.Errorf("a new record: %v", err)
			}
			if _, err := j.Get(seq); err != nil {
				t.Errorf("the new record: %v", err)
			}
			if err := j.WaitPublished(t.Context(), seq+1); err != nil {
				t.Errorf("the new record: %v", err)
			}
			_, err := j.Get(3)
			return err
		})
	}
	checkArchiveError(t, "no archive", read(nil), assay.ErrPrecondition, "--archive FILE")
	_, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
	checkArchiveError(t, "fsck", err, assay.ErrPrecondition, "--archive FILE")
	checkArchiveError(t, "another archive", read(archiveIn(t, place+"-other")), assay.ErrCorrupt, "is not there")
	if err := os.Rename(place, place+".unmounted"); err != nil {
		t.Fatal(err)
	}
	checkArchiveError(t, "unmounted", read(away), assay.ErrUnavailable, "mounted?")
	if err := os.Rename(place+".unmounted", place); err != nil {
		t.Fatal(err)
	}
	if err := read(away); err != nil {
		t.Errorf("mounted again: %v", err)
	}
}

// changed writes other bytes to a file while do runs.
func changed(t *testing.T, path string, b []byte, do func()) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	do()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestArchiveIsWrong changes objects in the archive, entries of the log that are compared with them, and every byte of
// what says where an object is.
func TestArchiveIsWrong(t *testing.T) {
	t.Parallel()
	const n = 300
	dir, place := journalOf(t, n), filepath.Join(t.TempDir(), "away")
	away := archiveIn(t, place)
	if err := withArchive(t, dir, away, moveAll(t)); err != nil {
		t.Fatal(err)
	}
	objects := filesBelow(t, place, ".")
	entries := filepath.Join(dir, "log", "tile", "entries", "000")
	stub := namesIn(t, dir, recordfile.AwaySuffix)[0]
	read := func(path string) []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := read(objects[0])
	for _, c := range []struct {
		what, path string
		b          []byte
	}{{"cut short", objects[0], first[:len(first)-1]}, {"a bit changed", objects[0], flipped(first, 200)},
		{"another object", objects[1], first}} {
		changed(t, c.path, c.b, func() {
			err := withArchive(t, dir, away, func(j *Journal) error {
				return j.Scan(0, n, func(_ uint64, _ *Record, unreadable error) error { return unreadable })
			})
			checkArchiveError(t, c.what, err, assay.ErrCorrupt, filepath.Base(c.path))
		})
	}
	changed(t, entries, flipped(read(entries), 100), func() { // found without the archive
		err := withArchive(t, dir, nil, func(*Journal) error { return nil })
		checkArchiveError(t, "an entry changed", err, ErrFork, "not the records of the journal that are in the archive")
	})
	r, err := recordfileOf(t, dir, away)
	if err != nil {
		t.Fatal(err)
	}
	whole := read(stub)
	for i := range whole {
		changed(t, stub, flipped(whole, i), func() {
			if _, err := r.Record(3); !errors.Is(err, assay.ErrCorrupt) {
				t.Fatalf("byte %d of %s changed: %v", i, filepath.Base(stub), err)
			}
		})
	}
	if _, err := r.Record(3); err != nil {
		t.Error(err)
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x20
	return b
}

// recordfileOf opens the record files alone.
func recordfileOf(t *testing.T, dir string, a recordfile.Archive) (*recordfile.Files, error) {
	t.Helper()
	r, _, err := recordfile.Open(vfs.Default, filepath.Join(dir, recordDir), authenticatorOf(t, dir), smallFiles)
	if err == nil {
		r.UseArchive(a)
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}
