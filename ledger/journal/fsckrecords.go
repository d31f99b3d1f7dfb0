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
	"github.com/assayrisk/assay/ledger/journal/guard"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// checkRecords reads all groups once: it opens each record, verifies each group's
// promise, and compares each entry and full tile of the log.
func (c *checker) checkRecords(ctx context.Context) error {
	tree := guard.NewTree()
	note := func(size uint64) error {
		if _, ok := c.claimedRoots[size]; !ok || size == 0 {
			return nil
		}
		root, err := tree.GetRootHash(nil)
		c.recordRoots[size] = assay.Digest(root)
		return err
	}
	return c.j.records.Groups(ctx, 0, c.j.durable.Load(), recordfile.AllSections,
		func(b *recordfile.StoredGroup) error {
			if err := c.j.records.Check(b); err != nil {
				return err
			}
			hashes := make([]assay.Digest, b.Count)
			for i := range hashes {
				seq := b.First + uint64(i)
				s, err := b.At(i)
				if err != nil {
					return err
				}
				if err := c.checkRecord(seq, s); err != nil {
					return err
				}
				hashes[i] = ledger.HashLeaf(s.Leaf)
				if err := tree.Append(hashes[i][:], nil); err != nil {
					return err
				}
				if err := note(seq + 1); err != nil {
					return err
				}
				if err := c.log.Add(ctx, s.Leaf, &hashes[i]); err != nil {
					return err
				}
			}
			g := &group{first: b.First, count: b.Count}
			g.tree.Reset(hashes)
			if err := c.j.findSignature(g, &b.Head); err != nil {
				return err
			}
			p := g.promise(&entry{seq: b.First, leafHash: hashes[0]})
			if err := p.Verify(c.j.key); err != nil {
				return fmt.Errorf("the group of records %d to %d: %w", b.First, b.End()-1, err)
			}
			c.rep.Groups++
			return c.checkKeyOps(b)
		})
}

// checkRecord opens one record, and checks its key and its place in the index.
func (c *checker) checkRecord(seq uint64, s recordfile.StoredRecord) error {
	if seq < c.droppedBelow && len(s.Personal) > 0 && s.Key != c.j.store.System().ID() {
		return c.corrupt("the private part of record %d is there, and its retention has passed: retire it again", seq)
	}
	r, _, err := c.j.open(seq, s)
	switch {
	case err == nil:
		c.rep.Opened++
		if err := c.checkSubject(seq, r.Subject, s.Key); err != nil {
			return err
		}
		var tag Tag
		if r.RequestID != "" {
			tag = c.j.Tag(r.Caller, r.RequestID)
		}
		if tag != s.Tag {
			return c.corrupt("the request tag of record %d is not that of its request", seq)
		}
	case errors.Is(err, vault.ErrErased):
		c.rep.Erased++
	case errors.Is(err, ErrRetired):
		if seq >= c.retiredBelow {
			return c.corrupt("the private part of record %d is gone, and its retention has not passed", seq)
		}
		if _, err := c.j.store.Key(s.Key); err != nil && !errors.Is(err, vault.ErrErased) {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		c.rep.Retired++
	default:
		return err
	}
	if err := c.checkListed(seq, s, r, err); err != nil {
		return err
	}
	c.rep.Records++
	if s.Tag == (Tag{}) {
		return nil
	}
	v, err := c.j.store.Row(store.Requests, s.Tag)
	if err != nil || len(v) != 8 {
		return c.corrupt("the request of record %d is not in the index", seq)
	}
	if to := binary.BigEndian.Uint64(v); to < seq {
		return c.corrupt("the request of record %d leads to record %d in the index", seq, to)
	}
	return nil
}

// checkKeyOps checks that what a group did to subject keys is what the store holds.
func (c *checker) checkKeyOps(b *recordfile.StoredGroup) error {
	ops, err := b.Ops()
	if err != nil {
		return err
	}
	for i := range ops {
		_, kerr := c.j.store.Row(store.Keys, ops[i].Key)
		x, xerr := c.j.store.Row(store.Erased, ops[i].Key)
		switch {
		case ops[i].Kind == recordfile.EraseKey &&
			(xerr != nil || len(x) != 8 || binary.BigEndian.Uint64(x) != ops[i].Sequence):
			return c.corrupt("record %d erased key %x, and the store does not say so", ops[i].Sequence, ops[i].Key[:4])
		case ops[i].Kind == recordfile.NewKey && kerr == nil && !c.subjectHasKey(ops[i].Subject, ops[i].Key):
			return c.corrupt("the subject of key %x leads to another key", ops[i].Key[:4])
		case ops[i].Kind == recordfile.NewKey && kerr != nil && xerr != nil:
			return c.corrupt("key %x of the group of records %d to %d is missing, and no erasure destroyed it",
				ops[i].Key[:4], b.First, b.End()-1)
		}
		// The store does not know any more whose key was erased: the two groups that
		// made and destroyed it must agree.
		switch {
		case ops[i].Kind == recordfile.NewKey && kerr != nil:
			c.erasedKeys[ops[i].Key] = ops[i].Subject
		case ops[i].Kind == recordfile.EraseKey:
			if tag, ok := c.erasedKeys[ops[i].Key]; !ok || tag != ops[i].Subject {
				return c.corrupt("record %d erased key %x of another subject than it was made for",
					ops[i].Sequence, ops[i].Key[:4])
			}
			delete(c.erasedKeys, ops[i].Key)
		}
	}
	return nil
}

// subjectHasKey reports whether a subject's tag leads to a key.
func (c *checker) subjectHasKey(tag [16]byte, id vault.ID) bool {
	v, err := c.j.store.Row(store.Subjects, tag)
	return err == nil && bytes.Equal(v, id[:])
}

// maxKeysBySubject bounds checker.keysBySubject.
const maxKeysBySubject = 1 << 16

// checkSubject checks that a record's subject leads to the key that sealed it. The
// record opened, so its key must be in use.
func (c *checker) checkSubject(seq uint64, name string, key vault.ID) error {
	if name == "" {
		if key != c.j.store.System().ID() {
			return c.corrupt("record %d has no subject, but a subject's key", seq)
		}
		return nil
	}
	id, ok := c.keysBySubject[name]
	if !ok {
		b, err := c.j.store.Row(store.Subjects, c.j.store.SubjectTag(name))
		if err != nil || len(b) != len(id) {
			return c.corrupt("the subject of record %d leads to no key", seq)
		}
		id = vault.ID(b)
		if len(c.keysBySubject) >= maxKeysBySubject {
			clear(c.keysBySubject)
		}
		c.keysBySubject[name] = id
	}
	if id != key {
		return c.corrupt("the subject of record %d leads to another key than the record's", seq)
	}
	return nil
}
