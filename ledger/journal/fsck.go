// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// FsckReport is what a check went through.
type FsckReport struct {
	Records  uint64 `json:"records"`  // leaves, each parsed and hashed
	Opened   uint64 `json:"opened"`   // private parts opened, their commitments compared
	Erased   uint64 `json:"erased"`   // private parts of erased subjects
	Retired  uint64 `json:"retired"`  // private parts whose retention has passed
	Groups   uint64 `json:"groups"`   // promise signatures verified
	Requests uint64 `json:"requests"` // index entries that lead to their record
	Keys     uint64 `json:"keys"`     // subject keys that the master key opens
	Entries  uint64 `json:"entries"`  // log entries compared with leaves
	Tiles    uint64 `json:"tiles"`    // hash tiles computed again
	Size     uint64 `json:"size"`     // of the published checkpoint
	Anchored uint64 `json:"anchored"` // size of the newest anchored checkpoint

	AnchorNote  []byte          `json:"-"` // that checkpoint, for the anchor's own check
	AnchorProof json.RawMessage `json:"-"` // and its proof
}

// Fsck opens the journal in dir, which no server may run on, and derives
// everything again from the records: leaves, commitments, groups and promises,
// index, keys, the log's entries, tiles and checkpoint, the high-water mark and
// the anchored checkpoint. The error names the first thing that is wrong.
func Fsck(ctx context.Context, dir string, cfg Config) (rep FsckReport, err error) {
	j, err := Open(ctx, dir, cfg)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	c := checker{j: j, rep: &rep, fetch: client.FileFetcher{Root: j.logDir()}, roots: map[uint64]assay.Digest{}, owners: map[string]vault.ID{}}
	for _, step := range []func(context.Context) error{c.claims, c.records, c.marks, c.edge, c.requests, c.subjectKeys} {
		if err := step(ctx); err != nil {
			return rep, fmt.Errorf("fsck: %w", err)
		}
	}
	return rep, nil
}

// checker carries one check.
type checker struct {
	j      *Journal
	rep    *FsckReport
	fetch  client.FileFetcher
	size   uint64                  // of the published checkpoint: how far the log is compared
	want   map[uint64]assay.Digest // size -> root that something claims
	who    map[uint64]string       // who claims it
	roots  map[uint64]assay.Digest // size -> root of the records
	levels [][][]byte              // the right edge: hashes of the tile being filled, by level
	bundle [][]byte
	owners map[string]vault.ID // subject -> key id
}

func (c *checker) bad(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, assay.ErrCorrupt)...)
}

