// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/ed25519"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// draft is one group on its way to the disk. Its memory is used again.
type draft struct {
	g       *group
	entries []*entry
	frame   []byte
	leaves  *leafBlock
	err     error // of flush
}

// build makes one group of the entries and lays it out; nothing is written.
func (d *draft) build(j *Journal) error {
	n := len(d.entries)
	g := &group{first: d.entries[0].seq, count: uint32(n), tags: make([]Tag, n)}
	size := 0
	for _, e := range d.entries {
		size += len(e.public)
	}
	b := &leafBlock{first: g.first, public: make([]byte, 0, size), ends: make([]uint32, n), hashes: make([]assay.Digest, n)}
	for i, e := range d.entries {
		b.public = append(b.public, e.public...)
		b.ends[i], b.hashes[i], g.tags[i] = uint32(len(b.public)), e.hash, e.tag
		if e.tag != (Tag{}) {
			j.seen.add(e.tag)
		}
		if err := j.gather(g, e); err != nil {
			return fmt.Errorf("journal: %w: %w", err, assay.ErrUnavailable)
		}
	}
	g.tree.Reset(b.hashes)
	copy(g.signature[:], ed25519.Sign(j.signer, ledger.PromiseMessage(j.key.Origin, g.first, g.count, g.tree.Root())))
	frame, err := g.build(j.rec.auth, d.frame[:0], d.entries, b)
	if err != nil {
		return fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	d.g, d.frame, d.leaves = g, frame, b
	return nil
}

// flush writes a draft with one sync. Only then is the durable end advanced,
// and only then are the store, the log and the callers told. writeMu is held
// for reading, and given back.
func (j *Journal) flush(d *draft) error {
	g := d.g
	err := j.rec.append(d.frame, g, !j.cfg.NoSync)
	if err != nil {
		err = fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	for _, e := range d.entries { // so that sweep does not find them again
		j.ring[e.seq%window].CompareAndSwap(e, nil)
	}
	if err == nil {
		j.recent.add(d.leaves)
		j.durable.Store(g.first + uint64(g.count))
		if j.index.add(g) > indexLimit {
			err = j.waitIndexed(context.Background(), g.first)
		}
	}
	j.writeMu.RUnlock()
	if err != nil {
		j.kill(err)
	}
	for i, e := range d.entries {
		e.settle(g, err)
		d.entries[i] = nil
	}
	if d.g, d.leaves = nil, nil; cap(d.frame) > keptBuffer {
		d.frame = nil
	}
	return err
}

// gather notes what a record does to subject keys: its own may be new, and an
// erasure destroys one.
func (j *Journal) gather(g *group, e *entry) error {
	if s := e.owner; !s.written.Load() && !s.dead.Load() {
		if gen := j.master.Generation(); s.generation != gen {
			w, err := j.master.Wrap(s.key)
			if err != nil {
				return err
			}
			s.wrapped, s.generation = w, gen
		}
		s.written.Store(true)
		g.ops = append(g.ops, keyOp{kind: opNewKey, tag: s.tag, id: s.key.ID(), wrapped: s.wrapped, name: e.name, owner: s})
	}
	if s := e.erases; s != nil {
		g.ops = append(g.ops, keyOp{kind: opErase, tag: s.tag, id: s.key.ID(), sequence: e.seq})
	}
	return nil
}
