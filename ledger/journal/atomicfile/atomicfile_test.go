// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var errStopped = errors.New("stopped")

// TestReplaceLeavesOneWholeFile stops a replacement at each of its operations on the file system, and then cuts the
// power: the whole old content or the whole new one is there, and the new one if Replace returned nil.
func TestReplaceLeavesOneWholeFile(t *testing.T) {
	t.Parallel()
	older, newer := strings.Repeat("older ", 2000), strings.Repeat("newer ", 3000)
	write := func(content string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		}
	}
	const path = "dir/file"
	rng := rand.New(rand.NewPCG(1, 2))
	stopped, done := 0, false
	for at := 0; !done; at++ {
		mem := vfs.NewCrashableMem()
		if err := errors.Join(mem.MkdirAll("dir", 0o755), SyncDir(mem, ""),
			Replace(mem, path, write(older))); err != nil {
			t.Fatal(err)
		}
		n := 0
		faulty := errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
			if n++; n > at {
				return errStopped
			}
			return nil
		}))
		err := Replace(faulty, path, write(newer))
		if done = err == nil; !done {
			if stopped++; !errors.Is(err, errStopped) {
				t.Fatal(err)
			}
		}
		for range 20 {
			after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			f, err := after.Open(path)
			if err != nil {
				t.Fatalf("stopped at %d: %v", at, err)
			}
			got, err := io.ReadAll(f)
			if err != nil || f.Close() != nil {
				t.Fatal(err)
			}
			if string(got) != newer && (done || string(got) != older) {
				t.Fatalf("stopped at %d, done %v: %d bytes, %.20q", at, done, len(got), got)
			}
		}
	}
	if stopped < 4 {
		t.Errorf("stopped at %d operations: this test sees too little", stopped)
	}
}
