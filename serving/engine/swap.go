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
	e.mu.Lock()
	for _, f := range fresh {
		if err := e.finishWindowsLocked(ctx, f); err != nil {
			e.mu.Unlock()
			return 0, err
		}
		e.mu.windows = append(e.mu.windows, f.planWindows)
	}
	for _, m := range next.All() {
		if m.windows == nil {
			m.windows = e.windowsForLocked(m.PlanDigest)
		}
	}
	e.models.Store(next)
	e.retireWindowsLocked(next)
	seq, micros := e.journal.TakeAt()
	e.mu.Unlock()

	m := next.Active
	_, err = e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: kind, Micros: micros, Caller: key.Caller, RequestID: key.RequestID, Body: body,
		Model: m.Bundle.Digest, Plan: m.PlanDigest, Policy: m.Policy.Digest(), Decision: raw,
	})
	return seq, err
}

// RecordAct records an act that changes no model.
func (e *Engine) RecordAct(ctx context.Context, kind ledger.Kind, key Key, body assay.Digest,
	act *Act) (seq uint64, err error) {
	return e.Swap(ctx, e.models.Load(), kind, key, body, act)
}

// catchUpWindows are the windows of a plan that is not loaded yet.
type catchUpWindows struct {
	*planWindows
	replayed uint64 // the records below this number are in
}

// replayNewWindows makes windows for the plans of l that have none yet, from all
// but the newest records of the journal.
func (e *Engine) replayNewWindows(ctx context.Context, l *Models) ([]*catchUpWindows, error) {
	var out []*catchUpWindows
next:
	for _, m := range l.All() {
		e.mu.Lock()
		have := e.windowsForLocked(m.PlanDigest) != nil
		e.mu.Unlock()
		for _, f := range out {
			have = have || f.plan.Digest() == m.PlanDigest
		}
		if have {
			continue next
		}
		f := &catchUpWindows{planWindows: &planWindows{plan: m.Plan, state: m.Plan.NewState()}}
		for {
			to := e.journal.Stats().Durable
			if to-f.replayed <= catchUpRecords {
				break
			}
			if _, err := replay(ctx, e.journal, m.Plan, f.replayed, to, f.state, e.late); err != nil {
				return nil, err
			}
			f.replayed = to
		}
		out = append(out, f)
	}
	return out, nil
}

// finishWindowsLocked replays the newest records. mu is held, so no number is
// taken meanwhile, and every record that has a number becomes durable.
func (e *Engine) finishWindowsLocked(ctx context.Context, f *catchUpWindows) error {
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
	_, err := replay(ctx, e.journal, f.plan, f.replayed, taken, f.state, e.late)
	return err
}

// retireWindowsLocked drops the windows that neither the models nor a request
// under way need; mu is held. Windows that are still in use are dropped at a later
// swap.
func (e *Engine) retireWindowsLocked(l *Models) {
	kept := e.mu.windows[:0]
	for _, w := range e.mu.windows {
		needed := w.users.Load() > 0
		for _, m := range l.All() {
			needed = needed || m.PlanDigest == w.plan.Digest()
		}
		if needed {
			kept = append(kept, w)
		}
	}
	clear(e.mu.windows[len(kept):])
	e.mu.windows = kept
}
