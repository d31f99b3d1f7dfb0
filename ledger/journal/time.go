// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"math"
	"sync"
	"time"

	"github.com/assayrisk/assay/ledger"
)

// recordTime gives numbers and times together, so that times never go back from one number to the next.
type recordTime struct {
	sync.Mutex
	last int64 // microseconds: of the record with the highest number; math.MinInt64 before the first
}

// Take is TakeAt for a record whose time is its caller's own, as in a test.
func (j *Journal) Take() uint64 {
	seq, _ := j.TakeAt()
	return seq
}

// TakeAt returns the next sequence number and the time of its record, in microseconds since the Unix epoch: the later
// of the clock and the time of the record before. The caller must Append it, with kind Failed if its work failed:
// until it does, nothing after it becomes durable. Ask Ready first.
func (j *Journal) TakeAt() (seq uint64, micros int64) {
	j.times.Lock()
	defer j.times.Unlock()
	j.times.last = max(j.times.last, j.cfg.Now().UnixMicro())
	return j.taken.Add(1) - 1, j.times.last
}

// Now is the time that the next record would have, or an earlier one: the later of the clock and the time of the
// newest record.
func (j *Journal) Now() time.Time {
	now := j.cfg.Now()
	j.times.Lock()
	defer j.times.Unlock()
	if now.UnixMicro() < j.times.last {
		return time.UnixMicro(j.times.last)
	}
	return now
}

// openTime reads the time of the last record; next is the number after it.
func (j *Journal) openTime(next uint64) error {
	j.times.last = math.MinInt64
	if next == 0 {
		return nil
	}
	s, err := j.records.Record(next - 1)
	if err != nil {
		return err
	}
	leaf, err := ledger.ParseLeaf(s.Leaf)
	if err != nil {
		return err
	}
	j.times.last = leaf.Micros
	return nil
}
