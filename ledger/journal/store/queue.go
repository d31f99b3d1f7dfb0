// SPDX-License-Identifier: Apache-2.0

package store

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

const (
	applyInterval      = 50 * time.Millisecond // how long a durable group may wait for the database
	applyAtOnceRecords = 4096                  // waiting records from which on the database gets them at once
	// Records after which the database is synced; the next start applies at most these again.
	syncRecords = 1 << 16
)

// MaxQueued is how many records may wait; the caller of Add should wait if there are more (see Applied).
const MaxQueued = 1 << 19

// Group is the part of a durable group that the store needs.
type Group struct {
	First uint64
	Count uint32
	Tags  []recordfile.Tag   // of its records, in order
	Ops   []recordfile.KeyOp // what it does to subject keys
	// Entries is what lists ask of its records, in order; nil: none of them can be listed.
	Entries []listing.Entry
	made    []*Subject // whose keys it makes durable
}

func (g *Group) end() uint64 { return g.First + uint64(g.Count) }

// queue carries durable groups to the database, in order and after the writer: what they do to subject keys within
// milliseconds, and their request tags once there are many. The store keeps a mark of its progress, and the next start
// continues there.
type queue struct {
	applied atomic.Uint64 // the subject keys of records below are in the database
	wake    chan struct{}

	mu       sync.Mutex
	pending  []*Group      // their key ops, and tags, are not in the database
	untagged []*Group      // their tags alone are not
	records  int           // of both
	moved    chan struct{} // closed and replaced when applied moves
}

func (q *queue) init(applied uint64) {
	q.wake, q.moved = make(chan struct{}, 1), make(chan struct{})
	q.applied.Store(applied)
}

// find looks for a request among the groups that wait.
func (q *queue) find(tag recordfile.Tag) (seq uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, gs := range [...][]*Group{q.untagged, q.pending} {
		for _, g := range gs {
			for i := range g.Tags {
				if g.Tags[i] == tag {
					seq, ok = g.First+uint64(i), true
				}
			}
		}
	}
	return seq, ok
}

// Add takes a durable group; it returns how many records wait.
func (s *Store) Add(g *Group) int {
	s.lists.add(g)
	q := &s.queue
	q.mu.Lock()
	q.pending = append(q.pending, g)
	q.records += int(g.Count)
	n := q.records
	late := q.pending[0].First+applyAtOnceRecords <= g.First
	q.mu.Unlock()
	if late {
		s.ApplyNow()
	}
	return n
}

// ApplyNow asks for the groups that wait to be applied at once.
func (s *Store) ApplyNow() {
	select {
	case s.queue.wake <- struct{}{}:
	default:
	}
}

// Applied returns a number, and a channel that is closed when it moves: the database has the subject keys of all
// records below it.
func (s *Store) Applied() (upto uint64, moved <-chan struct{}) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.applied.Load(), s.queue.moved
}

// Run feeds the database until finished is closed and nothing waits, or failed is closed.
func (s *Store) Run(finished, failed <-chan struct{}) error {
	t := time.NewTicker(applyInterval)
	defer t.Stop()
	for final := false; ; {
		if err := s.applyPending(final); err != nil {
			return err
		}
		if err := s.listPending(final); err != nil || final {
			return err
		}
		select {
		case <-t.C:
		case <-s.queue.wake:
		case <-finished:
			final = true
		case <-failed:
			return nil
		}
	}
}

// applyPending gives the database the groups that wait. Their tags stay visible to find until they are there.
func (s *Store) applyPending(final bool) error {
	q := &s.queue
	q.mu.Lock()
	batch := q.pending
	q.mu.Unlock()
	if len(batch) > 0 {
		if err := s.applyGroups(batch); err != nil {
			return err
		}
		q.mu.Lock()
		q.pending = append([]*Group(nil), q.pending[len(batch):]...)
		q.untagged = append(q.untagged, batch...)
		q.applied.Store(batch[len(batch)-1].end())
		close(q.moved)
		q.moved = make(chan struct{})
		q.mu.Unlock()
	}
	q.mu.Lock()
	run := q.untagged
	q.mu.Unlock()
	if len(run) == 0 {
		return nil
	}
	upto := q.applied.Load()
	n := int(upto - run[0].First)
	if n < tagsPerRun && !final {
		return nil
	}
	if err := s.writeRun(run, upto); err != nil {
		return err
	}
	q.mu.Lock()
	q.untagged = nil
	q.records -= n
	q.mu.Unlock()
	return nil
}
