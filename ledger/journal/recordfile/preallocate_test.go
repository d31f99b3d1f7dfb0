// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// beforeRename runs a function just before the file that was made in advance gets its new name.
type beforeRename struct {
	vfs.FS
	before func()
}

func (m *beforeRename) Rename(from, to string) error {
	if filepath.Base(from) == preallocatedName && m.before != nil {
		m.before()
	}
	return m.FS.Rename(from, to)
}

// TestPreallocatedFileIsTakenOnce makes a file in advance at the moment in which another one is taken: a file that
// counts as there exists.
func TestPreallocatedFileIsTakenOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := &beforeRename{FS: vfs.Default}
	r := &Files{fs: m, dir: dir, maxFileBytes: 1 << 12, nextSize: 1 << 12, wantPreallocated: make(chan struct{}, 1)}
	make1 := func() {
		if err := r.Preallocate(nil); err != nil {
			t.Fatal(err)
		}
	}
	make1()
	m.before = make1
	for next := range uint64(3) {
		if took, err := r.takePreallocated(next); err != nil || !took {
			t.Fatalf("file %d: %t, %v", next, took, err)
		}
		if _, err := os.Stat(filepath.Join(dir, preallocatedName)); (err == nil) != (r.preallocated > 0) {
			t.Fatalf("after file %d a file of %d bytes counts as made in advance, and the directory says %v",
				next, r.preallocated, err)
		}
		make1()
	}
	if len(r.wantPreallocated) != 1 {
		t.Error("taking the file that was made in advance asks for no other")
	}
}
