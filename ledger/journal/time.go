// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordclock"
)

// recordTime gives numbers and times together, so that times never go back from one number to the next.
type recordTime struct {
	sync.Mutex
	last int64 // microseconds: of the record with the highest number; math.MinInt64 before the first
	held bool  // the clock is not to be believed yet: times stay
}

// Take is TakeAt for a record whose time is its caller's own, as in a test.
func (j *Journal) Take() uint64 {
	seq, _ := j.TakeAt()
	return seq
}

// Taken is the next sequence number: those below have been taken.
func (j *Journal) Taken() uint64 { return j.taken.Load() }

// TakeAt returns the next sequence number and the time of its record, in microseconds since the Unix epoch: the later
// of the clock and the time of the record before. The caller must Append it, with kind Failed if its work failed:
// until it does, nothing after it becomes durable. Ask Ready first.
func (j *Journal) TakeAt() (seq uint64, micros int64) {
	j.times.Lock()
	defer j.times.Unlock()
	if !j.times.held {
		j.times.last = max(j.times.last, j.cfg.Clock.Now().UnixMicro())
	}
	return j.taken.Add(1) - 1, j.times.last
}

// Now is the time that the next record would have, or an earlier one: the later of the clock and the time of the
// newest record.
func (j *Journal) Now() time.Time {
	now := j.cfg.Clock.Now()
	j.times.Lock()
	defer j.times.Unlock()
	if now.UnixMicro() < j.times.last || j.times.held {
		return time.UnixMicro(j.times.last)
	}
	return now
}

// Clock is the clock that gives records their times.
func (j *Journal) Clock() *recordclock.Clock { return j.cfg.Clock }

// SinceNewest is how far the clock lies after the newest record, negative if it lies before it; 0 if there is no
// record.
func (j *Journal) SinceNewest() time.Duration {
	j.times.Lock()
	defer j.times.Unlock()
	if j.times.last == math.MinInt64 {
		return 0
	}
	return j.cfg.Clock.Now().Sub(time.UnixMicro(j.times.last))
}

// CheckClock compares the clock with the machine's, see recordclock.Clock.Check. Run does so every second.
func (j *Journal) CheckClock() {
	j.times.Lock()
	newest := time.UnixMicro(j.times.last)
	j.times.Unlock()
	j.cfg.Clock.Check(newest)
}

// ReleaseClock ends what Config.HoldClock began.
func (j *Journal) ReleaseClock() {
	j.times.Lock()
	defer j.times.Unlock()
	j.times.held = false
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
	j.times.last, j.times.held = leaf.Micros, j.cfg.HoldClock
	if since := j.SinceNewest(); since < -time.Second && !j.cfg.ReadOnly {
		j.cfg.Logger.Warn("journal: the clock lies before the last record: new records get that record's time until "+
			"the clock has caught up",
			"by", -since.Round(time.Second), "last_record", time.UnixMicro(leaf.Micros).UTC())
	}
	return nil
}

// runClock compares the clock with the machine's every second, until ctx ends.
func (j *Journal) runClock(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		j.CheckClock()
		select {
		case <-ctx.Done():
			return
		case <-j.failed.done:
			return
		case <-t.C:
		}
	}
}
