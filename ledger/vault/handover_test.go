// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	assay "github.com/assayrisk/assay"
)

// TestHandOver moves from a file to a program, over the next start after a half of it.
func TestHandOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.json")
	file, err := OpenMaster(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := newKeys(t, 5)
	w, err := file.Wrap(keys...)
	if err != nil {
		t.Fatal(err)
	}
	old := wrappedOf(keys, w)
	program, _ := startStub(t, newStub(t), 0)
	if _, err := program.Unwrap(old...); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("the program alone, before: %v", err)
	}
	h := HandOver(file, program)
	if !h.Rotating() {
		t.Error("nothing is to be done")
	}
	if err := h.Rotate(); err != nil {
		t.Fatal(err)
	}
	if w, err = h.Wrap(keys...); err != nil {
		t.Fatal(err)
	}
	moved := wrappedOf(keys, w)
	moved[1], moved[3] = old[1], old[3]
	checkOpens(t, h, keys, moved)
	if _, err := file.Unwrap(moved[0]); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("the file alone, after: %v", err)
	}
	if err := h.DestroyOldKeys(); err != nil || h.Rotating() {
		t.Fatalf("%v, rotating %v", err, h.Rotating())
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old master key is still there: %v", err)
	}
	if _, err := h.Unwrap(old[0]); err == nil {
		t.Error("what the old master key wrapped still opens")
	}
	if err := errors.Join(h.Rotate(), h.DestroyOldKeys()); err != nil {
		t.Errorf("a rotation after the handover: %v", err)
	}
}
