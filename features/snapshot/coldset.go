// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"hash/maphash"
	"sync/atomic"
)

// coldSet is a set of rows from which rows are taken out: those that lie in storage and not in memory. It may be asked
// by any goroutine while one takes rows out. It holds 64 bits of a row's hash, and so it may answer yes for a row that
// it never had, once in 2^64 / rows; a directory then says better.
type coldSet struct {
	seed  maphash.Seed
	slots []atomic.Uint64 // open addressing; a power of two
	left  atomic.Int64
}

// Values of slots that are no hashes.
const (
	emptySlot = iota
	takenOut
	leastHash
)

func newColdSet(d *Directory) *coldSet {
	n := 8
	for n < d.Len()+d.Len()/2 {
		n *= 2
	}
	s := &coldSet{seed: maphash.MakeSeed(), slots: make([]atomic.Uint64, n)}
	for e := range d.All() {
		h := s.hash(e.Table, maphash.String(s.seed, e.Key))
		i := s.first(h)
		for s.slots[i].Load() != emptySlot {
			i = (i + 1) & (n - 1)
		}
		s.slots[i].Store(h)
	}
	s.left.Store(int64(d.Len()))
	return s
}

// hash is the hash of a row of which the key's hash is given.
func (s *coldSet) hash(table int, key uint64) uint64 {
	return max((key^uint64(table))*0x9e3779b97f4a7c15, leastHash)
}

func (s *coldSet) first(h uint64) int { return int(h>>20) & (len(s.slots) - 1) }

func (s *coldSet) find(h uint64) *atomic.Uint64 {
	for i := s.first(h); ; i = (i + 1) & (len(s.slots) - 1) {
		switch s.slots[i].Load() {
		case h:
			return &s.slots[i]
		case emptySlot:
			return nil
		}
	}
}

// has reports whether a row lies in storage.
func (s *coldSet) has(table int, key []byte) bool {
	return s.left.Load() > 0 && s.find(s.hash(table, maphash.Bytes(s.seed, key))) != nil
}

// takeOut removes a row, if the set has it.
func (s *coldSet) takeOut(n Name) {
	if slot := s.find(s.hash(n.Table, maphash.String(s.seed, n.Key))); slot != nil {
		slot.Store(takenOut)
		s.left.Add(-1)
	}
}
