// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// IndexBlock is how many records one entry of the index covers.
const IndexBlock = 256

// Index tells ListDecisions which blocks of records it can skip. It has, for each
// block, the span of times, the outcomes, and small Bloom filters of the callers
// and of the entities: 4.2 bytes a record, hashed under a seed of this process.
// Records from before the start are indexed in the background; until then a list
// reads them all.
type Index struct {
	seed     maphash.Seed
	startEnd uint64        // the records from before the start have lower numbers
	filled   atomic.Uint64 // of these, the ones with lower numbers than this are indexed
	mu       struct {
		sync.RWMutex
		blocks []*indexEntry // nil: no decision in it
	}
}

type indexEntry struct {
	from, to int64 // microseconds, both included
	outcomes uint8 // bit by outcome
	callers  uint64
	entities [128]uint64
}

func newIndex(durable uint64) *Index { return &Index{seed: maphash.MakeSeed(), startEnd: durable} }

// hash is that of an entity, or, with an empty role, of a caller.
func (x *Index) hash(role, id string) uint64 {
	return bits.RotateLeft64(maphash.String(x.seed, role), 21) ^ maphash.String(x.seed, id)
}

// bloomBits are the four bits of an entity in a filter of 8,192 bits.
func bloomBits(h uint64) (p [4]uint16) {
	for i := range p {
		p[i] = uint16(h>>(16*i)) & 8191
	}
	return p
}

// add indexes decisions and recorded facts of this process.
func (x *Index) add(rs []*Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range rs {
		x.addLocked(r.Sequence, r.Decision.Micros, r.Decision.Outcome, r.Key.Caller, r.Event.Entities)
	}
}

// addLocked indexes a decision or a recorded fact, with mu held.
func (x *Index) addLocked(seq uint64, micros int64, o assay.Outcome, caller string, entities []assay.Entity) {
	n := seq / IndexBlock
	for uint64(len(x.mu.blocks)) <= n {
		x.mu.blocks = append(x.mu.blocks, nil)
	}
	b := x.mu.blocks[n]
	if b == nil {
		b = &indexEntry{from: math.MaxInt64, to: math.MinInt64}
		x.mu.blocks[n] = b
	}
	b.from, b.to = min(b.from, micros), max(b.to, micros)
	b.outcomes |= 1 << o
	b.callers |= 1 << (x.hash("", caller) & 63)
	for i := range entities {
		for _, p := range bloomBits(x.hash(entities[i].Role, entities[i].ID)) {
			b.entities[p/64] |= 1 << (p % 64)
		}
	}
}

// Query is what ListDecisions looks for.
type Query struct {
	From, To   int64 // microseconds; To is not included
	Outcome    assay.Outcome
	AnyOutcome bool
	Caller     string
	OwnOnly    bool          // of this caller alone
	Entity     *assay.Entity // nil: any
}

// blocksPerLock is how many entries Next looks at before it releases the lock:
// new decisions wait for it.
const blocksPerLock = 1024

// Filled is how many of the records from before the start are indexed.
func (x *Index) Filled() uint64 { return x.filled.Load() }

// Next returns the first sequence number, from seq on, in a block that may hold a
// match of q; false when no block may.
func (x *Index) Next(seq uint64, q *Query) (uint64, bool) {
	var caller uint64
	var entity [4]uint16
	if q.OwnOnly {
		caller = 1 << (x.hash("", q.Caller) & 63)
	}
	if q.Entity != nil {
		entity = bloomBits(x.hash(q.Entity.Role, q.Entity.ID))
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for n, looked := seq/IndexBlock, 1; ; n, looked = n+1, looked+1 {
		if looked%blocksPerLock == 0 {
			x.mu.RUnlock()
			x.mu.RLock()
		}
		first := max(seq, n*IndexBlock)
		if last := min((n+1)*IndexBlock, x.startEnd); last > x.filled.Load() && first < x.startEnd {
			return first, true // not in the index yet
		}
		if n >= uint64(len(x.mu.blocks)) {
			return 0, false
		}
		if b := x.mu.blocks[n]; b != nil && b.mayHold(q, caller, entity) {
			return first, true
		}
	}
}

func (b *indexEntry) mayHold(q *Query, caller uint64, entity [4]uint16) bool {
	if b.to < q.From || b.from >= q.To || !q.AnyOutcome && b.outcomes&(1<<q.Outcome) == 0 ||
		b.callers&caller != caller {
		return false
	}
	if q.Entity != nil {
		for _, p := range entity {
			if b.entities[p/64]&(1<<(p%64)) == 0 {
				return false
			}
		}
	}
	return true
}

// fill indexes the records from before the start.
func (x *Index) fill(ctx context.Context, j *journal.Journal) error {
	err := j.Scan(0, x.startEnd, func(seq uint64, r *journal.Record, unreadable error) error {
		if unreadable == nil && CarriesDecision(r) {
			d, err := assay.ParseDecision(r.Decision)
			if err != nil {
				return err
			}
			ev, err := EventOf(r)
			if err != nil {
				return err
			}
			if ev == nil {
				ev = new(assay.Event)
			}
			x.mu.Lock()
			x.addLocked(seq, r.Micros, d.Outcome, r.Caller, ev.Entities)
			x.mu.Unlock()
		}
		x.filled.Store(seq + 1)
		return ctx.Err()
	})
	if err == nil {
		x.filled.Store(x.startEnd)
	}
	return err
}

// CarriesDecision reports whether a record holds a decision, a recorded fact or a
// failed request.
func CarriesDecision(rec *journal.Record) bool {
	return len(rec.Decision) > 0 && (rec.Kind == ledger.Decision || rec.Kind == ledger.Event ||
		rec.Kind == ledger.Failed)
}

// Matches reports whether a record passes q, whatever its outcome.
func (q *Query) Matches(rec *journal.Record) bool {
	if !CarriesDecision(rec) || q.OwnOnly && rec.Caller != q.Caller || rec.Micros < q.From || rec.Micros >= q.To {
		return false
	}
	if q.Entity == nil || rec.Subject == Subject(q.Entity.Role, q.Entity.ID) {
		return true
	}
	ev, err := EventOf(rec)
	return err == nil && ev != nil && q.Entity.ID != "" && ev.Entity(q.Entity.Role) == q.Entity.ID
}
