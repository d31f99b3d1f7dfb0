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

// nonceRounds is how many rounds in a row a nonce must be found used, with the
// checkpoint not anchored, before another nonce is taken.
const nonceRounds = 3

// round does the next thing that can be done, and reports whether nothing is
// under way. What it does follows from the stored queue and the contract's
// head alone, so that a crash at any point is the same as a pause.
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

// checkChain asks which chain the node is on.
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
// killed, a node restored from a backup; and a node that was failed over to may
// still be on its way to the newest block. Without an entry that goes on from
// the head, which another writer's anchor or one that is covered since stands
// behind, the queue is left empty: plan holds the head against the log.
func (a *Anchor) rewind(head Head) error {
	s := a.store
	first := uint64(0) // the size that the queue goes on from
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
		// has none until it is published; witnesses may keep it waiting.
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
		// On the chain, and the proof is not here: take it.
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

func forkedText(head Head, cp Checkpoint) string {
	return fmt.Sprintf("the log has forked: the contract's head of %d leaves under %s is no part of the checkpoint "+
		"of %d leaves under %s",
		head.Size, head.Root.Short(), cp.Size, cp.Root.Short())
}

func errForked(head Head, cp Checkpoint) error {
	return fmt.Errorf("anchor: %s: %w", forkedText(head, cp), assay.ErrCorrupt)
}

// advance brings the first entry of the queue one step further.
func (a *Anchor) advance(ctx context.Context, head Head) error {
	e := a.mu.queue[0]
	switch {
	case head.Size == e.Call.Size && Hash(head.Root) != e.Call.Root:
		return a.contradictsEntry(ctx, e, head)
	case head.Size >= e.Call.Size:
		return a.prove(ctx, e)
	case head.Size != e.Call.Previous:
		// Somebody else holds the key, or the head of a reorganised chain is
		// between: the contract will refuse the entry. Plan anew.
		a.cfg.Logger.Warn("the head has moved under a transaction", "head", head.Size, "previous",
			e.Call.Previous, "size", e.Call.Size)
		return a.setQueue(nil)
	case head.Size > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, head.Size, e.Call.Size, e.Call.Proof,
		head.Root[:], e.Call.Root[:]) != nil:
		return a.contradictsEntry(ctx, e, head) // the contract would refuse it for ever
	}
	return a.bringOnChain(ctx, e)
}

