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

// catchUp is how many records may be left to replay when the critical section
// is entered to finish the windows of a new plan.
const catchUp = 512

// Swap replaces the models and records the act, in one critical section: every
// decision sequenced before the act's record was asked of the old models, and
// none is dropped. The windows of a plan that the new ones need are made from
// the journal first.
//
// Requests that picked their model before the swap finish with it, also when
// their numbers come after the act's.
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
		if err := e.finishWindows(ctx, f); err != nil {
			e.mu.Unlock()
			return 0, err
		}
		e.mu.windows = append(e.mu.windows, f.windows)
	}
	for _, m := range next.All() {
		if m.windows == nil {
			m.windows = e.windowsFor(m.PlanDigest)
		}
	}
	e.models.Store(next)
	e.retire(next)
	seq = e.journal.Take()
	e.mu.Unlock()

	m := next.Active
	_, err = e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: kind, Micros: e.now().UnixMicro(), Caller: key.Caller, RequestID: key.RequestID, Body: body,
		Model: m.Bundle.Digest, Plan: m.PlanDigest, Policy: m.Policy.Digest(), Decision: raw,
	})
	return seq, err
}

// RecordAct records an act that changes no model.
func (e *Engine) RecordAct(ctx context.Context, kind ledger.Kind, key Key, body assay.Digest,
	act *Act) (seq uint64, err error) {
	return e.Swap(ctx, e.models.Load(), kind, key, body, act)
}

// newWindows is the state of a plan that is not loaded yet, replayed up to next.
type newWindows struct {
	*windows
	next uint64
}

// replayNewWindows replays the journal for each plan that l needs and that has no
// windows yet, up to little before the present.
func (e *Engine) replayNewWindows(ctx context.Context, l *Models) ([]*newWindows, error) {
	var out []*newWindows
next:
	for _, m := range l.All() {
		e.mu.Lock()
		have := e.windowsFor(m.PlanDigest) != nil
		e.mu.Unlock()
		for _, f := range out {
			have = have || f.plan.Digest() == m.PlanDigest
		}
		if have {
			continue next
		}
		f := &newWindows{windows: &windows{plan: m.Plan, state: m.Plan.NewState()}}
		for {
			to := e.journal.Stats().Durable
			if to-f.next <= catchUp {
				break
			}
			if _, err := replay(ctx, e.journal, m.Plan, f.next, to, f.state, e.late); err != nil {
				return nil, err
			}
			f.next = to
		}
		out = append(out, f)
	}
	return out, nil
}

// finishWindows replays the last records; mu is held, so that no number is
// taken meanwhile and the records that have one become durable.
func (e *Engine) finishWindows(ctx context.Context, f *newWindows) error {
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
	_, err := replay(ctx, e.journal, f.plan, f.next, taken, f.state, e.late)
	return err
}

// retire drops the windows that neither the models nor a request under way
// need; mu is held. What is still in use goes at the next swap.
func (e *Engine) retire(l *Models) {
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
