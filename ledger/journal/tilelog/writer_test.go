// SPDX-License-Identifier: Apache-2.0

package tilelog

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"github.com/assayrisk/assay/ledger"
)

// twin is the slow twin of Writer: Tessera's own appender on another directory.
type twin struct {
	dir    string
	add    *tessera.Appender
	reader tessera.LogReader
	stop   context.CancelFunc
}

func newTwin(t *testing.T, dir string) *twin {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	skey, _, err := note.GenerateKey(nil, "twin.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(1<<14, 5*time.Millisecond).
		WithGarbageCollectionInterval(0).WithPushback(0)
	add, reader, err := driver.(*posix.Storage).Appender(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	return &twin{dir, add, reader, stop}
}

func testLeaf(i uint64) []byte {
	return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 1+int(i%97))
}

// append adds leaves up to a size and waits for them.
func (w *twin) append(t *testing.T, from, upto uint64) {
	t.Helper()
	futures := make([]tessera.IndexFuture, 0, upto-from)
	for i := from; i < upto; i++ {
		futures = append(futures, w.add.Add(t.Context(), tessera.NewEntry(testLeaf(i))))
	}
	for i, f := range futures {
		if idx, err := f(); err != nil || idx.Index != from+uint64(i) {
			t.Fatalf("entry %d: %d, %v", from+uint64(i), idx.Index, err)
		}
	}
}

// growTiles opens the directory, adds leaves up to a size as one batch, and
// commits unless told to stop before.
func growTiles(t *testing.T, dir string, upto uint64, commit bool) {
	t.Helper()
	w, state, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(upto uint64) {
		for i := w.size; i < upto; i++ {
			h := ledger.HashLeaf(testLeaf(i))
			if err := w.Add(testLeaf(i), &h); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(state.Size)
	w.MarkOnDisk()
	if root := w.Root(); !bytes.Equal(root[:], state.Root) {
		t.Fatalf("size %d: root %x, the state says %x", state.Size, root, state.Root)
	}
	fill(upto)
	if !commit {
		return
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.DropPartial(0)
}

// sameLog compares every public file that a tree of a size implies, and the
// tree state, byte for byte.
func sameLog(t *testing.T, size uint64, a, b string) {
	t.Helper()
	same := func(path string) {
		x, err := os.ReadFile(filepath.Join(a, path))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Fatalf("size %d: %s differs", size, path)
		}
	}
	same(filepath.Join(stateDir, stateFile))
	same(filepath.Join(stateDir, "version"))
	for r := range layout.Range(0, size, size) {
		same(layout.EntriesPath(r.Index, r.Partial))
	}
	for level := uint64(0); size>>(8*level) > 0; level++ {
		n := size >> (8 * level)
		for i := range n / tileWidth {
			same(layout.TilePath(level, i, 0))
		}
		if n%tileWidth > 0 {
			same(layout.TilePath(level, n/tileWidth, uint8(n%tileWidth)))
		}
	}
}

// TestTilesAreTesseras grows the same log by this code and by Tessera, and then
// lets each continue in the directory of the other. Tessera does not say when a
// stopped appender has ended; synctest.Wait does.
func TestTilesAreTesseras(t *testing.T) {
	t.Parallel()
	mine, theirs := t.TempDir(), t.TempDir()
	sizes := []uint64{1, 2, 255, 256, 257, 511, 512, 1024, 1030}
	if !testing.Short() { // three levels of tiles
		r := rand.New(rand.NewPCG(1, 2))
		sizes = append(sizes, 256*256-1, 256*256, 256*256+1, 70_000+r.Uint64N(2000))
	}
	synctest.Test(t, func(t *testing.T) {
		w := newTwin(t, theirs)
		size := uint64(0)
		for _, next := range sizes {
			growTiles(t, mine, next, true)
			w.append(t, size, next)
			size = next
			sameLog(t, size, mine, theirs)
		}
		w.stop()
		synctest.Wait()
		growTiles(t, theirs, size+300, true)
		w = newTwin(t, mine)
		w.append(t, size, size+300)
		sameLog(t, size+300, mine, theirs)
	})
}

// TestTornTiles cuts the power after a batch was written and before its tree
// state was: every file of the batch is torn, emptied or gone, and the next
// start writes it again.
func TestTornTiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	whole := t.TempDir()
	growTiles(t, whole, 70_001, true)
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir, r := t.TempDir(), rand.New(rand.NewPCG(seed, 3))
			first := r.Uint64N(2000)
			growTiles(t, dir, first, true)
			before := publicFiles(t, dir)
			growTiles(t, dir, 70_001, false)
			torn := 0
			for path := range publicFiles(t, dir) {
				if before[path] {
					continue
				}
				st, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				switch r.IntN(4) {
				case 0:
					err = os.Remove(path)
				case 1:
					err = os.Truncate(path, 0)
				case 2:
					err = os.Truncate(path, r.Int64N(st.Size()))
				case 3: // its length is there, its blocks are not
					err = os.WriteFile(path, make([]byte, st.Size()), 0o600)
				}
				if torn++; err != nil {
					t.Fatal(err)
				}
			}
			if torn < 100 {
				t.Fatalf("%d files were torn", torn)
			}
			growTiles(t, dir, 70_001, true)
			sameLog(t, 70_001, dir, whole)
		})
	}
}

func publicFiles(t *testing.T, dir string) map[string]bool {
	t.Helper()
	paths := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil && !d.IsDir() {
			paths[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestPartialFilesGo publishes a checkpoint that covers a full file: its partial files are removed.
func TestPartialFilesGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, _, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(300) {
		h := ledger.HashLeaf(testLeaf(i))
		if err := w.Add(testLeaf(i), &h); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			if _, err := w.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	partials := func() (n int) {
		for path := range publicFiles(t, dir) {
			if strings.Contains(path, "000.p"+string(filepath.Separator)) {
				n++
			}
		}
		return n
	}
	before := partials()
	w.DropPartial(255)
	kept := partials()
	w.DropPartial(256)
	if after := partials(); before < 10 || kept != before || after != 1 { // of level 1
		t.Errorf("partial files of the first full ones: %d, %d, %d", before, kept, after)
	}
}