// contradictsEntry is what is said of a head that contradicts an entry.
func (a *Anchor) contradictsEntry(ctx context.Context, e *entry, head Head) error {
	cp, err := ParseCheckpoint(e.Note)
	if err != nil {
		return err
	}
	return a.examineContradiction(ctx, cp, forkedText(head, cp))
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
		// A later entry is final: it covers this one, whose own head is gone. What
		// is stored of it is given up for a proof alone.
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

// checkProof verifies a proof that the node gave. Without the chain's seals that
// shows only that the node's answers agree with each other.
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

// bringOnChain sees to it that an entry that is not on the chain gets there.
func (a *Anchor) bringOnChain(ctx context.Context, e *entry) error {
	if len(e.Txs) == 0 {
		return a.sign(ctx, e, nil)
	}
	state := TxUnknown
	for _, tx := range e.Txs {
		s, err := a.chain.Find(ctx, tx.Hash)
		if err != nil {
			return err
		}
		state = max(state, s)
	}
	last := e.Txs[len(e.Txs)-1]
	switch state {
	case TxIncluded:
		return nil // in a block that Head did not see yet
	case TxReverted:
		// The head is as the call names it, and yet the contract refused: the
		// block was not on top of that head. Ask with another nonce.
		return a.sign(ctx, e, nil)
	}
	if usable, err := a.nonceUsable(ctx, last); err != nil {
		return err
	} else if !usable {
		a.cfg.Logger.Warn("a transaction has a nonce that cannot be included next; it is made anew", "tx",
			last.Hash, "nonce", last.Nonce)
		return a.sign(ctx, e, nil)
	}
	if state == TxPending {
		if !a.stuck(e) {
			return nil
		}
		return a.sign(ctx, e, &last)
	}
	err := a.send(ctx, last)
	switch {
	case errors.Is(err, ErrRejected), errors.Is(err, ErrUnderpriced):
		if a.mu.rejected++; a.mu.rejected < nonceRounds {
			return err
		}
		a.mu.rejected = 0
		a.cfg.Logger.Warn("the node does not take a transaction; it is made anew", "tx", last.Hash, "err", err)
		if errors.Is(err, ErrUnderpriced) {
			return a.sign(ctx, e, &last)
		}
		return a.sign(ctx, e, nil)
	case errors.Is(err, ErrNonce):
		if a.mu.nonceUsed++; a.mu.nonceUsed < nonceRounds {
			return nil // perhaps by this very transaction, in a block just made
		}
		return a.sign(ctx, e, nil)
	case err == nil && a.stuck(e):
		return a.sign(ctx, e, &last) // nodes forget it again and again: the fee is too low
	case err == nil:
		a.status.Lock()
		a.status.Resent++
		a.status.Unlock()
	}
	return err
}

// nonceUsable reports whether a transaction that is not in a block can get into the
// next one by its nonce. A node whose pool held a transaction that was dropped,
// or that says anything, may have given a nonce that leaves a gap: what has it
// waits for ever. The node may also be behind, so it is asked in a few rounds.
func (a *Anchor) nonceUsable(ctx context.Context, tx Tx) (bool, error) {
	next, err := a.chain.Nonce(ctx)
	if err != nil {
		return false, err
	}
	if tx.Nonce <= next {
		a.mu.nonceAhead = 0
		return true, nil
	}
	a.mu.nonceAhead++
	if a.mu.nonceAhead < nonceRounds {
		return true, nil
	}
	a.mu.nonceAhead = 0
	return false, nil
}

// stuck reports whether an entry has waited for too long. A clock that was set
// back since it was signed does not make it wait for the clock.
func (a *Anchor) stuck(e *entry) bool { return time.Since(e.SignedAt).Abs() >= a.cfg.StuckAfter }

// sign makes a transaction for an entry, stores it, and sends it. With replace,
// it has that one's nonce and a higher fee.
func (a *Anchor) sign(ctx context.Context, e *entry, replace *Tx) error {
	tx, err := a.chain.Sign(ctx, e.Call, replace)
	if err != nil {
		return err
	}
	next := *e
	next.SignedAt = time.Now().UTC()
	if replace != nil {
		next.Txs = append(append([]Tx(nil), e.Txs...), tx)
		next.Replaced++
		a.status.Lock()
		a.status.Raised++
		a.status.Unlock()
	} else {
		next.Txs = []Tx{tx}
		a.status.Lock()
		a.status.Renewed++
		a.status.Unlock()
	}
	if err := a.setQueue(append([]*entry{&next}, a.mu.queue[1:]...)); err != nil {
		return err
	}
	a.cfg.Logger.Info("checkpoint is sent to the chain", "size", e.Call.Size, "tx", tx.Hash, "nonce", tx.Nonce,
		"raised", replace != nil)
	return a.send(ctx, tx)
}

func (a *Anchor) send(ctx context.Context, tx Tx) error {
	err := a.chain.Send(ctx, tx.Raw)
	if !errors.Is(err, ErrNonce) {
		a.mu.nonceUsed = 0
	}
	if err == nil {
		a.mu.rejected = 0
	}
	return err
}

func (a *Anchor) setQueue(q []*entry) error {
	if err := a.store.setPending(q); err != nil {
		return err
	}
	a.mu.queue = q
	return nil
}

// deliver hands the newest proven entry to Config.Anchored, if it has not taken it.
func (a *Anchor) deliver() error {
	e := a.mu.last
	if a.cfg.Anchored == nil || e == nil || a.mu.told == e.Call.Size {
		return nil
	}
	if err := a.cfg.Anchored(e.Note, e.Proof); err != nil {
		return fmt.Errorf("anchor: the proof of %d leaves was not taken: %w", e.Call.Size, err)
	}
	a.mu.told = e.Call.Size
	return nil
}
