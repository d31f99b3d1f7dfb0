// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
	"time"
)

// nonceRounds is how many rounds in a row a nonce must be found used, while the
// checkpoint is not anchored, before another nonce is taken.
const nonceRounds = 3

// bringOnChain takes the next step for an entry that is not on the chain yet:
// it signs, sends, sends again, raises the fee, or only waits.
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
		return nil // in a block that is newer than the head we saw
	case TxReverted:
		// The head is the one that the call names, and yet the contract refused:
		// the block was not on top of that head. Try again with another nonce.
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
		a.cfg.Logger.Warn("the node refuses a transaction; it is made anew", "tx", last.Hash, "err", err)
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
		return a.sign(ctx, e, &last) // nodes keep forgetting it: the fee is too low
	case err == nil:
		a.status.Lock()
		a.status.Resent++
		a.status.Unlock()
	}
	return err
}

// nonceUsable reports whether a transaction that is in no block could be in the
// next one by its nonce. A node may have given a nonce that leaves a gap, because
// its pool held a transaction that was dropped, or because it lies: such a
// transaction would wait for ever. The node may also be behind, so the answer is
// no only after a few rounds.
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

// stuck reports whether an entry has waited too long. It does not wait for a
// clock that was set back since the entry was signed.
func (a *Anchor) stuck(e *entry) bool { return time.Since(e.SignedAt).Abs() >= a.cfg.StuckAfter }

// sign makes a transaction for an entry, stores it, and sends it. With replace,
// it takes that transaction's nonce and a higher fee.
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
