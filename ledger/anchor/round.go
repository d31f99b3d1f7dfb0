// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// round does the next step that is possible, and reports whether nothing is left
// to do. The step follows only from the stored queue and the contract's head, so
// that a crash at any point is the same as a pause.
func (a *Anchor) round(ctx context.Context) (idle bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.setStatus(err) }()
	if err := a.deliver(); err != nil {
		return false, err
	}
	if err := a.checkChain(ctx); err != nil {
		return false, err
	}
	head, err := a.chain.Head(ctx, a.id)
	if err != nil {
		return false, err
	}
	if head.Publisher.IsZero() {
		return false,
			fmt.Errorf("anchor: log %q is not registered in the contract: its owner must call register(%s, "+
				"publisher): %w", a.origin, a.id, assay.ErrPrecondition)
	}
	if err := a.rewind(head); err != nil {
		return false, err
	}
	if len(a.mu.queue) > 0 {
		return false, a.advance(ctx, head)
	}
	return a.plan(ctx, head)
}

// checkChain checks that the node is on the chain that anchors go to.
func (a *Anchor) checkChain(ctx context.Context) error {
	chainID, err := a.chain.ChainID(ctx)
	if err != nil {
		return err
	}
	if a.mu.chainID == 0 {
		a.mu.chainID = chainID
	}
	if chainID != a.mu.chainID {
		return fmt.Errorf("anchor: the node is on chain %d, anchors go to chain %d; nothing is sent: %w", chainID,
			a.mu.chainID, assay.ErrPrecondition)
	}
	return nil
}

// rewind takes proven entries back into the queue if the chain has lost them.
// A chain may lose blocks that it called final: a development node that was
// killed, or a node that was restored from a backup. After a fail-over, the new
// node may also still be catching up with the newest block.
//
// If no stored entry continues the head (another writer anchored it, or it is
// covered by a later anchor), the queue is left empty: plan then compares the
// head with the log.
func (a *Anchor) rewind(head Head) error {
	s := a.store
	first := uint64(0) // the size that the queue continues
	switch {
	case len(a.mu.queue) > 0:
		first = a.mu.queue[0].Call.Previous
	case a.mu.last != nil:
		first = a.mu.last.Call.Size
	}
	if head.Size >= first {
		return nil
	}
	var lost []*entry
	for _, size := range s.sizesAbove(head.Size) {
		if size > first {
			break // in the queue already
		}
		e, err := s.get(size)
		if err != nil {
			return err
		}
		lost = append(lost, e)
	}
	if len(lost) == 0 || lost[0].Call.Previous != head.Size {
		a.cfg.Logger.Warn("the chain has lost anchors; the newest checkpoint is anchored on its head", "head",
			head.Size)
		return a.setQueue(nil)
	}
	a.cfg.Logger.Warn("the chain has lost anchors; they are sent again", "head", head.Size, "anchors", len(lost))
	return a.setQueue(append(lost, a.mu.queue...))
}

// plan starts to anchor the newest checkpoint if it is newer than the head.
func (a *Anchor) plan(ctx context.Context, head Head) (idle bool, err error) {
	cp, err := a.newest(ctx)
	if err != nil {
		return false, err
	}
	if cp.Size == 0 && head.Size > 0 {
		// A log that was stopped between signing a checkpoint and publishing it
		// has none at first; witnesses may make it wait longer.
		return false,
			fmt.Errorf("anchor: the contract's head is at %d leaves, and the log has published nothing since it was "+
				"opened: asked again later: %w", head.Size, assay.ErrUnavailable)
	}
	if cp.Size < head.Size {
		return false, a.examineContradiction(ctx, cp, rolledBackText(head, cp))
	}
	call := Call{LogID: a.id, Previous: head.Size, Size: cp.Size, Root: Hash(cp.Root)}
	if cp.Size == head.Size {
		if cp.Size > 0 && cp.Root != head.Root {
			return false, a.examineContradiction(ctx, cp, forkedText(head, cp))
		}
		if cp.Size == 0 || a.mu.last != nil && a.mu.last.Call.Size == cp.Size {
			return true, nil
		}
		// It is on the chain, and its proof is missing here: get it.
		return false, a.setQueue([]*entry{{Version: 1, Note: cp.Note, Call: call}})
	}
	if head.Size > 0 {
		if call.Proof, err = a.source.Consistency(ctx, head.Size, cp.Size); err != nil {
			return false, err
		}
		if proof.VerifyConsistency(rfc6962.DefaultHasher, head.Size, cp.Size, call.Proof,
			head.Root[:], cp.Root[:]) != nil {
			return false, a.examineContradiction(ctx, cp, forkedText(head, cp))
		}
	}
	tx, err := a.chain.Sign(ctx, call, nil)
	if err != nil {
		return false, err
	}
	e := &entry{Version: 1, Note: cp.Note, Call: call, Txs: []Tx{tx}, SignedAt: time.Now().UTC()}
	if err := a.setQueue([]*entry{e}); err != nil {
		return false, err
	}
	a.cfg.Logger.Info("checkpoint is sent to the chain", "size", cp.Size, "tx", tx.Hash, "nonce", tx.Nonce)
	return false, a.send(ctx, tx)
}

