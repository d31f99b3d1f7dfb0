// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/journal/recordclock"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

const day = 24 * time.Hour

// timedEngine is an engine on a directory, with a clock that a test sets.
type timedEngine struct {
	*Engine
	t     *testing.T
	clock *atomic.Int64 // days after scoringtest.Start
	stop  func()
}

// startTimed starts an engine on a directory that keeps personal parts for so long.
func startTimed(t *testing.T, dir string, keep time.Duration, days int64) *timedEngine {
	t.Helper()
	r := &timedEngine{t: t, clock: new(atomic.Int64)}
	r.clock.Store(days)
	now := func() time.Time { return scoringtest.Start.Add(time.Duration(r.clock.Load()) * day) }
	j, err := journal.Open(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler),
		Interval: 50 * time.Millisecond, Clock: recordclock.Of(now)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	first, err := NewModel(scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0), nil, now())
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = New(Config{Journal: j, Logger: slog.New(slog.DiscardHandler), Now: time.Now, MaxInFlight: 8192,
		KeepPersonal: keep})
	if _, err := r.Restore(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	return r
}

// decide makes some decisions on a day, and returns the number of the first.
func (r *timedEngine) decide(days int64, n int) (first uint64) {
	r.t.Helper()
	r.clock.Store(days)
	rs := r.requests(r.t, fmt.Sprintf("day-%d-", days), n)
	r.DecideAll(r.t.Context(), rs)
	for _, q := range rs {
		if q.Err != nil {
			r.t.Fatal(q.Err)
		}
		q.Model.Release()
	}
	return rs[0].Sequence
}

