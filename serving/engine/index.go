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

// IndexBlock is how many records share one entry of the index.
const IndexBlock = 256

// Index tells ListDecisions which blocks of records cannot hold what is asked
// for: for each block the span of times, the outcomes, and small Bloom filters
// of the callers and of the entities. That is 4.2 bytes a record, and hashes
// under a seed of this process alone. Blocks of records from before the start
// are filled in the background; until then they are looked through.
type Index struct {
	seed   maphash.Seed
	end    uint64        // records from before the start lie below it
	filled atomic.Uint64 // of those, the ones below are in
	mu     struct {
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

func newIndex(durable uint64) *Index { return &Index{seed: maphash.MakeSeed(), end: durable} }

// hash of an entity, or with no role of a caller.
func (x *Index) hash(role, id string) uint64 {
	return bits.RotateLeft64(maphash.String(x.seed, role), 21) ^ maphash.String(x.seed, id)
}

// places are the four bits of an entity in a filter of 8,192 bits.
func places(h uint64) (p [4]uint16) {
	for i := range p {
		p[i] = uint16(h>>(16*i)) & 8191
	}
	return p
}

// add notes decisions and recorded events of this process.
func (x *Index) add(rs []*Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range rs {
		x.addLocked(r.Sequence, r.Decision.Micros, r.Decision.Outcome, r.Key.Caller, r.Event.Entities)
	}
}

// addLocked notes a decision or a recorded event, with mu held.
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
		for _, p := range places(x.hash(entities[i].Role, entities[i].ID)) {
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

// lockedBlocks is how many entries are looked at in one go: whoever notes new
// decisions waits meanwhile.
const lockedBlocks = 1024

// Filled is how many of the records from before the start are in.
func (x *Index) Filled() uint64 { return x.filled.Load() }

// Next returns the first number from seq on whose block may hold what q asks
// for, or false when none may.
func (x *Index) Next(seq uint64, q *Query) (uint64, bool) {
	var caller uint64
	var entity [4]uint16
	if q.OwnOnly {
		caller = 1 << (x.hash("", q.Caller) & 63)
	}
	if q.Entity != nil {
		entity = places(x.hash(q.Entity.Role, q.Entity.ID))
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for n, looked := seq/IndexBlock, 1; ; n, looked = n+1, looked+1 {
		if looked%lockedBlocks == 0 {
			x.mu.RUnlock()
			x.mu.RLock()
		}
		first := max(seq, n*IndexBlock)
		if last := min((n+1)*IndexBlock, x.end); last > x.filled.Load() && first < x.end {
			return first, true // not in the index yet
		}
		if n >= uint64(len(x.mu.blocks)) {
			return 0, false
		}
		if b := x.mu.blocks[n]; b != nil && b.may(q, caller, entity) {
			return first, true
		}
	}
}

func (b *indexEntry) may(q *Query, caller uint64, entity [4]uint16) bool {
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

// fill takes in the records from before the start.
func (x *Index) fill(ctx context.Context, j *journal.Journal) error {
	err := j.Scan(0, x.end, func(seq uint64, r *journal.Record, unreadable error) error {
		if unreadable == nil && CarriesDecision(r) {
			d, err := assay.ParseDecision(r.Decision)
			if err != nil {
				return err
			}
			ev, err := assay.ParseEvent(r.Private)
			if err != nil && len(r.Private) > 0 {
				return err
			}
			x.mu.Lock()
			x.addLocked(seq, r.Micros, d.Outcome, r.Caller, ev.Entities)
			x.mu.Unlock()
		}
		x.filled.Store(seq + 1)
		return ctx.Err()
	})
	if err == nil {
		x.filled.Store(x.end)
	}
	return err
}

// CarriesDecision reports whether a record is about an event.
func CarriesDecision(rec *journal.Record) bool {
	return len(rec.Decision) > 0 && (rec.Kind == ledger.Decision || rec.Kind == ledger.Event ||
		rec.Kind == ledger.Failed)
}

// Matches is the test that a record must pass, apart from its outcome.
func (q *Query) Matches(rec *journal.Record) bool {
	if !CarriesDecision(rec) || q.OwnOnly && rec.Caller != q.Caller || rec.Micros < q.From || rec.Micros >= q.To {
		return false
	}
	if q.Entity == nil || rec.Subject == Subject(q.Entity.Role, q.Entity.ID) {
		return true
	}
	ev, err := assay.ParseEvent(rec.Private)
	return err == nil && q.Entity.ID != "" && ev.Entity(q.Entity.Role) == q.Entity.ID
}