// advance takes the first entry of the queue one step further.
func (a *Anchor) advance(ctx context.Context, head Head) error {
	e := a.mu.queue[0]
	switch {
	case head.Size == e.Call.Size && Hash(head.Root) != e.Call.Root:
		return a.contradictsEntry(ctx, e, head)
	case head.Size >= e.Call.Size:
		return a.prove(ctx, e)
	case head.Size != e.Call.Previous:
		// Somebody else has the key too, or the chain was reorganised: the
		// contract will refuse the entry. Plan anew.
		a.cfg.Logger.Warn("the head has moved under a transaction", "head", head.Size, "previous",
			e.Call.Previous, "size", e.Call.Size)
		return a.setQueue(nil)
	case head.Size > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, head.Size, e.Call.Size, e.Call.Proof,
		head.Root[:], e.Call.Root[:]) != nil:
		return a.contradictsEntry(ctx, e, head) // the contract would refuse it for ever
	}
	return a.bringOnChain(ctx, e)
}

// prove takes the proof of an entry that is on the chain, if its block is final.
func (a *Anchor) prove(ctx context.Context, e *entry) error {
	p, final, err := a.chain.Prove(ctx, a.id)
	if errors.Is(err, ErrNotFinal) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case final.Size < e.Call.Size:
		return nil
	case final.Size > e.Call.Size:
		// A later entry is final and covers this one, whose own head can no longer
		// be shown. Give the stored entry up only for a proof.
		if err := a.checkProof(p, a.checkpointOf(final)); err != nil {
			return err
		}
		if err := a.store.drop(e.Call.Size); err != nil {
			return err
		}
		a.status.Lock()
		a.status.Covered++
		a.status.Unlock()
		return a.setQueue(a.mu.queue[1:])
	}
	cp, err := ParseCheckpoint(e.Note)
	if err != nil {
		return err
	}
	if err := a.checkProof(p, cp); err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	done := *e
	done.Proof = b
	if err := a.store.put(&done); err != nil {
		return err
	}
	a.mu.last = &done
	a.status.Lock()
	a.status.Size, a.status.Time = cp.Size, time.Now().UTC()
	a.status.Unlock()
	a.cfg.Logger.Info("checkpoint is anchored", "size", cp.Size, "block", p.Block)
	if err := a.setQueue(a.mu.queue[1:]); err != nil {
		return err
	}
	return a.deliver()
}

// checkProof verifies a proof from the node. Without the chain's seals this shows
// only that the node's answers agree with each other.
func (a *Anchor) checkProof(p *Proof, cp Checkpoint) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	if r := VerifyProof(b, cp, Trust{ChainID: a.mu.chainID}); !r.Consistent() {
		return fmt.Errorf("anchor: the node's proof does not hold: %s", r.Summary())
	}
	return nil
}

func (a *Anchor) setQueue(q []*entry) error {
	if err := a.store.setPending(q); err != nil {
		return err
	}
	a.mu.queue = q
	return nil
}

// deliver gives the newest proven entry to Config.Anchored, unless it has
// accepted it before.
func (a *Anchor) deliver() error {
	e := a.mu.last
	if a.cfg.Anchored == nil || e == nil || a.mu.delivered == e.Call.Size {
		return nil
	}
	if err := a.cfg.Anchored(e.Note, e.Proof); err != nil {
		return fmt.Errorf("anchor: the proof of %d leaves was not taken: %w", e.Call.Size, err)
	}
	a.mu.delivered = e.Call.Size
	return nil
}
