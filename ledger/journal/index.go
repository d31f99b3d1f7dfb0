// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

const (
	indexEvery = 50 * time.Millisecond // how long a durable group may wait for the store
	indexBatch = 4096                  // waiting records after which the store is told at once
	indexSync  = 1 << 16               // records after which the store is synced; the next start repeats at most these
	indexLimit = 1 << 19               // records that may wait; then the writer waits too
)

// index carries durable groups to the store, in order and behind the writer:
// what the groups do to subject keys within milliseconds, and their request tags
// once there are many. The store notes how far it got, and the next start goes on
// from there: what a crash takes from the store, the record files bring back.
type index struct {
	upto atomic.Uint64 // the subject keys of records below are in the store
	kick chan struct{}

	mu       sync.Mutex
	pending  []*group      // their key ops, and tags, are not in the store
	untagged []*group      // their tags alone are not
	records  int           // of both
	moved    chan struct{} // closed and replaced when upto moves
}

func newIndex(upto uint64) *index {
	x := &index{kick: make(chan struct{}, 1), moved: make(chan struct{})}
	x.upto.Store(upto)
	return x
}

// add hands over a durable group; it returns how many records wait.
func (x *index) add(g *group) int {
	x.mu.Lock()
	x.pending = append(x.pending, g)
	x.records += int(g.count)
	n := x.records
	late := x.pending[0].first+indexBatch <= g.first
	x.mu.Unlock()
	if late {
		x.wake()
	}
	return n
}

func (x *index) wake() {
	select {
	case x.kick <- struct{}{}:
	default:
	}
}

// find looks for a request among the groups that wait.
func (x *index) find(tag Tag) (seq uint64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, gs := range [...][]*group{x.untagged, x.pending} {
		for _, g := range gs {
			for i := range g.tags {
				if g.tags[i] == tag {
					seq, ok = g.first+uint64(i), true
				}
			}
		}
	}
	return seq, ok
}

// runIndex feeds the store until finished is closed and nothing waits.
func (j *Journal) runIndex(finished <-chan struct{}) error {
	t := time.NewTicker(indexEvery)
	defer t.Stop()
	for final := false; ; {
		if err := j.indexPending(final); err != nil {
			j.failed.set(err)
			return err
		}
		if final {
			return nil
		}
		select {
		case <-t.C:
		case <-j.index.kick:
		case <-finished:
			final = true
		case <-j.failed.done:
			return nil
		}
	}
}

// indexPending gives the store the groups that wait. Their tags stay visible to
// find until they are in the store.
func (j *Journal) indexPending(final bool) error {
	x := j.index
	x.mu.Lock()
	batch := x.pending
	x.mu.Unlock()
	if len(batch) > 0 {
		if err := j.applyGroups(batch); err != nil {
			return err
		}
		last := batch[len(batch)-1]
		x.mu.Lock()
		x.pending = append([]*group(nil), x.pending[len(batch):]...)
		x.untagged = append(x.untagged, batch...)
		x.upto.Store(last.first + uint64(last.count))
		close(x.moved)
		x.moved = make(chan struct{})
		x.mu.Unlock()
	}
	x.mu.Lock()
	run := x.untagged
	x.mu.Unlock()
	if len(run) == 0 {
		return nil
	}
	upto := x.upto.Load()
	n := int(upto - run[0].first)
	if n < runTags && !final {
		return nil
	}
	if err := j.writeRun(run, upto); err != nil {
		return err
	}
	x.mu.Lock()
	x.untagged = nil
	x.records -= n
	x.mu.Unlock()
	return nil
}

// waitIndexed waits until the store knows the records below seq.
func (j *Journal) waitIndexed(ctx context.Context, seq uint64) error {
	for {
		x := j.index
		x.mu.Lock()
		moved := x.moved
		x.mu.Unlock()
		if x.upto.Load() >= seq {
			return nil
		}
		x.wake()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-j.failed.done:
			return j.stopError()
		}
	}
}

