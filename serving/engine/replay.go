// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// Bounds of a replay: how many records are read as one piece, and by how many
// goroutines at most. What is read ahead is at most two pieces for each.
const (
	pieceRecords = 1024
	maxReaders   = 8
)

// replayedRecord is what the state is made of in one record.
type replayedRecord struct {
	kind   ledger.Kind
	micros int64
	by     decider
	act    *Act         // of an act that can be read
	event  *assay.Event // of a record that feeds windows and can be read
}

// piece is a range of records on its way from its reader.
type piece struct {
	from, to uint64
	records  []replayedRecord
	err      error
	read     chan struct{} // closed when records and err are there
}

// readRecords gives the records in [from, to) to fn, in order and in the caller's
// goroutine. Opening a record costs ten times what fn does with it, so several
// goroutines read ahead.
func readRecords(ctx context.Context, j *journal.Journal, from, to uint64,
	fn func(seq uint64, p *replayedRecord) error) error {
	to = min(to, j.Stats().Durable)
	ctx, cancel := context.WithCancel(ctx)
	readers := min(runtime.GOMAXPROCS(0), maxReaders)
	work, order := make(chan *piece, readers), make(chan *piece, readers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(order)
		defer close(work)
		for at := from; at < to; at += pieceRecords {
			p := &piece{from: at, to: min(at+pieceRecords, to), read: make(chan struct{})}
			for _, c := range [...]chan *piece{work, order} {
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
				close(p.read)
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
		<-p.read
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

// fill reads a piece.
func (p *piece) fill(ctx context.Context, j *journal.Journal) error {
	p.records = make([]replayedRecord, 0, p.to-p.from)
	return j.Scan(p.from, p.to, func(seq uint64, r *journal.Record, unreadable error) error {
		x := replayedRecord{kind: r.Kind, micros: r.Micros, by: decider{r.Model, r.Plan, r.Policy}}
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

// replay makes the windows of a plan from the journal: every event in [from,
// to) that was sequenced, scored or recorded, in sequence order, as Observe saw
// it then. An event whose subject was erased cannot be read any more and is
// passed over; one that this plan does not accept does not concern it.
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

// replayAll reads the whole journal once: what the acts add up to, and the
// windows of a plan.
func replayAll(ctx context.Context, j *journal.Journal, plan *features.Plan, late *lateEvents) (st standing, w *windows,
	events int, err error) {
	st.pending = map[assay.Digest]Proposal{}
	w = &windows{plan: plan, state: plan.NewState()}
	err = readRecords(ctx, j, 0, math.MaxUint64, func(seq uint64, p *replayedRecord) error {
		st.take(p)
		if p.event == nil || !plan.HasWindows() || plan.Validate(p.event) != nil {
			return nil
		}
		events++
		err := plan.Observe(p.event, w.state)
		late.rememberReplayed(seq, p, plan.Digest(), w.state)
		return err
	})
	if err != nil {
		return st, nil, events, fmt.Errorf("serving: acts and windows from the journal: %w", err)
	}
	return st, w, events, nil
}