// claims gathers who claims which root at which size.
func (c *checker) claims(ctx context.Context) error {
	c.want, c.who = map[uint64]assay.Digest{}, map[uint64]string{}
	claim := func(who string, size uint64, root assay.Digest) error {
		if have, ok := c.want[size]; ok && have != root {
			return c.bad("%s and %s claim different roots at size %d", c.who[size], who, size)
		}
		c.want[size], c.who[size] = root, who
		return nil
	}
	b, err := c.fetch.ReadCheckpoint(ctx)
	if err == nil {
		cp, err := ledger.ParseCheckpoint(b, c.j.Key())
		if err != nil {
			return fmt.Errorf("the published %w", err)
		}
		c.size, c.rep.Size = cp.Size, cp.Size
		if err := claim("the published checkpoint", cp.Size, cp.Root); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	b, err = os.ReadFile(filepath.Join(c.j.logDir(), ".state", "treeState"))
	if err == nil {
		var s struct {
			Size uint64 `json:"size"`
			Root []byte `json:"root"`
		}
		if err := json.Unmarshal(b, &s); err != nil || len(s.Root) != 32 {
			return c.bad("the log's tree state cannot be read")
		}
		if s.Size < c.size {
			return c.bad("the log's tree state is of size %d, its checkpoint of %d", s.Size, c.size)
		}
		if err := claim("the log's tree state", s.Size, assay.Digest(s.Root)); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) || c.size > 0 {
		return c.bad("the log's tree state is missing")
	}
	high, root := c.j.guard.high()
	if high < c.size {
		return c.bad("the high-water mark is %d, a checkpoint of %d is published", high, c.size)
	}
	if err := claim("the high-water mark", high, root); err != nil {
		return err
	}
	note, proof, err := c.j.anchored()
	if err != nil || note == nil {
		return err
	}
	cp, err := ledger.ParseCheckpoint(note, c.j.Key())
	if err != nil {
		return fmt.Errorf("the anchored %w", err)
	}
	c.rep.Anchored, c.rep.AnchorNote, c.rep.AnchorProof = cp.Size, note, proof
	return claim("the anchored checkpoint", cp.Size, cp.Root)
}

// records goes through all records once: each is opened, each group's promise
// is verified, and each entry and full tile of the log is compared.
func (c *checker) records(ctx context.Context) error {
	tree := ranges.NewEmptyRange(0)
	var hashes []assay.Digest
	var g *group
	note := func(size uint64) error {
		if _, ok := c.want[size]; !ok || size == 0 {
			return nil
		}
		root, err := tree.GetRootHash(nil)
		c.roots[size] = assay.Digest(root)
		return err
	}
	err := c.j.scan(ctx, 0, c.j.durable.Load(), func(seq uint64, b []byte) error {
		s, err := parseStored(b)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		switch r, _, err := c.j.open(seq, b); {
		case err == nil:
			c.rep.Opened++
			if err := c.owner(seq, r.Subject, s.key); err != nil {
				return err
			}
		case errors.Is(err, vault.ErrErased):
			c.rep.Erased++
		case errors.Is(err, ErrRetired):
			c.rep.Retired++
		default:
			return err
		}
		h := ledger.HashLeaf(s.leaf)
		if g == nil {
			if g, err = c.j.group(seq); err != nil {
				return err
			}
			if g.first != seq {
				return c.bad("record %d is in two groups", seq)
			}
		}
		if hashes = append(hashes, h); len(hashes) == int(g.count) {
			g.tree.Reset(hashes)
			p := g.promise(&entry{seq: seq, hash: h})
			if err := p.Verify(c.j.key); err != nil {
				return fmt.Errorf("the group of records %d to %d: %w", g.first, seq, err)
			}
			c.rep.Groups++
			g, hashes = nil, hashes[:0]
		}
		c.rep.Records++
		if err := tree.Append(h[:], nil); err != nil {
			return err
		}
		if err := note(seq + 1); err != nil {
			return err
		}
		return c.entry(ctx, seq, s.leaf, h)
	})
	if err == nil && g != nil {
		err = c.bad("the last group is cut short")
	}
	return err
}

// ownersKept bounds the subjects whose key ids are remembered.
const ownersKept = 1 << 16

// owner checks that a record's subject leads to the key that sealed it: a
// record that opens is of a living key.
func (c *checker) owner(seq uint64, name string, key vault.ID) error {
	if name == "" {
		if key != c.j.keys.system.key.ID() {
			return c.bad("record %d has no subject, and a subject's key", seq)
		}
		return nil
	}
	id, ok := c.owners[name]
	if !ok {
		b, err := get(c.j.db, idKey(prefixSubject, c.j.keys.tag(name)))
		if err != nil || len(b) != len(id) {
			return c.bad("the subject of record %d leads to no key", seq)
		}
		id = vault.ID(b)
		if len(c.owners) >= ownersKept {
			clear(c.owners)
		}
		c.owners[name] = id
	}
	if id != key {
		return c.bad("the subject of record %d leads to another key than the record's", seq)
	}
	return nil
}

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

// marks compares each claimed root with the records'.
func (c *checker) marks(context.Context) error {
	for size, root := range c.want {
		if size == 0 {
			continue
		}
		have, ok := c.roots[size]
		if !ok {
			return c.bad("%s is of size %d, the journal holds %d records", c.who[size], size, c.rep.Records)
		}
		if have != root {
			return c.bad("%s claims root %s at size %d, the records have %s", c.who[size], root.Short(), size, have.Short())
		}
	}
	return nil
}

// requests checks that each index entry leads to a record of that request.
func (c *checker) requests(ctx context.Context) error {
	return c.each(ctx, prefixRequest, func(k, v []byte) error {
		if len(k) != 16 || len(v) != 8 {
			return c.bad("a request's index entry is malformed")
		}
		seq := binary.BigEndian.Uint64(v)
		r, err := c.j.Get(seq)
		if errors.Is(err, vault.ErrErased) || errors.Is(err, ErrRetired) {
			return nil
		}
		if err != nil {
			return err
		}
		if tag := c.j.requestTag(r.Caller, r.RequestID); !bytes.Equal(tag[:], k) {
			return c.bad("a request's index entry leads to record %d, which is of another request", seq)
		}
		c.rep.Requests++
		return nil
	})
}

// subjectKeys checks that each key opens, and that no erased one is left.
func (c *checker) subjectKeys(ctx context.Context) error {
	return c.each(ctx, prefixKey, func(k, v []byte) error {
		if len(k) != 16 {
			return c.bad("a key id has %d bytes", len(k))
		}
		id := vault.ID(k)
		if _, err := get(c.j.db, idKey(prefixErased, id)); err == nil {
			return c.bad("key %x was erased and is still there", id[:4])
		}
		if _, err := c.j.master.Unwrap(id, v); err != nil {
			return err
		}
		c.rep.Keys++
		return nil
	})
}

func (c *checker) each(ctx context.Context, prefix byte, fn func(k, v []byte) error) (err error) {
	it, err := c.j.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := fn(it.Key()[1:], v); err != nil {
			return err
		}
	}
	return it.Error()
}
