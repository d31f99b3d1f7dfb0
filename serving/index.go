// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// indexBlock is how many records share one entry of the index.
const indexBlock = 256

// index tells ListDecisions which blocks of records cannot hold what is asked
// for: for each block the span of times, the outcomes, and small Bloom filters
// of the callers and of the entities. That is 4.2 bytes a record, and hashes
// under a seed of this process alone. Blocks of records from before the start
// are filled in the background; until then they are looked through.
type index struct {
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

func newIndex(durable uint64) *index { return &index{seed: maphash.MakeSeed(), end: durable} }

// hash of an entity, or with no role of a caller.
func (x *index) hash(role, id string) uint64 {
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
func (x *index) add(ws []*work) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range ws {
		x.addLocked(w.seq, w.decision.Micros, w.decision.Outcome, w.key.caller, w.req.Event.Entities)
	}
}

// addLocked notes a decision or a recorded event, with mu held.
func (x *index) addLocked(seq uint64, micros int64, o assay.Outcome, caller string, entities []assay.Entity) {
	n := seq / indexBlock
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

// query is what ListDecisions looks for.
type query struct {
	from, to int64 // to is not included
	outcome  assay.Outcome
	any      bool // any outcome
	caller   string
	mine     bool          // of this caller alone
	entity   *assay.Entity // nil: any
}

// lockedBlocks is how many entries are looked at in one go: whoever notes new
// decisions waits meanwhile.
const lockedBlocks = 1024

// next returns the first number from seq on whose block may hold what q asks
// for, or false when none may.
func (x *index) next(seq uint64, q *query) (uint64, bool) {
	var caller uint64
	var entity [4]uint16
	if q.mine {
		caller = 1 << (x.hash("", q.caller) & 63)
	}
	if q.entity != nil {
		entity = places(x.hash(q.entity.Role, q.entity.ID))
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for n, looked := seq/indexBlock, 1; ; n, looked = n+1, looked+1 {
		if looked%lockedBlocks == 0 {
			x.mu.RUnlock()
			x.mu.RLock()
		}
		first := max(seq, n*indexBlock)
		if last := min((n+1)*indexBlock, x.end); last > x.filled.Load() && first < x.end {
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

func (b *indexEntry) may(q *query, caller uint64, entity [4]uint16) bool {
	if b.to < q.from || b.from >= q.to || !q.any && b.outcomes&(1<<q.outcome) == 0 || b.callers&caller != caller {
		return false
	}
	if q.entity != nil {
		for _, p := range entity {
			if b.entities[p/64]&(1<<(p%64)) == 0 {
				return false
			}
		}
	}
	return true
}

// fill takes in the records from before the start.
func (x *index) fill(ctx context.Context, j *journal.Journal) error {
	err := j.Scan(0, x.end, func(seq uint64, r *journal.Record, unreadable error) error {
		if unreadable == nil && carriesDecision(r) {
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