// applyGroups commits to the store what groups do to subject keys, and how far
// it got.
func (j *Journal) applyGroups(batch []*group) error {
	j.keyMu.Lock() // keys are not wrapped again meanwhile
	defer j.keyMu.Unlock()
	b := j.db.NewBatchWithSize(1 << 16)
	defer b.Close()
	fresh := map[[16]byte]vault.ID{} // tag -> key id set by this batch
	for _, g := range batch {
		for i := range g.ops {
			if err := j.applyOp(b, &g.ops[i], fresh); err != nil {
				return err
			}
		}
	}
	from, last := batch[0].first, batch[len(batch)-1]
	upto := last.first + uint64(last.count)
	opt := pebble.NoSync
	if upto/indexSync != from/indexSync && !j.cfg.NoSync {
		opt = pebble.Sync
	}
	if err := errors.Join(set(b, metaKey(metaIndexed), binary.BigEndian.AppendUint64(nil, upto)), b.Commit(opt)); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	for _, g := range batch {
		for i := range g.ops {
			if o := &g.ops[i]; o.kind == opNewKey && o.owner != nil {
				j.keys.settled(o.name, o.owner)
			}
		}
	}
	return nil
}

// applyOp adds one change of a subject's key. A subject that came back after
// its erasure has a newer key, and its tag keeps leading there.
func (j *Journal) applyOp(b *pebble.Batch, o *keyOp, fresh map[[16]byte]vault.ID) error {
	if o.kind == opNewKey {
		fresh[o.tag] = o.id
		return errors.Join(set(b, idKey(prefixSubject, o.tag), o.id[:]), set(b, idKey(prefixKey, o.id), o.wrapped))
	}
	cur, ok := fresh[o.tag]
	if !ok {
		v, err := get(j.db, idKey(prefixSubject, o.tag))
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return err
		}
		copy(cur[:], v)
	}
	if cur == o.id {
		fresh[o.tag] = vault.ID{} // no key: ids are random, none is zero
		if err := b.Delete(idKey(prefixSubject, o.tag), nil); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := b.Delete(idKey(prefixKey, o.id), nil); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return set(b, idKey(prefixErased, o.id), binary.BigEndian.AppendUint64(nil, o.sequence))
}

// replay brings the store up to the records: the ordinary way to start.
func (j *Journal) replay(ctx context.Context, end uint64) error {
	from, err := number(j.db, metaKey(metaIndexed))
	if err != nil {
		return err
	}
	tagged, err := number(j.db, metaKey(metaTagged))
	if err != nil {
		return err
	}
	if end == 0 && from > 0 {
		return fmt.Errorf("journal: the store knows %d records, and the record files are missing: put them back from a backup: %w", from, assay.ErrCorrupt)
	}
	if from > end || tagged > from {
		return fmt.Errorf("journal: the store knows %d records and the tags of %d, and %d are there: the record files are an older copy, or were cut: %w", from, tagged, end, assay.ErrCorrupt)
	}
	j.index = newIndex(end)
	var keys, tags []*group
	n := 0
	flush := func(upto uint64) error {
		if len(keys) > 0 {
			if err := j.applyGroups(keys); err != nil {
				return err
			}
		}
		if len(tags) > 0 {
			if err := j.writeRun(tags, upto); err != nil {
				return err
			}
		}
		keys, tags, n = nil, nil, 0
		return nil
	}
	err = j.rec.groups(ctx, tagged, end, keyOps, func(f *block) error {
		if f.first < tagged || f.first < from && f.end() > from {
			return fmt.Errorf("store: it knows a part of the group of records %d to %d: %w", f.first, f.end()-1, assay.ErrCorrupt)
		}
		g := &group{first: f.first, count: f.count}
		for i := range int(f.count) {
			s, err := f.at(f.body, i)
			if err != nil {
				return err
			}
			g.tags = append(g.tags, s.tag)
		}
		tags = append(tags, g)
		if f.first >= from {
			var err error
			if g.ops, err = parseOps(f.ops); err != nil {
				return err
			}
			keys = append(keys, g)
		}
		if n += int(f.count); n >= runTags {
			return flush(f.end())
		}
		return nil
	})
	if err == nil {
		err = flush(end)
	}
	return err
}
