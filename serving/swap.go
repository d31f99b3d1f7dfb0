// SPDX-License-Identifier: Apache-2.0

package serving

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

// swap replaces the routes and records the act, in one critical section: every
// decision sequenced before the act's record was asked of the old routes, and
// none is dropped. next gets the old routes and makes the new ones. The windows
// of a plan that the new routes need are made from the journal first.
//
// Requests that picked their model before the swap finish with it, also when
// their numbers come after the act's.
func (e *engine) swap(ctx context.Context, next *routes, kind ledger.Kind, key requestKey, body assay.Digest, act *Act) (seq uint64, err error) {
	fresh, err := e.freshWindows(ctx, next)
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
	for _, m := range next.all() {
		if m.windows == nil {
			m.windows = e.windowsFor(m.digest)
		}
	}
	e.routes.Store(next)
	e.retire(next)
	seq = e.journal.Take()
	e.mu.Unlock()

	m := next.active
	_, err = e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: kind, Micros: e.now().UnixMicro(), Caller: key.caller, RequestID: key.id, Body: body,
		Model: m.bundle.Digest, Plan: m.digest, Policy: m.policy.Digest(), Decision: raw,
	})
	return seq, err
}

// note records an act that changes no route.
func (e *engine) note(ctx context.Context, kind ledger.Kind, key requestKey, body assay.Digest, act *Act) (seq uint64, err error) {
	return e.swap(ctx, e.routes.Load(), kind, key, body, act)
}

// freshly is the state of a plan that is not loaded yet, replayed up to next.
type freshly struct {
	*windows
	next uint64
}

// freshWindows replays the journal for each plan that r needs and that has no
// windows yet, up to little before the present.
func (e *engine) freshWindows(ctx context.Context, r *routes) ([]*freshly, error) {
	var out []*freshly
next:
	for _, m := range r.all() {
		e.mu.Lock()
		have := e.windowsFor(m.digest) != nil
		e.mu.Unlock()
		for _, f := range out {
			have = have || f.plan.Digest() == m.digest
		}
		if have {
			continue next
		}
		f := &freshly{windows: &windows{plan: m.plan, state: m.plan.NewState()}}
		for {
			to := e.journal.Stats().Durable
			if to-f.next <= catchUp {
				break
			}
			if _, err := replay(ctx, e.journal, m.plan, f.next, to, f.state, e.lates); err != nil {
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
func (e *engine) finishWindows(ctx context.Context, f *freshly) error {
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
	_, err := replay(ctx, e.journal, f.plan, f.next, taken, f.state, e.lates)
	return err
}

// retire drops the windows that neither the routes nor a request under way
// need; mu is held. What is still in use goes at the next swap.
func (e *engine) retire(r *routes) {
	kept := e.mu.windows[:0]
	for _, w := range e.mu.windows {
		needed := w.users.Load() > 0
		for _, m := range r.all() {
			needed = needed || m.digest == w.plan.Digest()
		}
		if needed {
			kept = append(kept, w)
		}
	}
	clear(e.mu.windows[len(kept):])
	e.mu.windows = kept
}
