// SPDX-License-Identifier: Apache-2.0

package tilelog

import (
	"bytes"
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"

	assay "github.com/assayrisk/assay"
)

// Comparison compares a log's directory with leaves, from the first one on: each entry, and each hash of each tile. It
// shares no code with Writer.
type Comparison struct {
	Entries, Tiles uint64 // compared

	dir    Dir
	size   uint64
	bundle [][]byte
	levels [][]byte // hashes of the tile that is being filled, by level
}

// NewComparison compares the first size entries.
func NewComparison(dir Dir, size uint64) *Comparison { return &Comparison{dir: dir, size: size} }

func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, assay.ErrCorrupt)...)
}

// Add compares the next leaf, and each tile that it completes. It ignores leaves from size on.
func (c *Comparison) Add(ctx context.Context, leaf []byte, hash *assay.Digest) error {
	seq := c.Entries
	if seq >= c.size {
		return nil
	}
	if seq%EntriesPerBundle == 0 {
		b, err := c.dir.Entries(ctx, seq/EntriesPerBundle, c.size)
		if err != nil {
			return corrupt("the log's entry bundle %d: %v", seq/EntriesPerBundle, err)
		}
		c.bundle = b
	}
	if k := seq % EntriesPerBundle; k >= uint64(len(c.bundle)) || !bytes.Equal(c.bundle[k], leaf) {
		return corrupt("entry %d of the log is not the leaf of record %d", seq, seq)
	}
	c.Entries++
	return c.addHash(ctx, 0, seq, hash)
}

// addHash adds a hash to a level's tile. A full tile is compared, and its root added to the level above.
func (c *Comparison) addHash(ctx context.Context, level int, index uint64, hash *assay.Digest) error {
	if level == len(c.levels) {
		c.levels = append(c.levels, nil)
	}
	c.levels[level] = append(c.levels[level], hash[:]...)
	if len(c.levels[level]) < tileWidth*hashBytes {
		return nil
	}
	if err := c.compareTile(ctx, level, index/tileWidth, 0); err != nil {
		return err
	}
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for l := c.levels[level]; len(l) > 0; l = l[hashBytes:] {
		if err := r.Append(l[:hashBytes], nil); err != nil {
			return err
		}
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		return err
	}
	c.levels[level] = nil // the range has kept parts of it
	return c.addHash(ctx, level+1, index/tileWidth, (*assay.Digest)(root))
}

// compareTile compares a tile of the log with the level's hashes.
func (c *Comparison) compareTile(ctx context.Context, level int, index uint64, partial uint8) error {
	b, err := c.dir.files().ReadTile(ctx, uint64(level), index, partial)
	if err != nil {
		return corrupt("the log's tile %d of level %d: %v", index, level, err)
	}
	var t api.HashTile
	if err := t.UnmarshalText(b); err != nil {
		return corrupt("the log's tile %d of level %d: %v", index, level, err)
	}
	want := c.levels[level]
	if len(t.Nodes) < len(want)/hashBytes {
		return corrupt("the log's tile %d of level %d is cut short", index, level)
	}
	for i := range len(want) / hashBytes {
		if !bytes.Equal(t.Nodes[i], want[i*hashBytes:(i+1)*hashBytes]) {
			return corrupt("hash %d of the log's tile %d of level %d is not that of the records", i, index, level)
		}
	}
	c.Tiles++
	return nil
}

// Finish compares the partial tiles at the right edge.
func (c *Comparison) Finish(ctx context.Context) error {
	for level, index := 0, c.size/tileWidth; level < len(c.levels); level, index = level+1, index/tileWidth {
		if n := len(c.levels[level]) / hashBytes; n > 0 {
			if err := c.compareTile(ctx, level, index, uint8(n)); err != nil {
				return err
			}
		}
	}
	return nil
}