// pass asks once a day, up to a day, whether anything is due, and returns the ticks.
func (r *timedEngine) pass(to int64) (ticks []*journal.Record) {
	r.t.Helper()
	for r.clock.Load() < to {
		r.clock.Add(1)
		seq, ok, err := r.tick(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if !ok {
			continue
		}
		rec, err := r.journal.Get(seq)
		if err != nil {
			r.t.Fatal(err)
		}
		ticks = append(ticks, rec)
	}
	return ticks
}

// wantTick checks that a tick retires the records below a number, those of a day at
// the latest.
func (r *timedEngine) wantTick(tick *journal.Record, below uint64, until int64) {
	r.t.Helper()
	n, err := ReadTick(tick)
	at := scoringtest.Start.Add(time.Duration(until) * day)
	want := Change{Due: DueRetirement, Below: below, Until: at.UnixMicro()}
	if err != nil || tick.Kind != ledger.Tick || len(n.Changes) != 1 || n.Changes[0] != want {
		r.t.Errorf("a record of kind %s with %+v, %v, want a tick with %+v", tick.Kind, n, err, want)
	}
	if r.retiredBelow() != below {
		r.t.Errorf("records below %d are retired, want %d", r.retiredBelow(), below)
	}
}

// wantRetired checks which subjects' records have a personal part: those from a
// number on. What windows read stays.
func (r *timedEngine) wantRetired(below uint64) {
	r.t.Helper()
	seen := 0
	err := r.journal.Scan(0, r.journal.Stats().Durable, func(seq uint64, rec *journal.Record, err error) error {
		if rec.Kind != ledger.Decision {
			return err // the system's records stay whole
		}
		seen++
		if retired := errors.Is(err, journal.ErrRetired); retired != (seq < below) || len(rec.Business) == 0 {
			r.t.Errorf("record %d: %v with %d bytes of business part, want it retired: %v", seq, err,
				len(rec.Business), seq < below)
		}
		return nil
	})
	if err != nil || seen == 0 {
		r.t.Errorf("%d decisions, %v", seen, err)
	}
}

// TestRetirementByAge: personal parts go when they are due by record time, by at
// most one record a day; when nothing is due, nothing is recorded. A start makes the
// same changes from the records, whatever its clock says, and finishes what the
// process before it did not.
func TestRetirementByAge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const keep = 30
	r := startTimed(t, dir, keep*day, 0)
	r.decide(0, 10)
	second := r.decide(20, 10)
	third := r.decide(21, 10)
	if ticks := r.pass(keep); len(ticks) > 0 {
		t.Errorf("%d ticks before anything was due", len(ticks))
	}
	r.wantRetired(0)
	ticks := r.pass(49)
	if len(ticks) != 1 {
		t.Fatalf("%d ticks, want 1", len(ticks))
	}
	r.wantTick(ticks[0], second, 31-keep)
	r.wantRetired(0) // the process ends before it has finished
	r.stop()

	r = startTimed(t, dir, keep*day, 3) // its clock is wrong, and record times stay
	if got := r.retiredBelow(); got != second {
		t.Errorf("after a start, records below %d are retired, want %d", got, second)
	}
	r.finishTicks(t.Context())
	r.wantRetired(second)
	r.clock.Store(49)
	ticks = r.pass(52)
	if len(ticks) != 1 {
		t.Fatalf("%d ticks, want 1", len(ticks))
	}
	r.wantTick(ticks[0], third+10, 51-keep) // of both days
	r.finishTicks(t.Context())
	r.wantRetired(third + 10)
	before := r.journal.Stats().Taken
	if ticks := r.pass(900); len(ticks) > 0 || r.journal.Stats().Taken != before {
		t.Errorf("%d ticks in years without anything to retire", len(ticks))
	}
	r.stop()
	if _, err := journal.Fsck(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

// TestKeptForEver: without a bound nothing is due, ever.
func TestKeptForEver(t *testing.T) {
	t.Parallel()
	r := startTimed(t, t.TempDir(), 0, 0)
	r.decide(0, 5)
	before := r.journal.Stats().Taken
	if ticks := r.pass(4000); len(ticks) > 0 || r.journal.Stats().Taken != before {
		t.Errorf("%d ticks", len(ticks))
	}
	r.wantRetired(0)
}

// TestRetireBelow: what a person retires is a record that names the person, and a
// start reads it. Once more, it records nothing.
func TestRetireBelow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startTimed(t, dir, 0, 0)
	r.decide(0, 5)
	second := r.decide(1, 5)
	taken := r.journal.Stats().Taken
	for _, want := range []int{5, 0} {
		if n, err := RetireBelow(t.Context(), r.journal, second, "ada"); err != nil || n != want {
			t.Errorf("%d dropped, %v, want %d", n, err, want)
		}
	}
	if now := r.journal.Stats().Taken; now != taken+1 {
		t.Errorf("%d records more, want 1", now-taken)
	}
	rec, err := r.journal.Get(taken)
	if err != nil {
		t.Fatal(err)
	}
	n, err := ReadTick(rec)
	if err != nil || n.Changes[0] != (Change{DueRetirement, scoringtest.Start.UnixMicro(), second, "ada"}) {
		t.Errorf("the record says %+v, %v", n, err)
	}
	r.stop()
	r = startTimed(t, dir, 0, 2)
	if got := r.retiredBelow(); got != second {
		t.Errorf("after a start, records below %d are retired, want %d", got, second)
	}
	r.wantRetired(second)
}

// TestReadTick: a tick that says nothing, or what this program does not know, is
// refused.
func TestReadTick(t *testing.T) {
	t.Parallel()
	change := Change{Due: DueRetirement, Until: 1, Below: 1}
	for name, c := range map[string]struct {
		note TickNote
		want error
	}{
		"good":            {TickNote{1, []Change{change}}, nil},
		"another version": {TickNote{2, []Change{change}}, assay.ErrCorrupt},
		"no change":       {TickNote{1, nil}, assay.ErrCorrupt},
		"an unknown part": {TickNote{1, []Change{change, {Due: "lapses", Until: 1}}}, assay.ErrPrecondition},
	} {
		raw, err := assay.MarshalCBOR(&c.note)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTick(&journal.Record{Kind: ledger.Tick, Decision: raw}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := ReadTick(&journal.Record{Kind: ledger.Tick}); err == nil {
		t.Error("a tick without a note was read")
	}
}
