// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// chainConnector returns how to connect to the chain of the settings: the contract must
// be there, and the log must be registered for the key (assay does both, by
// the owner's key).
func chainConnector(s *settings) (func(context.Context, string, string, anchor.Source,
	anchor.Config) (*node.Chain, error),
	error) {
	profile, err := evm.ProfileByName(s.ChainProfile)
	if err != nil {
		return nil, fmt.Errorf("%w: --chain-profile: %w", errUsage, err)
	}
	if s.ChainContract == "" || s.ChainKey == "" {
		return nil, fmt.Errorf("%w: --chain-rpc needs --chain-contract and --chain-key", errUsage)
	}
	if profile.Gas.MaxFee, err = weiPerGas(s.ChainMaxFee); err != nil {
		return nil, fmt.Errorf("%w: --chain-max-fee: %w", errUsage, err)
	}
	contract, err := anchor.ParseAddress(s.ChainContract)
	if err != nil {
		return nil, fmt.Errorf("%w: --chain-contract: %w", errUsage, err)
	}
	key, err := evm.ReadKey(s.ChainKey)
	if err != nil {
		return nil, fmt.Errorf("--chain-key: %w", err)
	}
	return func(ctx context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*node.Chain, error) {
		client, err := evm.Dial(ctx, s.ChainURL,
			evm.Config{ChainID: s.ChainID, Contract: contract, Key: key, Profile: profile})
		if err != nil {
			return nil, err
		}
		c, err := connectChain(ctx, client, s.ChainID, dir, origin, source, cfg)
		if err != nil {
			client.Close()
			return nil, err
		}
		return c, nil
	}, nil
}

// weiPerGas reads a fee in gwei.
func weiPerGas(gwei float64) (*big.Int, error) {
	if !(gwei > 0 && gwei <= 1e9) {
		return nil, fmt.Errorf("%v gwei: want more than 0 and at most 1e9: %w", gwei, assay.ErrInvalid)
	}
	wei, _ := new(big.Float).Mul(big.NewFloat(gwei), big.NewFloat(1e9)).Int(nil)
	return wei, nil
}

// setTimestamps puts the time-stamping authority of the settings into a node's.
func setTimestamps(s *settings, to *node.Config) error {
	if (s.TSA == "") != (s.TSACert == "") {
		return fmt.Errorf("%w: --tsa and --tsa-cert go together", errUsage)
	}
	if s.TSA == "" {
		return nil
	}
	b, err := os.ReadFile(s.TSACert)
	if err == nil {
		to.Timestamp.Trust.Certificates, err = timestamp.AppendPEM(nil, b)
	}
	if err != nil {
		return fmt.Errorf("--tsa-cert: %w", err)
	}
	to.TimestampURL, to.Timestamp.Every = s.TSA, s.AnchorEvery
	return nil
}

// connectChain looks at the chain before anything is served. A chain that cannot be
// reached stops nobody from scoring: with the chain's id given, the server
// starts, and the anchor asks again until the chain is back.
func connectChain(ctx context.Context, client *evm.Client, pinned uint64, dir, origin string, source anchor.Source,
	cfg anchor.Config) (*node.Chain, error) {
	id, err := checkContract(ctx, client)
	if err != nil && (pinned == 0 || errors.Is(err, errNoContract)) {
		return nil, err
	}
	if err != nil {
		id = pinned
		if cfg.Logger != nil {
			cfg.Logger.Warn("the chain cannot be reached; anchoring begins when it can", "err", err)
		}
	}
	if pinned != 0 && id != pinned {
		return nil, fmt.Errorf("the node is on chain %d, --chain-id says %d: name the right node", id, pinned)
	}
	cfg.ChainID = id
	a, err := anchor.Open(filepath.Join(dir, "anchor"), origin, source, client, cfg)
	if err != nil {
		return nil, err
	}
	c := &node.Chain{Anchor: a, Trust: anchor.Trust{ChainID: id, Contract: client.Contract()}, Close: func() error {
		client.Close()
		return nil
	}}
	if client.MakesEmptyBlocks() {
		c.Time = client.NewestTime
	}
	return c, nil
}

var errNoContract = errors.New("there is no AnchorRegistry at --chain-contract: deploy it with `assay chain deploy`")

// checkContract asks which chain the node is on and whether the contract is there.
func checkContract(ctx context.Context, client *evm.Client) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	id, err := client.ChainID(ctx)
	if err != nil {
		return 0, err
	}
	found, err := client.Deployed(ctx, client.Contract())
	if err == nil && !found {
		err = errNoContract
	}
	return id, err
}
