// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// meddler runs something just before the spare gets its new name.
type meddler struct {
	vfs.FS
	before func()
}

func (m *meddler) Rename(from, to string) error {
	if filepath.Base(from) == spareName && m.before != nil {
		m.before()
	}
	return m.FS.Rename(from, to)
}

// TestSpareIsTakenOnce: who makes spares may run at any moment while one is
// taken; what is counted as there is there.
func TestSpareIsTakenOnce(t *testing.T) {
	dir := t.TempDir()
	m := &meddler{FS: vfs.Default}
	r := &records{fs: m, dir: dir, max: 1 << 12, nextSize: 1 << 12, wantSpare: make(chan struct{}, 1)}
	make1 := func() {
		if err := r.makeSpare(nil); err != nil {
			t.Fatal(err)
		}
	}
	make1()
	m.before = make1
	for next := range uint64(3) {
		if took, err := r.takeSpare(next); err != nil || !took {
			t.Fatalf("file %d: %t, %v", next, took, err)
		}
		if _, err := os.Stat(filepath.Join(dir, spareName)); (err == nil) != (r.spare > 0) {
			t.Fatalf("after file %d a spare of %d bytes is counted, and the directory says %v", next, r.spare, err)
		}
		make1()
	}
	if len(r.wantSpare) != 1 {
		t.Error("taking a spare asks for none")
	}
}
