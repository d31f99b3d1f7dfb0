// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"sort"
	"sync"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// recentLimit is how many of the newest records' leaves are kept in memory for
// the log, of some 300 bytes each. Older ones are read from the files.
const recentLimit = 1 << 17

// leafBlock holds the leaves of one group.
type leafBlock struct {
	first       uint64
	publicParts []byte   // the public parts, as they lie in the group
	ends        []uint32 // where each ends
	hashes      []assay.Digest
}

func (b *leafBlock) end() uint64 { return b.first + uint64(len(b.ends)) }

func (b *leafBlock) leaf(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.publicParts[start+recordfile.PublicPrefix : b.ends[i]]
}

// recent holds the leaves of durable groups that the log has not published yet,
// so that the drainer, the guard and the comparison of published entries do not
// each read and hash the records again. They are the bytes that were promised: if
// a file is changed under a running journal, fsck or the next start finds it.
type recent struct {
	mu      sync.Mutex
	blocks  []*leafBlock // oldest first, without gaps
	records int
}

func (r *recent) add(b *leafBlock) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocks = append(r.blocks, b)
	r.records += len(b.ends)
	for r.records > recentLimit {
		r.pop()
	}
}

// dropBelow drops the blocks below size.
func (r *recent) dropBelow(size uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.blocks) > 0 && r.blocks[0].end() <= size {
		r.pop()
	}
}

// pop drops the oldest block. mu is held.
func (r *recent) pop() {
	r.records -= len(r.blocks[0].ends)
	r.blocks[0] = nil
	r.blocks = r.blocks[1:]
}

// holding returns the block that holds a record. If none does, it returns the
// first record of the next block, or to.
func (r *recent) holding(seq, to uint64) (*leafBlock, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].end() > seq })
	if i == len(r.blocks) {
		return nil, to
	}
	if b := r.blocks[i]; b.first <= seq {
		return b, 0
	}
	return nil, min(to, r.blocks[i].first)
}

// leaves calls fn with each leaf in [from, to), in order, and with its hash if that is known. The bytes are valid until
// fn returns.
func (j *Journal) leaves(
	ctx context.Context, from, to uint64, fn func(seq uint64, leaf []byte, hash *assay.Digest) error,
) error {
	to = min(to, j.durable.Load())
	for from < to {
		b, next := j.recent.holding(from, to)
		if b == nil {
			read := recordfile.PublicSections
			err := j.records.Scan(ctx, from, next, read, func(seq uint64, s recordfile.StoredRecord) error {
				return fn(seq, s.Leaf, nil)
			})
			if err != nil {
				return err
			}
			from = next
			continue
		}
		for ; from < min(to, b.end()); from++ {
			i := int(from - b.first)
			if err := fn(from, b.leaf(i), &b.hashes[i]); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// durableRecords are the journal's records as the guard hashes them.
type durableRecords struct{ j *Journal }

// Durable implements guard.Records.
func (r durableRecords) Durable() uint64 { return r.j.durable.Load() }

// Leaves implements guard.Records.
func (r durableRecords) Leaves(
	ctx context.Context, from, to uint64, fn func(seq uint64, leaf []byte, hash *assay.Digest) error,
) error {
	return r.j.leaves(ctx, from, to, fn)
}
