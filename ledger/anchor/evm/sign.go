// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// Sign implements anchor.Chain. The node first runs the call on its newest
// block, so that a call that the contract would refuse costs nothing.
func (c *Client) Sign(ctx context.Context, call anchor.Call, replace *anchor.Tx) (anchor.Tx, error) {
	in, err := c.artefact.anchorInput(call)
	if err != nil {
		return anchor.Tx{}, err
	}
	var prior *types.Transaction
	if replace != nil {
		prior = new(types.Transaction)
		if err := prior.UnmarshalBinary(replace.Raw); err != nil {
			return anchor.Tx{}, fmt.Errorf("transaction to replace: %w: %w", err, assay.ErrCorrupt)
		}
	}
	return c.sign(ctx, c.contract(), in, prior)
}

// sign makes a transaction to an address (nil = creation) with the next nonce,
// or with the nonce of prior and a higher fee.
func (c *Client) sign(ctx context.Context, to *common.Address, data []byte, prior *types.Transaction) (anchor.Tx,
	error) {
	if c.cfg.Key == nil {
		return anchor.Tx{}, fmt.Errorf("chain client: no key to sign with: %w", assay.ErrPrecondition)
	}
	// On the newest block, not with the pool: a transaction of ours that waits
	// there would make the node refuse its own replacement.
	latest := big.NewInt(int64(rpc.LatestBlockNumber))
	gas, err := c.eth.EstimateGasAtBlock(ctx, ethereum.CallMsg{From: c.from, To: to, Data: data}, latest)
	if err != nil {
		return anchor.Tx{}, c.callError("a trial run", err)
	}
	pct := c.cfg.Profile.Gas.LimitPct
	if pct == 0 {
		pct = 125
	}
	if gas > maxGas {
		return anchor.Tx{},
			fmt.Errorf("chain client: the node says that the call takes %d gas, at most %d is paid for: %w", gas,
				maxGas, assay.ErrExhausted)
	}
	gas = gas * pct / 100
	var nonce uint64
	if prior != nil {
		nonce = prior.Nonce()
	} else if nonce, err = c.Nonce(ctx); err != nil {
		return anchor.Tx{}, err
	}
	tip, fee, err := c.fees(ctx, prior)
	if err != nil {
		return anchor.Tx{}, err
	}
	chainID := new(big.Int).SetUint64(c.cfg.ChainID)
	var body types.TxData
	if c.cfg.Profile.Gas.Legacy {
		body = &types.LegacyTx{Nonce: nonce, GasPrice: fee, Gas: gas, To: to, Data: data}
	} else {
		body = &types.DynamicFeeTx{ChainID: chainID, Nonce: nonce, GasTipCap: tip, GasFeeCap: fee,
			Gas: gas, To: to, Data: data}
	}
	tx, err := types.SignNewTx(c.cfg.Key, types.LatestSignerForChainID(chainID), body)
	if err != nil {
		return anchor.Tx{}, fmt.Errorf("chain client: %w", err)
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return anchor.Tx{}, fmt.Errorf("chain client: %w", err)
	}
	return anchor.Tx{Hash: anchor.Hash(tx.Hash()), Nonce: nonce, Raw: raw}, nil
}

// maxGas is several times what the largest consistency proof and the contract's
// deployment cost: a higher estimate is not believed.
const maxGas = 5_000_000

// fees returns wei per gas: the tip, and the most that is paid in all. Nodes
// accept a replacement if both are 10 % higher; we offer 25 %.
func (c *Client) fees(ctx context.Context, prior *types.Transaction) (tip, fee *big.Int, err error) {
	g := &c.cfg.Profile.Gas
	if g.Legacy {
		if fee, err = c.eth.SuggestGasPrice(ctx); err != nil {
			return nil, nil, c.callError("the gas price", err)
		}
		tip = fee
	} else {
		if tip = g.Tip; tip == nil {
			if tip, err = c.eth.SuggestGasTipCap(ctx); err != nil {
				return nil, nil, c.callError("the tip", err)
			}
		}
		h, err := c.eth.HeaderByNumber(ctx, nil)
		if err != nil {
			return nil, nil, c.callError("the newest block", err)
		}
		// Twice the base fee: it holds for six full blocks in a row.
		fee = new(big.Int).Add(tip, new(big.Int).Lsh(orZero(h.BaseFee), 1))
	}
	if prior != nil {
		tip = larger(tip, raised(prior.GasTipCap()))
		fee = larger(fee, raised(prior.GasFeeCap()))
	}
	if most := g.maxFee(); fee.Cmp(most) > 0 {
		// A transaction that offers more was made before there was a maximum. No
		// node has accepted it, and one within the maximum may still get through.
		if prior != nil && prior.GasFeeCap().Cmp(most) == 0 {
			return nil, nil,
				fmt.Errorf("chain client: the fee is at the allowed maximum of %s wei per gas, and the "+
					"transaction is stuck: raise the maximum: %w", most, assay.ErrExhausted)
		}
		fee = most
	}
	if tip.Cmp(fee) > 0 {
		tip = fee
	}
	return tip, fee, nil
}

func raised(x *big.Int) *big.Int {
	y := new(big.Int).Mul(x, big.NewInt(125))
	return y.Div(y, big.NewInt(100)).Add(y, big.NewInt(1))
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}
