// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"sync"

	"github.com/assayrisk/assay"
)

// maxPreparing bounds the acts that are prepared at once: each may read a bundle
// and compile a forest. Of one caller there are maxPreparingOfOne, so that nobody
// holds up the acts of all others, however many bundles of a slow disk are asked for.
const maxPreparing, maxPreparingOfOne = 3, 2

// maxAttempts bounds how often an act is prepared again because the active
// model has changed meanwhile.
const maxAttempts = 4

// prepare makes ready what an act needs (a policy that is parsed, a bundle that
// is read) without holding the others' acts up, and returns with the lock of the
// acts held, the active model being the one that stood when ready began: the
// caller must call unlock. When the request id did the act before, that is all
// there is to tell, and no lock is held.
func (a *admin) prepare(ctx context.Context, id string, body assay.Digest, ready func() error) (seq uint64, before bool,
	unlock func(), err error) {
	for range maxAttempts {
		if seq, before, err = a.once(ctx, id, body); err != nil || before {
			return seq, before, nil, err
		}
		active := a.engine.Models().Active
		if err := a.inTurn(ctx, ready); err != nil {
			return 0, false, nil, err
		}
		a.mu.Lock()
		if a.engine.Models().Active == active {
			// The same request may have come twice.
			if seq, before, err = a.once(ctx, id, body); err != nil || before {
				a.mu.Unlock()
				return seq, before, nil, err
			}
			return 0, false, a.mu.Unlock, nil
		}
		a.mu.Unlock()
	}
	return 0, false, nil, fmt.Errorf("the active model was changed again and again meanwhile: try again: %w",
		assay.ErrUnavailable)
}

// inTurn runs ready when few others are being prepared, and few of the caller's.
func (a *admin) inTurn(ctx context.Context, ready func() error) error {
	own, leave := a.turns.of(callerOf(ctx).Name)
	defer leave()
	for _, places := range []chan struct{}{own, a.preparing} {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ready()
}

// turns has the places of each caller of whom an act is being prepared, or waits.
type turns struct {
	mu struct {
		sync.Mutex
		callers map[string]*turn
	}
}

type turn struct {
	places chan struct{}
	acts   int // owned by turns.mu
}

// of returns a caller's places; leave must be called when they are needed no more.
func (t *turns) of(caller string) (places chan struct{}, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.mu.callers[caller]
	if own == nil {
		own = &turn{places: make(chan struct{}, maxPreparingOfOne)}
		if t.mu.callers == nil {
			t.mu.callers = map[string]*turn{}
		}
		t.mu.callers[caller] = own
	}
	own.acts++
	return own.places, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.acts--; own.acts == 0 {
			delete(t.mu.callers, caller)
		}
	}
}
