// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	assay "github.com/assayrisk/assay"
)

// filter answers "this request id was never seen" from memory, which is the answer
// to nearly every Lookup. It is a chain of blocked Bloom filters (Putze, Sanders
// and Singler, 2007), each twice the size of the one before: a look-up reads one
// cache line of each. Until the ids of earlier runs have been read from the store,
// in the background, it answers "maybe" to everything.
type filter struct {
	complete atomic.Bool // the ids of earlier runs are in it
	mu       sync.Mutex  // one adder at a time
	chain    atomic.Pointer[[]*bloom]
}

// firstFilterIDs is the capacity of the first filter; 16 bits an id.
const firstFilterIDs = 1 << 16

// bitsPerID is the number of bits that one id sets in its 512-bit block.
const bitsPerID = 6

type bloom struct {
	capacityLeft int
	lines        [][8]atomic.Uint64 // a power of two
}

// add notes a tag. Tags are outputs of a keyed hash: their bits are the hash.
func (f *filter) add(tag [16]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	chain := f.chain.Load()
	if chain == nil || (*chain)[len(*chain)-1].capacityLeft == 0 {
		size := firstFilterIDs
		var grown []*bloom
		if chain != nil {
			grown = append(grown, *chain...)
			size <<= len(*chain)
		}
		grown = append(grown, &bloom{capacityLeft: size, lines: make([][8]atomic.Uint64, size*16/512)})
		chain = &grown
		f.chain.Store(chain)
	}
	b := (*chain)[len(*chain)-1]
	b.capacityLeft--
	line, bits := b.at(tag)
	for range bitsPerID {
		line[bits>>6&7].Or(1 << (bits & 63))
		bits >>= 9
	}
}

// maybe reports false only if the tag was never added.
func (f *filter) maybe(tag [16]byte) bool {
	if !f.complete.Load() {
		return true
	}
	chain := f.chain.Load()
	if chain == nil {
		return false
	}
	for _, b := range *chain {
		if b.has(tag) {
			return true
		}
	}
	return false
}

func (b *bloom) at(tag [16]byte) (line *[8]atomic.Uint64, bits uint64) {
	i := binary.LittleEndian.Uint64(tag[:]) & uint64(len(b.lines)-1)
	return &b.lines[i], binary.LittleEndian.Uint64(tag[8:])
}

func (b *bloom) has(tag [16]byte) bool {
	line, bits := b.at(tag)
	for range bitsPerID {
		if line[bits>>6&7].Load()&(1<<(bits&63)) == 0 {
			return false
		}
		bits >>= 9
	}
	return true
}

// FillFilters reads the ids of earlier runs, of requests and of subjects. Until then every look-up goes to the
// database.
func (s *Store) FillFilters(ctx context.Context) error {
	if err := s.fill(ctx, &s.keys.knownTags, Subjects); err != nil {
		return err
	}
	return s.fill(ctx, &s.requests, Requests)
}

// fill adds the tags of a table. New ones are added as they come.
func (s *Store) fill(ctx context.Context, f *filter, t Table) (err error) {
	it, err := s.db.NewIter(t.bounds())
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n&1023 == 0 && ctx.Err() != nil {
			return nil
		}
		if len(it.Key()) != 17 {
			return fmt.Errorf("store: a tag of %d bytes: %w", len(it.Key())-1, assay.ErrCorrupt)
		}
		f.add([16]byte(it.Key()[1:]))
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	f.complete.Store(true)
	return nil
}
