// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
)

// maxPreparing bounds the acts that are prepared at once: each may read a bundle
// and compile a forest.
const maxPreparing = 2

// maxAttempts bounds how often an act is prepared again because the active
// model has changed meanwhile.
const maxAttempts = 4

// prepare makes ready what an act needs (a policy that is parsed, a bundle that
// is read) without holding the others' acts up, and returns with the lock of the
// acts held, the active model being the one that stood when ready began: the
// caller must call unlock. When the request id did the act before, that is all
// there is to tell, and no lock is held.
func (a *admin) prepare(ctx context.Context, id string, body assay.Digest, ready func() error) (seq uint64, before bool, unlock func(), err error) {
	for range maxAttempts {
		if seq, before, err = a.once(ctx, id, body); err != nil || before {
			return seq, before, nil, err
		}
		active := a.engine.routes.Load().active
		if err := a.inTurn(ctx, ready); err != nil {
			return 0, false, nil, err
		}
		a.mu.Lock()
		if a.engine.routes.Load().active == active {
			// The same request may have come twice.
			if seq, before, err = a.once(ctx, id, body); err != nil || before {
				a.mu.Unlock()
				return seq, before, nil, err
			}
			return 0, false, a.mu.Unlock, nil
		}
		a.mu.Unlock()
	}
	return 0, false, nil, fmt.Errorf("the active model was changed again and again meanwhile: try again: %w", assay.ErrUnavailable)
}

// inTurn runs ready when few others are being prepared.
func (a *admin) inTurn(ctx context.Context, ready func() error) error {
	select {
	case a.preparing <- struct{}{}:
		defer func() { <-a.preparing }()
		return ready()
	case <-ctx.Done():
		return ctx.Err()
	}
}
