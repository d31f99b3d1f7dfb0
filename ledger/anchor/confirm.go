// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// ConfirmNewest asks the chain whether this log is the newest state of it: the
// contract's head must not be behind what was anchored from here, and the log
// must extend that head. records is how many records the log has, published or
// not. An error that matches assay.ErrCorrupt means that it is not the newest;
// after any other, nothing is known yet and ConfirmNewest may be called again.
func (a *Anchor) ConfirmNewest(ctx context.Context, records uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.checkChain(ctx); err != nil {
		return err
	}
	head, err := a.chain.Head(ctx, a.id)
	if err != nil {
		return err
	}
	cp, err := a.newest(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.mu.last != nil && head.Size < a.mu.last.Call.Size:
		return fmt.Errorf("anchor: the node's head is at %d leaves, and %d were anchored from here: it is behind, or "+
			"has lost blocks: %w",
			head.Size, a.mu.last.Call.Size, assay.ErrUnavailable)
	case head.Size > cp.Size && records >= head.Size:
		return fmt.Errorf("anchor: the contract's head is at %d leaves, and the log has published %d of them since "+
			"it was opened: %w: %w", head.Size, cp.Size, ErrUnpublished, assay.ErrUnavailable)
	case head.Size > cp.Size:
		return a.examineContradiction(ctx, cp, rolledBackText(head, cp))
	}
	err = a.checkExtends(ctx, head, cp, nil)
	if errors.Is(err, assay.ErrCorrupt) {
		return a.examineContradiction(ctx, cp, forkedText(head, cp))
	}
	return err
}

// HasAnchored reports whether anything was anchored or sent from this directory.
func (a *Anchor) HasAnchored() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.last != nil || len(a.mu.queue) > 0
}
