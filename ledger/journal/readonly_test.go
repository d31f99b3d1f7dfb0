// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	assay "github.com/assayrisk/assay"
)

// snapshot lists every file and directory with its mode, time and content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		says := fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if !d.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			says += fmt.Sprintf(" %x", sha256.Sum256(b))
		}
		out[path] = says
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// requireUnchanged requires that nothing was made, changed or removed.
func requireUnchanged(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if before[path] != after[path] {
			t.Errorf("%s: %s was %q, is %q", what, path, before[path], after[path])
		}
	}
	for path := range before {
		if after[path] == "" {
			t.Errorf("%s: %s is gone", what, path)
		}
	}
}

// makeReadOnly removes every permission to write. Root is not bound by that, which
// is why snapshots are compared, too.
func makeReadOnly(t *testing.T, dir string) {
	t.Helper()
	set := func(dirs, files fs.FileMode) {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				return os.Chmod(path, dirs)
			}
			return os.Chmod(path, files)
		})
	}
	set(0o555, 0o400)
	t.Cleanup(func() { set(0o755, 0o600) })
}

// tearLastGroup writes the beginning of another group after the records, as a crash
// leaves it.
func tearLastGroup(t *testing.T, dir string) {
	t.Helper()
	fs := recordFiles(t, dir)
	path := fs[len(fs)-1]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ends := groupOffsets(t, b)
	whole := b[:ends[len(ends)-1]]
	b = append(slices.Clone(whole), whole[:60]...)
	if err := os.WriteFile(path, append(b, make([]byte, 1<<12)...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFsckWritesNothing checks, on images that cannot be written, a directory that
// was stopped in order, one that was copied while it was written, and one whose
// last group was cut: every file stays as it was.
func TestFsckWritesNothing(t *testing.T) {
	t.Parallel()
	live := t.TempDir()
	j, stop := start(t, live, Config{fileBytes: 1 << 16})
	add(t, j, 300, 4)
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed")
	copyTree(t, live, crashed)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(t.TempDir(), "torn")
	copyTree(t, live, torn)
	tearLastGroup(t, torn)
	for _, c := range []struct{ name, dir string }{{"stopped", live}, {"copied while it ran", crashed}, {"torn",
		torn}} {
		makeReadOnly(t, c.dir)
		before := snapshot(t, c.dir)
		rep, err := Fsck(t.Context(), c.dir, Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil || rep.Records < 300 {
			t.Errorf("%s: %d records, %v", c.name, rep.Records, err)
		}
		requireUnchanged(t, c.name, before, snapshot(t, c.dir))
	}

	j, err := Open(t.Context(), live, Config{ReadOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Run(t.Context()); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("Run: %v", err)
	}
	if _, err := j.Receipt(t.Context(), 7); err != nil {
		t.Errorf("a receipt: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestFsckMakesNoKeys: a directory that lacks a key, or everything, is refused
// and left as it is.
func TestFsckMakesNoKeys(t *testing.T) {
	t.Parallel()
	live := t.TempDir()
	j, stop := start(t, live, Config{})
	add(t, j, 20, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"keys/log.key", "keys/master.json", "keys", "guard", "journal/store", "journal", ""} {
		dir := filepath.Join(t.TempDir(), "copy")
		copyTree(t, live, dir)
		if gone == "" {
			dir = t.TempDir()
		} else if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		if rep, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("without %q: %+v", gone, rep)
		}
		requireUnchanged(t, "without "+gone, before, snapshot(t, dir))
	}
}
