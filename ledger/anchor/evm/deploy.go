// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// Deploy puts an AnchorRegistry on the chain, owned by the client's key, and
// returns its address once it is in a block. From then on the client uses it.
func (c *Client) Deploy(ctx context.Context) (anchor.Address, error) {
	tx, err := c.sign(ctx, nil, c.artefact.Bytecode, nil)
	if err != nil {
		return anchor.Address{}, err
	}
	if err := c.sendAndWait(ctx, tx); err != nil {
		return anchor.Address{}, fmt.Errorf("deploying the contract: %w", err)
	}
	at := anchor.Address(crypto.CreateAddress(c.from, tx.Nonce))
	if err := c.awaitCode(ctx, at); err != nil {
		return anchor.Address{}, err
	}
	c.cfg.Contract = at
	return at, nil
}

// awaitCode waits until the node's latest block has the contract. A node may show
// a receipt a moment before its block is the latest; until then it answers calls
// from the block before.
func (c *Client) awaitCode(ctx context.Context, at anchor.Address) error {
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		if found, err := c.Deployed(ctx, at); found || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the contract at %s: %w", at, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// Deployed reports whether an AnchorRegistry is at the address; other code there
// is an error.
func (c *Client) Deployed(ctx context.Context, at anchor.Address) (bool, error) {
	code, err := c.eth.CodeAt(ctx, common.Address(at), nil)
	if err != nil {
		return false, c.callError("the contract's code", err)
	}
	if len(code) == 0 {
		return false, nil
	}
	if anchor.Hash(crypto.Keccak256Hash(code)) != anchor.RegistryCodeHash {
		return false, fmt.Errorf("the code at %s is not an AnchorRegistry of this version: %w", at,
			assay.ErrPrecondition)
	}
	return true, nil
}

// Register lets publisher anchor the log of that origin. The client's key must
// own the contract. If the log is registered for this publisher already, Register
// does nothing.
func (c *Client) Register(ctx context.Context, origin string, publisher anchor.Address) error {
	id := anchor.LogID(origin)
	head, err := c.Head(ctx, id)
	if err != nil {
		return err
	}
	if head.Publisher == publisher {
		return nil
	}
	if !head.Publisher.IsZero() {
		return fmt.Errorf("log %q is registered for publisher %s: the contract's owner can rotate it: %w", origin,
			head.Publisher, assay.ErrConflict)
	}
	return c.callAsOwner(ctx, "register", [32]byte(id), common.Address(publisher))
}

// Rotate replaces the key that may anchor the log. The client's key must own
// the contract.
func (c *Client) Rotate(ctx context.Context, origin string, publisher anchor.Address) error {
	return c.callAsOwner(ctx, "rotate", [32]byte(anchor.LogID(origin)), common.Address(publisher))
}

// OfferOwnership offers the contract to another owner, who must take it; the
// zero address withdraws an offer. The client's key must own the contract.
func (c *Client) OfferOwnership(ctx context.Context, to anchor.Address) error {
	return c.callAsOwner(ctx, "offerOwnership", common.Address(to))
}

// TakeOwnership takes the contract that was offered to the client's key.
func (c *Client) TakeOwnership(ctx context.Context) error {
	return c.callAsOwner(ctx, "takeOwnership")
}

// callAsOwner calls one of the owner's functions and waits until it is in a block.
func (c *Client) callAsOwner(ctx context.Context, method string, args ...any) error {
	in, err := c.artefact.ABI.Pack(method, args...)
	if err != nil {
		return fmt.Errorf("contract: %s: %w", method, err)
	}
	tx, err := c.sign(ctx, c.contract(), in, nil)
	if err == nil {
		err = c.sendAndWait(ctx, tx)
	}
	if err != nil {
		return fmt.Errorf("contract: %s: %w", method, err)
	}
	return nil
}

// sendAndWait sends a transaction and waits until it is in a block. It sends it
// again if the node forgets it.
func (c *Client) sendAndWait(ctx context.Context, tx anchor.Tx) error {
	wait := time.Millisecond
	for {
		state, err := c.Find(ctx, tx.Hash)
		if err != nil {
			return err
		}
		switch state {
		case anchor.TxIncluded:
			return nil
		case anchor.TxReverted:
			return anchor.ErrReverted
		case anchor.TxUnknown:
			if err := c.Send(ctx, tx.Raw); err != nil && !errors.Is(err, anchor.ErrNonce) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
}
