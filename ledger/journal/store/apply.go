// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// applyGroups commits to the store what groups do to subject keys, and the mark of
// progress.
func (s *Store) applyGroups(batch []*Group) error {
	s.keyMu.Lock() // Rewrap waits
	defer s.keyMu.Unlock()
	b := s.db.NewBatchWithSize(1 << 16)
	defer b.Close()
	changed := map[[16]byte]vault.ID{} // subject tag -> key id set by this batch
	u := unlisting{store: s, rows: map[uint64]*listing.Columns{}}
	var erased []vault.ID
	for _, g := range batch {
		for i := range g.Ops {
			if err := s.applyOp(b, &g.Ops[i], changed); err != nil {
				return err
			}
			if id := g.Ops[i].Key; g.Ops[i].Kind == recordfile.EraseKey {
				erased = append(erased, id)
				if err := u.party(b, id); err != nil {
					return err
				}
			}
		}
	}
	if err := u.write(b); err != nil {
		return err
	}
	from, last := batch[0].First, batch[len(batch)-1]
	upto := last.end()
	opt := pebble.NoSync
	if upto/syncRecords != from/syncRecords && !s.opts.NoSync {
		opt = pebble.Sync
	}
	if err := errors.Join(set(b, Indexed.key(), binary.BigEndian.AppendUint64(nil, upto)), b.Commit(opt)); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	for _, id := range erased {
		s.lists.erased[id] = struct{}{}
	}
	for _, g := range batch {
		for _, sub := range g.made {
			s.keys.saved(sub)
		}
	}
	return nil
}

// applyOp adds one change of a subject's key. A subject that came back after its
// erasure has a newer key, and its tag still leads to that.
func (s *Store) applyOp(b *pebble.Batch, o *recordfile.KeyOp, changed map[[16]byte]vault.ID) error {
	if o.Kind == recordfile.NewKey {
		changed[o.Subject] = o.Key
		return errors.Join(set(b, Subjects.key(o.Subject), o.Key[:]), set(b, Keys.key(o.Key), o.Wrapped))
	}
	cur, ok := changed[o.Subject]
	if !ok {
		v, err := get(s.db, Subjects.key(o.Subject))
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return err
		}
		copy(cur[:], v)
	}
	if cur == o.Key {
		changed[o.Subject] = vault.ID{} // no key: ids are random, none is zero
		if err := b.Delete(Subjects.key(o.Subject), nil); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := b.Delete(Keys.key(o.Key), nil); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return set(b, Erased.key(o.Key), binary.BigEndian.AppendUint64(nil, o.Sequence))
}

// Walk calls fn with each group of records from a number on, and with what that does to subject keys.
type Walk func(from uint64, fn func(b *recordfile.StoredGroup) error) error

// CatchUp brings the store up to the records, of which there are end: the ordinary way to start.
func (s *Store) CatchUp(end uint64, walk Walk) error {
	from, err := s.Number(Indexed)
	if err != nil {
		return err
	}
	tagged, err := s.Number(Tagged)
	if err != nil {
		return err
	}
	if end == 0 && from > 0 {
		return fmt.Errorf("journal: the store knows %d records, and the record files are missing: "+
			"put them back from a backup: %w",
			from, assay.ErrCorrupt)
	}
	if from > end || tagged > from {
		return fmt.Errorf("journal: the store knows %d records and the tags of %d, and %d are there: "+
			"the record files are an older copy, or were cut: %w", from, tagged, end, assay.ErrCorrupt)
	}
	s.queue.init(end)
	if err := s.openLists(from, end); err != nil {
		return err
	}
	var keys, tags []*Group
	n := 0
	flush := func(upto uint64) error {
		if len(keys) > 0 {
			if err := s.applyGroups(keys); err != nil {
				return err
			}
		}
		if len(tags) > 0 {
			if err := s.writeRun(tags, upto); err != nil {
				return err
			}
		}
		keys, tags, n = nil, nil, 0
		return nil
	}
	err = walk(tagged, func(b *recordfile.StoredGroup) error {
		if b.First < tagged || b.First < from && b.End() > from {
			return fmt.Errorf("store: it knows a part of the group of records %d to %d: %w",
				b.First, b.End()-1, assay.ErrCorrupt)
		}
		g := &Group{First: b.First, Count: b.Count}
		for i := range int(b.Count) {
			r, err := b.At(i)
			if err != nil {
				return err
			}
			g.Tags = append(g.Tags, r.Tag)
		}
		tags = append(tags, g)
		if b.First >= from {
			var err error
			if g.Ops, err = b.Ops(); err != nil {
				return err
			}
			keys = append(keys, g)
		}
		if n += int(b.Count); n >= tagsPerRun {
			return flush(b.End())
		}
		return nil
	})
	if err == nil {
		err = flush(end)
	}
	return err
}
