// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// records goes through all groups once: each record is opened, each group's
// promise is verified, and each entry and full tile of the log is compared.
func (c *checker) records(ctx context.Context) error {
	tree := ranges.NewEmptyRange(0)
	note := func(size uint64) error {
		if _, ok := c.want[size]; !ok || size == 0 {
			return nil
		}
		root, err := tree.GetRootHash(nil)
		c.roots[size] = assay.Digest(root)
		return err
	}
	return c.j.rec.groups(ctx, 0, c.j.durable.Load(), wholeGroup, func(f *block) error {
		if err := f.check(c.j.rec.auth, f.raw); err != nil {
			return err
		}
		hashes := make([]assay.Digest, f.count)
		for i := range hashes {
			seq := f.first + uint64(i)
			s, err := f.at(f.body, i)
			if err != nil {
				return err
			}
			if err := c.record(seq, s); err != nil {
				return err
			}
			h := ledger.HashLeaf(s.leaf)
			hashes[i] = h
			if err := tree.Append(h[:], nil); err != nil {
				return err
			}
			if err := note(seq + 1); err != nil {
				return err
			}
			if err := c.entry(ctx, seq, s.leaf, h); err != nil {
				return err
			}
		}
		g := &group{first: f.first, count: f.count, signature: f.signature}
		g.tree.Reset(hashes)
		p := g.promise(&entry{seq: f.first, hash: hashes[0]})
		if err := p.Verify(c.j.key); err != nil {
			return fmt.Errorf("the group of records %d to %d: %w", f.first, f.end()-1, err)
		}
		c.rep.Groups++
		return c.ops(&f.frame, f.ops)
	})
}

// record opens one record, and checks its key and its place in the index.
func (c *checker) record(seq uint64, s stored) error {
	r, _, err := c.j.open(seq, s)
	switch {
	case err == nil:
		c.rep.Opened++
		if err := c.owner(seq, r.Subject, s.key); err != nil {
			return err
		}
		var tag Tag
		if r.RequestID != "" {
			tag = c.j.Tag(r.Caller, r.RequestID)
		}
		if tag != s.tag {
			return c.bad("the request tag of record %d is not that of its request", seq)
		}
	case errors.Is(err, vault.ErrErased):
		c.rep.Erased++
	case errors.Is(err, ErrRetired):
		if seq >= c.retired {
			return c.bad("the private part of record %d is gone, and its retention has not passed", seq)
		}
		if _, err := c.j.keys.byID(s.key); err != nil && !errors.Is(err, vault.ErrErased) {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		c.rep.Retired++
	default:
		return err
	}
	c.rep.Records++
	if s.tag == (Tag{}) {
		return nil
	}
	v, err := get(c.j.db, idKey(prefixRequest, s.tag))
	if err != nil || len(v) != 8 {
		return c.bad("the request of record %d is not in the index", seq)
	}
	if to := binary.BigEndian.Uint64(v); to < seq {
		return c.bad("the request of record %d leads to record %d in the index", seq, to)
	}
	return nil
}

// ops checks that what a group did to subject keys is what the store holds.
func (c *checker) ops(f *frame, b []byte) error {
	ops, err := parseOps(b)
	if err != nil {
		return err
	}
	for i := range ops {
		_, kerr := get(c.j.db, idKey(prefixKey, ops[i].id))
		x, xerr := get(c.j.db, idKey(prefixErased, ops[i].id))
		switch {
		case ops[i].kind == opErase && (xerr != nil || len(x) != 8 || binary.BigEndian.Uint64(x) != ops[i].sequence):
			return c.bad("record %d erased key %x, and the store does not say so", ops[i].sequence, ops[i].id[:4])
		case ops[i].kind == opNewKey && kerr == nil && !c.leadsTo(ops[i].tag, ops[i].id):
			return c.bad("the subject of key %x leads to another key", ops[i].id[:4])
		case ops[i].kind == opNewKey && kerr != nil && xerr != nil:
			return c.bad("key %x of the group of records %d to %d is missing, and no erasure destroyed it", ops[i].id[:4], f.first, f.end()-1)
		}
		// The store has forgotten whose an erased key was: the two groups that
		// made and destroyed it must agree.
		switch {
		case ops[i].kind == opNewKey && kerr != nil:
			c.erased[ops[i].id] = ops[i].tag
		case ops[i].kind == opErase:
			if tag, ok := c.erased[ops[i].id]; !ok || tag != ops[i].tag {
				return c.bad("record %d erased key %x of another subject than it was made for", ops[i].sequence, ops[i].id[:4])
			}
			delete(c.erased, ops[i].id)
		}
	}
	return nil
}

// leadsTo reports whether a subject's tag leads to a key.
func (c *checker) leadsTo(tag [16]byte, id vault.ID) bool {
	v, err := get(c.j.db, idKey(prefixSubject, tag))
	return err == nil && bytes.Equal(v, id[:])
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
