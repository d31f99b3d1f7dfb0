// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"runtime"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// Bounds of a replay: how many records are read at a time, and by how many
// goroutines at most. At most two chunks for each goroutine are read ahead.
const (
	chunkRecords = 1024
	maxReaders   = 8
)

// replayedRecord is the part of a record from which state is made again.
type replayedRecord struct {
	kind    ledger.Kind
	micros  int64
	decider decider
	act     *Act         // nil: no act, or it cannot be read
	event   *assay.Event // nil: it feeds no windows, or cannot be read
}

// recordChunk is a range of records and, once a goroutine has read them, what
// they hold.
type recordChunk struct {
	from, to uint64
	records  []replayedRecord
	err      error
	filled   chan struct{} // closed when records and err are set
}

// readRecords calls fn with the records in [from, to), in order and in the
// caller's goroutine. Opening a record costs ten times as much as fn does with it,
// so several goroutines read ahead.
func readRecords(ctx context.Context, j *journal.Journal, from, to uint64,
	fn func(seq uint64, p *replayedRecord) error) error {
	to = min(to, j.Stats().Durable)
	ctx, cancel := context.WithCancel(ctx)
	readers := min(runtime.GOMAXPROCS(0), maxReaders)
	work, order := make(chan *recordChunk, readers), make(chan *recordChunk, readers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(order)
		defer close(work)
		for at := from; at < to; at += chunkRecords {
			p := &recordChunk{from: at, to: min(at+chunkRecords, to), filled: make(chan struct{})}
			for _, c := range [...]chan *recordChunk{work, order} {
				select {
				case c <- p:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	ended := make(chan struct{}, readers)
	for range readers {
		go func() {
			defer func() { ended <- struct{}{} }()
			for p := range work {
				p.err = p.fill(ctx, j)
				close(p.filled)
			}
		}()
	}
	defer func() { // no goroutine outlives the call
		cancel()
		<-done
		for range readers {
			<-ended
		}
	}()
	for p := range order {
		<-p.filled
		if p.err != nil {
			return p.err
		}
		for i := range p.records {
			if err := fn(p.from+uint64(i), &p.records[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// fill reads the chunk's records.
func (p *recordChunk) fill(ctx context.Context, j *journal.Journal) error {
	p.records = make([]replayedRecord, 0, p.to-p.from)
	return j.Scan(p.from, p.to, func(seq uint64, r *journal.Record, unreadable error) error {
		x := replayedRecord{kind: r.Kind, micros: r.Micros, decider: decider{r.Model, r.Plan, r.Policy}}
		switch {
		case unreadable != nil:
		case IsAct(r.Kind):
			x.act = new(Act)
			if err := assay.UnmarshalCBOR(r.Decision, x.act); err != nil {
				return fmt.Errorf("record %d: %w", seq, err)
			}
		case FeedsWindows(r.Kind) && len(r.Private) > 0:
			ev, err := assay.ParseEvent(r.Private)
			if err != nil {
				return fmt.Errorf("record %d: %w", seq, err)
			}
			x.event = &ev
		}
		p.records = append(p.records, x)
		return ctx.Err()
	})
}

// IsAct reports whether records of a kind hold an Act.
func IsAct(k ledger.Kind) bool { return k == ledger.Activation || k == ledger.Policy }

// FeedsWindows reports whether records of a kind hold an event.
func FeedsWindows(k ledger.Kind) bool {
	return k == ledger.Decision || k == ledger.Event || k == ledger.Failed
}

// replay makes the windows of a plan from the journal: it observes every event in
// [from, to) that got a number, in sequence order, as the engine did then. It
// skips events whose subject was erased, since they cannot be read any more, and
// events that the plan does not accept.
func replay(ctx context.Context, j *journal.Journal, plan *features.Plan, from, to uint64, st *features.State,
	late *lateEvents) (events int, err error) {
	if !plan.HasWindows() {
		return 0, nil
	}
	err = readRecords(ctx, j, from, to, func(seq uint64, p *replayedRecord) error {
		if p.event == nil || plan.Validate(p.event) != nil {
			return nil
		}
		events++
		err := plan.Observe(p.event, st)
		late.rememberReplayed(seq, p, plan.Digest(), st)
		return err
	})
	if err != nil {
		return events, fmt.Errorf("serving: windows from the journal: %w", err)
	}
	return events, nil
}

// decider is the model, plan and policy that a record names. The zero value is
// none.
type decider struct{ model, plan, policy assay.Digest }

// rememberReplayed remembers that the event of a record was late, if the record
// names this plan.
func (l *lateEvents) rememberReplayed(seq uint64, p *replayedRecord, plan assay.Digest, st *features.State) {
	if p.decider.plan == plan {
		l.remember(seq, lastLateness(st))
	}
}
