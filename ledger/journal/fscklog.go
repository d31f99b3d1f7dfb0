// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"

	assay "github.com/assayrisk/assay"
)

// entry compares one leaf with the log's entry, and grows the tiles.
func (c *checker) entry(ctx context.Context, seq uint64, leaf []byte, h assay.Digest) error {
	if seq >= c.size {
		return nil
	}
	if seq%256 == 0 {
		b, err := client.GetEntryBundle(ctx, c.fetch.ReadEntryBundle, seq/256, c.size)
		if err != nil {
			return c.bad("the log's entry bundle %d: %v", seq/256, err)
		}
		c.bundle = b.Entries
	}
	if k := seq % 256; k >= uint64(len(c.bundle)) || !bytes.Equal(c.bundle[k], leaf) {
		return c.bad("entry %d of the log is not the leaf of record %d", seq, seq)
	}
	c.rep.Entries++
	return c.grow(ctx, 0, seq, h[:])
}

// grow adds a hash to a level's tile; a full tile is compared and its root
// goes up.
func (c *checker) grow(ctx context.Context, level int, index uint64, h []byte) error {
	if level == len(c.levels) {
		c.levels = append(c.levels, nil)
	}
	c.levels[level] = append(c.levels[level], h)
	if len(c.levels[level]) < 256 {
		return nil
	}
	if err := c.tile(ctx, level, index/256, 0); err != nil {
		return err
	}
	r := (&compact.RangeFactory{Hash: ranges.Hash}).NewEmptyRange(0)
	for _, x := range c.levels[level] {
		if err := r.Append(x, nil); err != nil {
			return err
		}
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		return err
	}
	c.levels[level] = c.levels[level][:0]
	return c.grow(ctx, level+1, index/256, root)
}

// tile compares a tile of the log with the level's hashes.
func (c *checker) tile(ctx context.Context, level int, index uint64, partial uint8) error {
	b, err := c.fetch.ReadTile(ctx, uint64(level), index, partial)
	if err != nil {
		return c.bad("the log's tile %d of level %d: %v", index, level, err)
	}
	var t api.HashTile
	if err := t.UnmarshalText(b); err != nil {
		return c.bad("the log's tile %d of level %d: %v", index, level, err)
	}
	want := c.levels[level]
	if len(t.Nodes) < len(want) {
		return c.bad("the log's tile %d of level %d is cut short", index, level)
	}
	for i, h := range want {
		if !bytes.Equal(t.Nodes[i], h) {
			return c.bad("hash %d of the log's tile %d of level %d is not that of the records", i, index, level)
		}
	}
	c.rep.Tiles++
	return nil
}

// edge compares the partial tiles at the right edge of the published tree.
func (c *checker) edge(ctx context.Context) error {
	for level, index := 0, c.size/256; level < len(c.levels); level, index = level+1, index/256 {
		if n := len(c.levels[level]); n > 0 {
			if err := c.tile(ctx, level, index, uint8(n)); err != nil {
				return err
			}
		}
	}
	return nil
}
