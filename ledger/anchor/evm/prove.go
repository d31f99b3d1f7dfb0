// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// accountProof is the answer of eth_getProof (EIP-1186).
type accountProof struct {
	AccountProof []hexutil.Bytes `json:"accountProof"`
	StorageProof []struct {
		Value *hexutil.Big    `json:"value"`
		Proof []hexutil.Bytes `json:"proof"`
	} `json:"storageProof"`
}

// Prove implements anchor.Chain. It asks for the proof by block number and reads
// the block again afterwards: if its hash has changed, the chain was reorganised
// in between, and the call fails.
func (c *Client) Prove(ctx context.Context, id anchor.Hash) (*anchor.Proof, anchor.Head, error) {
	number, err := c.finalBlock(ctx)
	if err != nil {
		return nil, anchor.Head{}, err
	}
	h, hash, err := c.header(ctx, number)
	if err != nil {
		return nil, anchor.Head{}, err
	}
	number = hexutil.EncodeBig(h.Number)
	slots := anchor.LogSlots(id)
	var ap accountProof
	if err := c.rpc.CallContext(ctx, &ap, "eth_getProof", c.contract(), slots[:], number); err != nil {
		return nil, anchor.Head{}, c.callError("a storage proof", err)
	}
	if len(ap.StorageProof) != len(slots) || ap.StorageProof[0].Value == nil || ap.StorageProof[1].Value == nil {
		return nil, anchor.Head{}, fmt.Errorf("chain node: a storage proof of %d slots, want %d",
			len(ap.StorageProof), len(slots))
	}
	_, again, err := c.header(ctx, number)
	if err != nil {
		return nil, anchor.Head{}, err
	}
	if again != hash {
		return nil, anchor.Head{},
			fmt.Errorf("chain node: block %s has changed from %s to %s while its proof was taken", number, hash, again)
	}
	head := anchor.UnpackHead(
		anchor.Hash(common.BigToHash(ap.StorageProof[0].Value.ToInt())),
		anchor.Hash(common.BigToHash(ap.StorageProof[1].Value.ToInt())))
	if head.Size == 0 {
		return nil, anchor.Head{}, anchor.ErrNotFinal
	}
	rawHeader, err := rlp.EncodeToBytes(h)
	if err != nil {
		return nil, anchor.Head{}, fmt.Errorf("block header: %w", err)
	}
	seal := c.cfg.Profile.Seal
	if seal == "" {
		seal = anchor.SealNone
	}
	return &anchor.Proof{
		Version: anchor.ProofVersion, ChainID: c.cfg.ChainID, Contract: c.cfg.Contract, LogID: id,
		Anchors: head.Anchors, Publisher: head.Publisher, Block: hash, Seal: seal, Header: rawHeader,
		Nodes: joinWalks(ap.AccountProof, ap.StorageProof[0].Proof, ap.StorageProof[1].Proof),
	}, head, nil
}

// joinWalks joins the walks' nodes, each once. It leaves out nodes of under 32
// bytes: they are part of their parents, and some servers list them again.
func joinWalks(walks ...[]hexutil.Bytes) [][]byte {
	var nodes [][]byte
	seen := make(map[string]bool)
	for _, walk := range walks {
		for depth, n := range walk {
			if seen[string(n)] || depth > 0 && len(n) < 32 {
				continue
			}
			seen[string(n)] = true
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// finalBlock returns the tag or number of the newest final block.
func (c *Client) finalBlock(ctx context.Context) (string, error) {
	f := c.cfg.Profile.Finality
	if f.Confirmations > 0 {
		n, err := c.eth.BlockNumber(ctx)
		if err != nil {
			return "", c.callError("the newest block", err)
		}
		if n < f.Confirmations {
			return "", anchor.ErrNotFinal
		}
		return hexutil.EncodeUint64(n - f.Confirmations), nil
	}
	switch f.Tag {
	case "":
		return "finalized", nil
	case "finalized", "safe", "latest":
		return f.Tag, nil
	}
	return "", fmt.Errorf("finality tag %q: want finalized, safe or latest: %w", f.Tag, assay.ErrInvalid)
}

// MakesEmptyBlocks reports whether the chain makes blocks without transactions,
// too, so that the newest one tells the time.
func (c *Client) MakesEmptyBlocks() bool { return !c.cfg.Profile.OnDemand }

// NewestTime returns when the newest block was made, final or not, as it says.
func (c *Client) NewestTime(ctx context.Context) (time.Time, error) {
	h, _, err := c.header(ctx, "latest")
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(h.Time), 0), nil
}

// header reads a block's header and the hash that the node gives it. Headers may
// have fields that this program does not know: for chains without seals that is
// found here, for others by the proof's verification.
func (c *Client) header(ctx context.Context, block string) (*types.Header, anchor.Hash, error) {
	var raw json.RawMessage
	if err := c.rpc.CallContext(ctx, &raw, "eth_getBlockByNumber", block, false); err != nil {
		if strings.Contains(err.Error(), "block not found") {
			return nil, anchor.Hash{}, anchor.ErrNotFinal // go-ethereum, before the first final block
		}
		return nil, anchor.Hash{}, c.callError("a block", err)
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, anchor.Hash{}, anchor.ErrNotFinal
	}
	var h types.Header
	var named struct {
		Hash common.Hash `json:"hash"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, anchor.Hash{}, fmt.Errorf("chain node: block header: %w", err)
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return nil, anchor.Hash{}, fmt.Errorf("chain node: block header: %w", err)
	}
	if c.cfg.Profile.Seal != anchor.SealQBFT && h.Hash() != named.Hash {
		return nil, anchor.Hash{},
			fmt.Errorf("chain node: block %s has hash %s, its header hashes to %s: the header has fields that this "+
				"program does not know", h.Number, named.Hash, h.Hash())
	}
	return &h, anchor.Hash(named.Hash), nil
}
