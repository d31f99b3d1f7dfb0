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

// State says in a word how anchoring stands.
type State string

// The states. In each but Idle and Pending anchoring stands still, and goes on
// by itself when the node's answers let it. None of them ends anything else.
const (
	Starting      State = "starting"      // no round has ended yet
	Idle          State = "idle"          // what is published is anchored
	Pending       State = "pending"       // a checkpoint is under way
	Unavailable   State = "unavailable"   // the node does not answer, or not with what was asked for
	Misconfigured State = "misconfigured" // the node is on another chain, or the contract does not know the log
	Contradicted  State = "contradicted"  // the node names a head that this log does not have
	Rejected      State = "rejected"      // the node or the contract does not take the transaction
	FeeCapped     State = "fee capped"    // what the node asks for is more than may be paid
)

// States returns all of them.
func States() []State {
	return []State{Starting, Idle, Pending, Unavailable, Misconfigured, Contradicted, Rejected, FeeCapped}
}

// stateOf tells the state that a round leaves.
func stateOf(err error, pending bool) State {
	switch {
	case err == nil && pending:
		return Pending
	case err == nil:
		return Idle
	case errors.Is(err, assay.ErrCorrupt):
		return Contradicted
	case errors.Is(err, assay.ErrExhausted):
		return FeeCapped
	case errors.Is(err, ErrReverted), errors.Is(err, ErrRejected), errors.Is(err, ErrUnderpriced), errors.Is(err,
		ErrNonce):
		return Rejected
	case errors.Is(err, assay.ErrPrecondition):
		return Misconfigured
	}
	return Unavailable
}

// setStatus keeps what a round has left, and logs a state that is new.
func (a *Anchor) setStatus(err error) {
	a.status.Lock()
	defer a.status.Unlock()
	s := &a.status.Status
	before := s.State
	s.Rounds++
	s.Err, s.Pending = err, 0
	if n := len(a.mu.queue); n > 0 {
		s.Pending = a.mu.queue[n-1].Call.Size
	}
	s.State = stateOf(err, s.Pending > 0)
	switch {
	case s.State == before:
	case s.State == Contradicted:
		a.cfg.Logger.Error("anchoring stands still: the node contradicts this log; scoring goes on", "state", s.State,
			"before", before, "err", err)
	case err != nil:
		a.cfg.Logger.Warn("anchoring stands still", "state", s.State, "before", before, "err", err)
	default:
		a.cfg.Logger.Info("anchoring", "state", s.State, "before", before)
	}
}

// examineContradiction looks closer at a head that contradicts the log: the node said
// it in one call, and must prove it. It returns an error in either case: one
// that matches assay.ErrCorrupt if the node's proof holds, as far as a proof
// without seals can, and assay.ErrUnavailable if it does not.
func (a *Anchor) examineContradiction(ctx context.Context, cp Checkpoint, what string) error {
	unproven := func(why error) error {
		return fmt.Errorf("anchor: %s, says the node, and does not prove it (%w): %w", what, why, assay.ErrUnavailable)
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

// ConfirmNewest asks the chain whether the log is the newest that there is of it: the
// contract's head is not behind what was anchored from here, and the log
// extends it. records is how many the log has, published or not. An error that
// matches assay.ErrCorrupt says that it is not the newest; any other, that nothing
// is known yet and Confirm may be called again.
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
		return fmt.Errorf("anchor: the contract's head is at %d leaves, of which the log has published %d since it "+
			"was opened: %w: %w",
			head.Size, cp.Size, ErrUnpublished, assay.ErrUnavailable)
	case head.Size > cp.Size:
		return a.examineContradiction(ctx, cp, rolledBackText(head, cp))
	}
	err = a.checkExtends(ctx, head, cp, nil)
	if errors.Is(err, assay.ErrCorrupt) {
		return a.examineContradiction(ctx, cp, forkedText(head, cp))
	}
	return err
}

// HasAnchored reports whether anything was anchored from this directory, or sent.
func (a *Anchor) HasAnchored() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.last != nil || len(a.mu.queue) > 0
}

func rolledBackText(head Head, cp Checkpoint) string {
	return fmt.Sprintf("the contract's head is at %d leaves, the log has only %d: the log was rolled back", head.Size,
		cp.Size)
}
