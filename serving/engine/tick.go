// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// TickNote says what became due by record time, as a record of kind tick holds it:
// canonical CBOR. The keys are frozen.
//
// The server that writes proposes a tick, at some moment after something became
// due. Whoever replays the journal makes the changes at the tick's number, and asks
// no clock. While nothing is due there are no ticks.
type TickNote struct {
	Version uint8    `cbor:"0,keyasint"` // 1
	Changes []Change `cbor:"1,keyasint"` // at least one
}

// Change is what became due in one part of the state.
type Change struct {
	Due   string `cbor:"0,keyasint"` // what it was, see DueRetirement
	Until int64  `cbor:"1,keyasint"` // a record time, in microseconds: what was due by then happens
	// Below is a sequence number: records with lower numbers are changed.
	Below uint64 `cbor:"2,keyasint,omitempty"`
	// By is the person who had it done; "": it became due.
	By string `cbor:"3,keyasint,omitempty"`
}

// DueRetirement: the personal parts of subjects' records below Change.Below, whose
// times are Until at the latest, are dropped.
const DueRetirement = "retirement"

// ReadTick reads the note of a tick, and refuses one that a newer program wrote.
func ReadTick(r *journal.Record) (*TickNote, error) {
	n := new(TickNote)
	if err := assay.UnmarshalCBOR(r.Decision, n); err != nil {
		return nil, fmt.Errorf("tick: %w", err)
	}
	if n.Version != 1 || len(n.Changes) == 0 {
		return nil, fmt.Errorf("tick: version %d with %d changes: %w", n.Version, len(n.Changes), assay.ErrCorrupt)
	}
	for _, c := range n.Changes {
		if c.Due != DueRetirement {
			return nil, fmt.Errorf("tick: it changes %q, which this program does not know: run the newer one that "+
				"wrote it: %w", c.Due, assay.ErrPrecondition)
		}
	}
	return n, nil
}

// timedPart is a part of the engine in which something becomes due by record time.
type timedPart interface {
	// due returns what has become due at a record time, if anything has. It depends
	// on records and settings alone, and is called outside of the critical section.
	due(ctx context.Context, now time.Time) (c Change, ok bool, err error)
	// finish does what need not be done at the tick's number, such as to free
	// space. It is called after a tick is durable, and at each start, since the one
	// before may have been interrupted.
	finish(ctx context.Context) error
}

// applyTick changes the state as a tick says.
func (s *State) applyTick(n *TickNote) {
	for _, c := range n.Changes {
		if c.Due == DueRetirement {
			s.retired = max(s.retired, c.Below)
		}
	}
}

// RetiredBelow is the number below which subjects' records have no personal part
// any more.
func (s *State) RetiredBelow() uint64 { return s.retired }

// tickEvery is how often the engine asks whether something is due.
const tickEvery = time.Minute

// runTicks proposes ticks until ctx ends.
func (e *Engine) runTicks(ctx context.Context) {
	e.finishTicks(ctx)
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		if seq, ok, err := e.tick(ctx); err != nil && ctx.Err() == nil {
			e.log.Warn("what is due was not done; it is tried again", "in", tickEvery, "error", err)
		} else if ok {
			e.log.Info("what became due is recorded in the log", "sequence", seq)
			e.finishTicks(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// finishTicks finishes what ticks have changed.
func (e *Engine) finishTicks(ctx context.Context) {
	for _, p := range e.timed {
		if err := p.finish(ctx); err != nil && ctx.Err() == nil {
			e.log.Warn("what the log says was due is not finished; the next start goes on", "error", err)
		}
	}
}

// tick records what is due, if anything is, and changes the state at the record's
// number.
func (e *Engine) tick(ctx context.Context) (seq uint64, ok bool, err error) {
	note, now := TickNote{Version: 1}, e.journal.Now()
	for _, p := range e.timed {
		c, due, err := p.due(ctx, now)
		if err != nil {
			return 0, false, err
		}
		if due {
			note.Changes = append(note.Changes, c)
		}
	}
	if len(note.Changes) == 0 {
		return 0, false, nil
	}
	if err := e.journal.Ready(); err != nil {
		return 0, false, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	raw, err := assay.MarshalCBOR(&note)
	if err != nil {
		return 0, false, err
	}
	e.mu.Lock()
	e.snapshotLocked()
	seq, micros := e.journal.TakeAt()
	_, err = e.mu.state.Apply(&Transition{Sequence: seq, Kind: ledger.Tick, Micros: micros, tick: &note})
	e.mu.Unlock()
	_, aerr := e.journal.Append(context.WithoutCancel(ctx), seq,
		&journal.Record{Kind: ledger.Tick, Micros: micros, Decision: raw})
	if aerr != nil {
		return seq, false, aerr
	}
	return seq, true, err
}
