// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// examineContradiction has the node prove a head that contradicts the log: so
// far it only said it, in one call. It always returns an error: one that matches
// assay.ErrCorrupt if the proof holds, as far as a proof without seals can, and
// one that matches assay.ErrUnavailable if it does not.
func (a *Anchor) examineContradiction(ctx context.Context, cp Checkpoint, what string) error {
	unproven := func(why error) error {
		return fmt.Errorf("anchor: the node claims, but does not prove, that %s (%w): %w", what, why,
			assay.ErrUnavailable)
	}
	p, final, err := a.chain.Prove(ctx, a.id)
	if err != nil {
		return unproven(err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	r := VerifyProof(b, a.checkpointOf(final), Trust{ChainID: a.mu.chainID})
	if !r.Consistent() {
		return unproven(errors.New(r.Summary()))
	}
	if final.Size <= cp.Size {
		return a.checkExtends(ctx, final, cp, unproven(errors.New("its proof is of a head that this log has")))
	}
	return fmt.Errorf("anchor: %s, and the node has a proof of it: %w", what, assay.ErrCorrupt)
}

// checkExtends returns otherwise if the log extends a head, and an error that
// matches assay.ErrCorrupt if it does not.
func (a *Anchor) checkExtends(ctx context.Context, head Head, cp Checkpoint, otherwise error) error {
	if head.Size == 0 {
		return otherwise // nothing was anchored yet
	}
	if head.Size == cp.Size {
		if head.Root != cp.Root {
			return errForked(head, cp)
		}
		return otherwise
	}
	path, err := a.source.Consistency(ctx, head.Size, cp.Size)
	if err != nil {
		return err
	}
	if proof.VerifyConsistency(rfc6962.DefaultHasher, head.Size, cp.Size, path, head.Root[:], cp.Root[:]) != nil {
		return errForked(head, cp)
	}
	return otherwise
}

func rolledBackText(head Head, cp Checkpoint) string {
	return fmt.Sprintf("the contract's head is at %d leaves, the log has only %d: the log was rolled back", head.Size,
		cp.Size)
}

// contradictsEntry examines a head that contradicts an entry of the queue.
func (a *Anchor) contradictsEntry(ctx context.Context, e *entry, head Head) error {
	cp, err := ParseCheckpoint(e.Note)
	if err != nil {
		return err
	}
	return a.examineContradiction(ctx, cp, forkedText(head, cp))
}

func forkedText(head Head, cp Checkpoint) string {
	return fmt.Sprintf("the log has forked: the contract's head of %d leaves under %s is not part of the checkpoint "+
		"of %d leaves under %s",
		head.Size, head.Root.Short(), cp.Size, cp.Root.Short())
}

func errForked(head Head, cp Checkpoint) error {
	return fmt.Errorf("anchor: %s: %w", forkedText(head, cp), assay.ErrCorrupt)
}
