// SPDX-License-Identifier: Apache-2.0

package tilelog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/transparency-dev/tessera/client"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
)

// Tessera's private files in the same directory as the public ones.
const (
	stateDir  = ".state"
	stateFile = "treeState"
	version   = "1" // of the directory's format
)

// State says how much of the log's directory is durable: its first Size entries, which have this root.
type State struct {
	Size uint64 `json:"size"`
	Root []byte `json:"root"`
}

// Open opens a log's directory, which this code or Tessera wrote, or begins one. The writer's size is that of the full
// bundles: the caller adds the entries from there to state.Size again, and then calls MarkOnDisk.
func Open(ctx context.Context, dir string) (t *Writer, state State, err error) {
	t = &Writer{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, stateDir), 0o755); err != nil {
		return nil, state, fmt.Errorf("log: %w", err)
	}
	versionFile := filepath.Join(dir, stateDir, "version")
	b, err := os.ReadFile(versionFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeWhole(versionFile, []byte(version)); err != nil {
			return nil, state, err
		}
	case err != nil:
		return nil, state, fmt.Errorf("log: %w", err)
	case string(b) != version:
		return nil, state, fmt.Errorf("log: %s says version %q, this program writes version %s: %w",
			versionFile, b, version, assay.ErrCorrupt)
	}
	b, err = os.ReadFile(filepath.Join(dir, stateDir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		empty := t.Root()
		return t, State{Root: empty[:]}, t.writeState(empty)
	}
	if err != nil {
		return nil, state, fmt.Errorf("log: %w", err)
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, state, fmt.Errorf("log: its tree state: %w: %w", err, assay.ErrCorrupt)
	}
	return t, state, t.readRightEdge(ctx, state.Size)
}

// readRightEdge reads the tiles of level 1 and up at the right edge of a tree.
func (t *Writer) readRightEdge(ctx context.Context, size uint64) error {
	t.size = size - size%tileWidth
	t.partial = size > t.size
	files := client.FileFetcher{Root: t.dir}
	for level := 0; size>>(8*level) > 0 && level < 8; level++ {
		l := make([]byte, 0, tileWidth*hashBytes)
		if n := size >> (8 * level) % tileWidth; n > 0 && level > 0 {
			b, err := files.ReadTile(ctx, uint64(level), size>>(8*(level+1)), uint8(n))
			if err != nil {
				return fmt.Errorf("log: tile of level %d at size %d: %w", level, size, err)
			}
			if len(b) < int(n)*hashBytes {
				return fmt.Errorf("log: tile of level %d at size %d is cut short: %w", level, size, assay.ErrCorrupt)
			}
			l = append(l, b[:int(n)*hashBytes]...)
		}
		t.levels, t.grown = append(t.levels, l), append(t.grown, false)
		t.partials = append(t.partials, size>>(8*level)%tileWidth > 0)
	}
	return nil
}

// MarkOnDisk marks the entries up to the tree state, which were added again, as being on disk already.
func (t *Writer) MarkOnDisk() { clear(t.grown) }

// write creates or replaces a file. It is not durable until syncWritten.
func (t *Writer) write(path string, b []byte) error {
	full := filepath.Join(t.dir, path)
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return fmt.Errorf("log: %w", err)
		}
		f, err = os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	}
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	t.written = append(t.written, path)
	return nil
}

// maxSingleSyncs is the number of files up to which each is synced by itself. With
// more, syncing the whole file system costs less.
const maxSingleSyncs = 8

// syncWritten makes all written files durable, with their names.
func (t *Writer) syncWritten() error {
	if len(t.written) > maxSingleSyncs {
		done, err := syncFileSystem(t.dir)
		if err != nil {
			return fmt.Errorf("log: sync: %w", err)
		}
		if done {
			t.written = t.written[:0]
			return nil
		}
	}
	seen := map[string]bool{}
	for _, path := range t.written {
		for ; !seen[path]; path = filepath.Dir(path) { // a file, and the directories above it
			seen[path] = true
			f, err := os.Open(filepath.Join(t.dir, path))
			if err != nil {
				return fmt.Errorf("log: %w", err)
			}
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				return fmt.Errorf("log: sync: %w", err)
			}
			if path == "." {
				break
			}
		}
	}
	t.written = t.written[:0]
	return nil
}

// writeState makes the current size the one from which the next start continues.
func (t *Writer) writeState(root assay.Digest) error {
	b, err := json.Marshal(State{t.size, root[:]})
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return writeWhole(filepath.Join(t.dir, stateDir, stateFile), b)
}

// writeWhole replaces a file so that after a crash either the old or the new one is there.
func writeWhole(path string, b []byte) error {
	err := atomicfile.Replace(vfs.Default, path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// DropPartial removes the partial files that are no longer needed once a checkpoint of size is published. What cannot
// be removed stays: it does no harm.
func (t *Writer) DropPartial(size uint64) {
	n := 0
	for ; n < len(t.replaced) && t.replaced[n].size <= size; n++ {
		_ = os.RemoveAll(filepath.Join(t.dir, t.replaced[n].path))
	}
	t.replaced = append(t.replaced[:0], t.replaced[n:]...)
}
