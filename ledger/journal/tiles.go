// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// tileWidth is the number of entries of a bundle and of hashes of a tile.
const tileWidth = layout.TileWidth

// hashBytes is the size of one hash of a tile.
const hashBytes = len(assay.Digest{})

// tiles appends leaves to a log: entry bundles and hash tiles as C2SP tlog-tiles
// lays them out, in the directory format of Tessera's POSIX driver, which may
// open the same directory. It writes each file by one create and one write, and
// makes all that one batch wrote durable before the tree state speaks of it:
// what a power cut tears lies behind the tree state, and is written again.
//
// After an error it must be opened again. Only one may write a directory: the
// journal's store holds the lock.
type tiles struct {
	dir  string
	size uint64 // entries, those of the current batch included

	bundle  []byte   // the entries of the bundle that is being filled, as they will lie in it
	partial bool     // a part of it is on disk
	levels  [][]byte // hashes of the tile that is being filled, by level
	parts   []bool   // levels with a part of that tile on disk
	dirty   []bool   // levels whose tile grew in this batch

	written []string      // files of this batch, not durable yet
	passed  []partialDirs // partial files that full ones follow
}

// partialDirs is a directory of partial files that is of no use once a
// checkpoint of size is published: the full file holds what they hold.
type partialDirs struct {
	size uint64
	path string
}

// add appends one leaf, whose RFC 6962 hash is known.
func (t *tiles) add(leaf []byte, hash *assay.Digest) error {
	if len(leaf) > math.MaxUint16 {
		return fmt.Errorf("log: leaf %d has %d bytes, an entry bundle takes at most %d: %w", t.size, len(leaf), math.MaxUint16, assay.ErrInvalid)
	}
	t.bundle = append(binary.BigEndian.AppendUint16(t.bundle, uint16(len(leaf))), leaf...)
	t.size++
	if t.size%tileWidth == 0 {
		if err := t.full(layout.EntriesPath(t.size/tileWidth-1, 0), t.bundle, t.partial); err != nil {
			return err
		}
		t.bundle, t.partial = t.bundle[:0], false
	}
	return t.grow(0, hash)
}

// grow appends a hash to the tile of a level; when that is full it is written,
// and its root goes up.
func (t *tiles) grow(level int, hash *assay.Digest) error {
	if level == len(t.levels) {
		t.levels = append(t.levels, make([]byte, 0, tileWidth*hashBytes))
		t.parts, t.dirty = append(t.parts, false), append(t.dirty, false)
	}
	l := append(t.levels[level], hash[:]...)
	t.levels[level], t.dirty[level] = l, true
	if len(l) < tileWidth*hashBytes {
		return nil
	}
	if err := t.full(layout.TilePath(uint64(level), t.size>>(8*(level+1))-1, 0), l, t.parts[level]); err != nil {
		return err
	}
	root := perfectRoot(l)
	t.levels[level], t.parts[level], t.dirty[level] = l[:0], false, false
	return t.grow(level+1, &root)
}

// full writes a full bundle or tile, of which parts may be on disk.
func (t *tiles) full(path string, b []byte, parts bool) error {
	if parts {
		t.passed = append(t.passed, partialDirs{t.size, path + ".p"})
	}
	return t.write(path, b)
}

// commit ends a batch: the partial files at the right edge are written, all of
// the batch is made durable, and then the tree state. It returns the root.
func (t *tiles) commit() (assay.Digest, error) {
	if n := t.size % tileWidth; n > 0 && t.dirty[0] {
		if err := t.write(layout.EntriesPath(t.size/tileWidth, uint8(n)), t.bundle); err != nil {
			return assay.Digest{}, err
		}
		t.partial = true
	}
	for level, l := range t.levels {
		if len(l) > 0 && t.dirty[level] {
			t.parts[level] = true
			if err := t.write(layout.TilePath(uint64(level), t.size>>(8*(level+1)), uint8(len(l)/hashBytes)), l); err != nil {
				return assay.Digest{}, err
			}
		}
		t.dirty[level] = false
	}
	root := t.root()
	if err := t.settle(); err != nil {
		return assay.Digest{}, err
	}
	return root, t.writeState(root)
}

// root returns the tree's root: the peaks are the perfect subtrees of the
// levels' partial tiles, and are folded from the right.
func (t *tiles) root() assay.Digest {
	var root assay.Digest
	some := false
	for _, l := range t.levels { // the lowest level's peaks are the rightmost
		end := len(l)
		for width := hashBytes; end > 0; width *= 2 {
			if end&width == 0 {
				continue
			}
			peak := perfectRoot(l[end-width : end])
			if end -= width; some {
				peak = ledger.HashChildren(&peak, &root)
			}
			root, some = peak, true
		}
	}
	if !some {
		return assay.Digest(rfc6962.DefaultHasher.EmptyRoot())
	}
	return root
}

// perfectRoot returns the root of 1 to 256 hashes, a power of two of them.
func perfectRoot(hashes []byte) assay.Digest {
	var nodes [tileWidth / 2]assay.Digest
	n := len(hashes) / hashBytes
	if n == 1 {
		return assay.Digest(hashes)
	}
	for i := range n / 2 {
		nodes[i] = ledger.HashChildren((*assay.Digest)(hashes[2*i*hashBytes:]), (*assay.Digest)(hashes[(2*i+1)*hashBytes:]))
	}
	for n /= 2; n > 1; n /= 2 {
		for i := range n / 2 {
			nodes[i] = ledger.HashChildren(&nodes[2*i], &nodes[2*i+1])
		}
	}
	return nodes[0]
}
