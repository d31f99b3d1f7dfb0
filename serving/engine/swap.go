// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// catchUpRecords is how many records may be left to replay in the critical
// section, where the windows of a new plan are completed.
const catchUpRecords = 512

// Swap replaces the models and takes the number of the act's record in one
// critical section: every request with an earlier number was decided by the old
// models, and none is dropped. Before that it makes the windows of plans that are
// new from the journal.
//
// A request that acquired its model before the swap finishes with it, even if its
// number comes after the act's.
func (e *Engine) Swap(ctx context.Context, next *Models, kind ledger.Kind, key Key, body assay.Digest,
	act *Act) (seq uint64, err error) {
	fresh, err := e.replayNewWindows(ctx, next)
	if err != nil {
		return 0, err
	}
	raw, err := assay.MarshalCBOR(act)
	if err != nil {
		return 0, err
	}
	if err := e.journal.Ready(); err != nil {
		return 0, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	if before := e.models.Load().Active; before.Model != next.Active.Model {
		e.useDictionary(next.Active)
	}
	e.mu.Lock()
	if err := e.finishWindowsLocked(ctx, fresh); err != nil {
		e.mu.Unlock()
		return 0, err
	}
	for _, m := range next.All() {
		if m.windows == nil {
			m.windows = e.mu.state.windowsFor(m.Plan)
		}
	}
	e.models.Store(next)
	e.mu.state.drop(func(w *Windows) bool { return w.users.Load() == 0 && !next.reads(w) })
	m := next.Active
	seq, micros := e.takeActLocked(kind, m, act)
	e.mu.Unlock()

	_, err = e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: kind, Micros: micros, Caller: key.Caller, RequestID: key.RequestID, Body: body,
		Model: m.Bundle.Digest, Plan: m.PlanDigest, Policy: m.Policy.Digest(), Decision: raw,
	})
	return seq, err
}

// takeActLocked takes the number and the time of an act's record, and applies the
// act; m decides from there on, and mu is held.
func (e *Engine) takeActLocked(kind ledger.Kind, m *Model, act *Act) (seq uint64, micros int64) {
	e.snapshotLocked()
	seq, micros = e.journal.TakeAt()
	e.mu.state.acts.apply(&Transition{Sequence: seq, Kind: kind, Micros: micros, act: act,
		by: decider{m.Bundle.Digest, m.PlanDigest, m.Policy.Digest()}})
	return seq, micros
}

// RecordAct records an act that changes no model.
func (e *Engine) RecordAct(ctx context.Context, kind ledger.Kind, key Key, body assay.Digest,
	act *Act) (seq uint64, err error) {
	return e.Swap(ctx, e.models.Load(), kind, key, body, act)
}

// newWindows are the windows of plans that are not loaded yet.
type newWindows struct {
	state    *State
	replayed uint64 // the records below this number are in
}

// replayNewWindows makes windows for the plans of l that have none yet, from all
// but the newest records of the journal.
func (e *Engine) replayNewWindows(ctx context.Context, l *Models) (*newWindows, error) {
	var plans []*features.Plan
	e.mu.Lock()
	for _, m := range l.All() {
		if e.mu.state.WindowsOf(m.PlanDigest) == nil {
			plans = append(plans, m.Plan)
		}
	}
	e.mu.Unlock()
	f := &newWindows{state: NewState(plans...)}
	if !f.state.hasWindows() {
		return f, nil
	}
	for {
		to := e.journal.Stats().Durable
		if to-f.replayed <= catchUpRecords {
			return f, nil
		}
		if err := f.state.replay(ctx, e.journal, f.replayed, to, e.late); err != nil {
			return nil, err
		}
		f.replayed = to
	}
}

// finishWindowsLocked replays the newest records, and adds the windows to those
// that the engine has. mu is held, so no number is taken meanwhile, and every
// record that has a number becomes durable.
func (e *Engine) finishWindowsLocked(ctx context.Context, f *newWindows) error {
	if f.state.hasWindows() {
		taken := e.journal.Stats().Taken
		for e.journal.Stats().Durable < taken {
			if err := e.journal.Ready(); err != nil {
				return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Microsecond):
			}
		}
		if err := f.state.replay(ctx, e.journal, f.replayed, taken, e.late); err != nil {
			return err
		}
	}
	e.mu.state.windows = append(e.mu.state.windows, f.state.windows...)
	return nil
}
