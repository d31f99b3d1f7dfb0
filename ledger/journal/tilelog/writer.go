// SPDX-License-Identifier: Apache-2.0

package tilelog

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

// Writer appends leaves to a log: entry bundles and hash tiles. It writes each file by one create and one write, and
// makes all files of a batch durable before the tree state covers them: what a power cut tears is not covered by the
// tree state, and is written again.
//
// After an error it must be opened again. Only one Writer may write a directory; it takes no lock, the caller has one.
type Writer struct {
	dir  string
	size uint64 // entries, those of the current batch included

	bundle   []byte   // the entries of the bundle that is being filled, as its file will have them
	partial  bool     // a partial file of it is on disk
	levels   [][]byte // hashes of the tile that is being filled, by level
	partials []bool   // levels with a partial file of that tile on disk
	grown    []bool   // levels whose tile grew in this batch

	written  []string     // files of this batch, not durable yet
	replaced []partialDir // partial files that full ones follow
}

// partialDir is a directory of partial files that is no longer needed once a
// checkpoint of size is published: the full file has the same content.
type partialDir struct {
	size uint64
	path string
}

// Size returns the number of entries, those that are not committed included.
func (t *Writer) Size() uint64 { return t.size }

// Add appends one leaf, of which the caller has the RFC 6962 hash.
func (t *Writer) Add(leaf []byte, hash *assay.Digest) error {
	if len(leaf) > math.MaxUint16 {
		return fmt.Errorf("log: leaf %d has %d bytes, an entry bundle takes at most %d: %w",
			t.size, len(leaf), math.MaxUint16, assay.ErrInvalid)
	}
	t.bundle = append(binary.BigEndian.AppendUint16(t.bundle, uint16(len(leaf))), leaf...)
	t.size++
	if t.size%tileWidth == 0 {
		if err := t.writeFull(layout.EntriesPath(t.size/tileWidth-1, 0), t.bundle, t.partial); err != nil {
			return err
		}
		t.bundle, t.partial = t.bundle[:0], false
	}
	return t.addHash(0, hash)
}

// addHash appends a hash to the tile of a level. A full tile is written, and its
// root added to the level above.
func (t *Writer) addHash(level int, hash *assay.Digest) error {
	if level == len(t.levels) {
		t.levels = append(t.levels, make([]byte, 0, tileWidth*hashBytes))
		t.partials, t.grown = append(t.partials, false), append(t.grown, false)
	}
	l := append(t.levels[level], hash[:]...)
	t.levels[level], t.grown[level] = l, true
	if len(l) < tileWidth*hashBytes {
		return nil
	}
	if err := t.writeFull(layout.TilePath(uint64(level), t.size>>(8*(level+1))-1, 0), l,
		t.partials[level]); err != nil {
		return err
	}
	root := perfectRoot(l)
	t.levels[level], t.partials[level], t.grown[level] = l[:0], false, false
	return t.addHash(level+1, &root)
}

// writeFull writes a full bundle or tile, of which partial files may be on disk.
func (t *Writer) writeFull(path string, b []byte, partials bool) error {
	if partials {
		t.replaced = append(t.replaced, partialDir{t.size, path + ".p"})
	}
	return t.write(path, b)
}

// Commit ends a batch: the partial files at the right edge are written, all of
// the batch is made durable, and then the tree state. It returns the root.
func (t *Writer) Commit() (assay.Digest, error) {
	if n := t.size % tileWidth; n > 0 && t.grown[0] {
		if err := t.write(layout.EntriesPath(t.size/tileWidth, uint8(n)), t.bundle); err != nil {
			return assay.Digest{}, err
		}
		t.partial = true
	}
	for level, l := range t.levels {
		if len(l) > 0 && t.grown[level] {
			t.partials[level] = true
			path := layout.TilePath(uint64(level), t.size>>(8*(level+1)), uint8(len(l)/hashBytes))
			if err := t.write(path, l); err != nil {
				return assay.Digest{}, err
			}
		}
		t.grown[level] = false
	}
	root := t.Root()
	if err := t.syncWritten(); err != nil {
		return assay.Digest{}, err
	}
	return root, t.writeState(root)
}

// Root returns the tree's root: the peaks are the perfect subtrees of the
// levels' partial tiles, and are folded from the right.
func (t *Writer) Root() assay.Digest {
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
		left, right := hashes[2*i*hashBytes:], hashes[(2*i+1)*hashBytes:]
		nodes[i] = ledger.HashChildren((*assay.Digest)(left), (*assay.Digest)(right))
	}
	for n /= 2; n > 1; n /= 2 {
		for i := range n / 2 {
			nodes[i] = ledger.HashChildren(&nodes[2*i], &nodes[2*i+1])
		}
	}
	return nodes[0]
}
