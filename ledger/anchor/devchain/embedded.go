// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// Embedded is a development chain with the contract on it, the log registered,
// and an Anchor ready to run.
type Embedded struct {
	Chain  *Chain
	Client *evm.Client
	Anchor *anchor.Anchor
}

// Start opens the chain in dir/chain, finds the contract or deploys it, registers
// the log of that origin, and opens its Anchor on dir/anchor. The caller runs
// e.Anchor.Run, and closes e after Run has returned.
func Start(ctx context.Context, dir, origin string, source anchor.Source, chain Config, cfg anchor.Config) (e *Embedded,
	err error) {
	e = new(Embedded)
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
			e = nil
		}
	}()
	if e.Chain, err = Open(ctx, filepath.Join(dir, "chain"), chain); err != nil {
		return e, err
	}
	if e.Client, err = e.Chain.Client(ctx); err != nil {
		return e, err
	}
	if err = e.Client.Register(ctx, origin, e.Client.From()); err != nil {
		return e, err
	}
	cfg.ChainID = e.Chain.ChainID()
	if cfg.Poll == 0 {
		cfg.Poll = 20 * time.Millisecond // blocks come at once
	}
	e.Anchor, err = anchor.Open(filepath.Join(dir, "anchor"), origin, source, e.Client, cfg)
	return e, err
}

// Trust is what a receipt from this chain can be checked against: the chain and
// the contract. Nobody vouches for the blocks.
func (e *Embedded) Trust() anchor.Trust {
	return anchor.Trust{ChainID: e.Chain.ChainID(), Contract: e.Client.Contract()}
}

// Close stops the chain.
func (e *Embedded) Close() error {
	if e.Client != nil {
		e.Client.Close()
	}
	if e.Chain != nil {
		return e.Chain.Close()
	}
	return nil
}

// Client returns a client for the chain's key and its contract, which it
// deploys if the chain is new. The contract is the key's first transaction, so
// that its address is the same after each start.
func (c *Chain) Client(ctx context.Context) (*evm.Client, error) {
	profile, err := evm.ProfileByName("devchain")
	if err != nil {
		return nil, err
	}
	at := anchor.Address(crypto.CreateAddress(crypto.PubkeyToAddress(c.key.PublicKey), 0))
	client, err := evm.Dial(ctx, c.URL(),
		evm.Config{ChainID: c.cfg.ChainID, Contract: at, Key: c.key, Profile: profile})
	if err != nil {
		return nil, err
	}
	found, err := client.Deployed(ctx, at)
	if err == nil && !found {
		var got anchor.Address
		if got, err = client.Deploy(ctx); err == nil && got != at {
			err = fmt.Errorf("devchain: the contract is at %s, expected at %s: the key was used before", got, at)
		}
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}
