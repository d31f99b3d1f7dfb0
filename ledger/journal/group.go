// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// group is one commit: its promise covers count records from first.
type group struct {
	first     uint64
	count     uint32
	tree      ledger.GroupTree
	signature [64]byte
}

// promise makes the promise of one record of the group.
func (g *group) promise(e *entry) ledger.Promise {
	return ledger.Promise{
		Sequence:  e.seq,
		LeafHash:  e.leafHash,
		First:     g.first,
		Count:     g.count,
		Path:      g.tree.AppendPath(make([]assay.Digest, 0, 12), int(e.seq-g.first)),
		Signature: g.signature,
	}
}

// pendingGroup is one group that is not on the disk yet. Its memory is used again.
type pendingGroup struct {
	entries    []*entry
	group      *group
	frame      []byte       // the group as bytes
	leaves     *leafBlock   // for the log
	storeGroup *store.Group // for the store
	business   [][]byte     // scratch
	personal   [][]byte     // scratch
	err        error        // of commit
}

// build makes one group of the entries and encodes it. It writes and signs nothing.
func (p *pendingGroup) build(j *Journal) error {
	n := len(p.entries)
	first := p.entries[0].seq
	size, numbers := 0, 0
	for _, e := range p.entries {
		size, numbers = size+len(e.public), numbers+len(e.listed.Parties)
	}
	b := &leafBlock{first: first,
		publicParts: make([]byte, 0, size), ends: make([]uint32, n), hashes: make([]assay.Digest, n)}
	x := &store.Group{First: first, Count: uint32(n), Tags: make([]Tag, n), Entries: make([]listing.Entry, n)}
	parties := make([]vault.ID, 0, numbers)
	p.business, p.personal = p.business[:0], p.personal[:0]
	for i, e := range p.entries {
		b.publicParts = append(b.publicParts, e.public...)
		b.ends[i], b.hashes[i], x.Tags[i] = uint32(len(b.publicParts)), e.leafHash, e.tag
		p.business, p.personal = append(p.business, e.business), append(p.personal, e.personal)
		from := len(parties)
		parties = append(parties, e.listed.Parties...)
		x.Entries[i] = e.listed
		x.Entries[i].Parties = parties[from:]
		if e.tag != (Tag{}) {
			j.store.NoteRequest(e.tag)
		}
		if err := p.addKeys(j, x, e); err != nil {
			return fmt.Errorf("journal: %w: %w", err, assay.ErrUnavailable)
		}
	}
	g := &group{first: first, count: uint32(n)}
	g.tree.Reset(b.hashes)
	frame, err := j.records.Encode(p.frame[:0], &recordfile.Group{
		First: first, Public: b.publicParts, Ends: b.ends, Business: p.business, Personal: p.personal, Ops: x.Ops,
	})
	if err != nil {
		return fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	p.group, p.frame, p.leaves, p.storeGroup = g, frame, b, x
	return nil
}

// addKeys adds to the group what a record does to keys: those that it uses become durable with it.
func (p *pendingGroup) addKeys(j *Journal, x *store.Group, e *entry) error {
	if err := j.store.AddKeyUse(x, e.subject); err != nil {
		return err
	}
	for _, party := range e.parties {
		if party.subject == e.subject {
			continue
		}
		if err := j.store.AddKeyUse(x, party.subject); err != nil {
			return err
		}
	}
	if e.erasedSubject == nil {
		return nil
	}
	return j.store.AddKeyErasure(x, e.erasedSubject, e.seq)
}

// commit writes a group with one sync, and signs its promise. Only after that does it advance the durable end and give
// the group to the store, the log and the callers. The caller has locked writeMu for reading; commit unlocks it.
func (j *Journal) commit(p *pendingGroup) error {
	g := p.group
	err := j.records.Append(p.frame, !j.cfg.NoSync)
	if err != nil {
		err = fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	for _, e := range p.entries { // so that sweep does not find them again
		j.ring[e.seq%maxInFlight].CompareAndSwap(e, nil)
	}
	if err == nil {
		g.signature = j.guard.SignPromise(g.first, g.count, g.tree.Root())
		j.signatures.Add(g.first, g.count, g.signature)
		j.recent.add(p.leaves)
		j.durable.Store(g.first + uint64(g.count))
		if j.store.Add(p.storeGroup) > store.MaxQueued {
			err = j.waitApplied(context.Background(), g.first)
		}
	}
	j.writeMu.RUnlock()
	if err != nil {
		j.failFiles(err)
	}
	for i, e := range p.entries {
		e.complete(g, err)
		p.entries[i] = nil
	}
	clear(p.business)
	clear(p.personal)
	if p.group, p.leaves, p.storeGroup = nil, nil, nil; cap(p.frame) > maxKeptFrame {
		p.frame = nil
	}
	return err
}

// waitApplied waits until the store holds the subject keys of the records below seq.
func (j *Journal) waitApplied(ctx context.Context, seq uint64) error {
	for {
		upto, moved := j.store.Applied()
		if upto >= seq {
			return nil
		}
		j.store.ApplyNow()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-j.failed.done:
			return j.stopError()
		}
	}
}
