// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// Config holds what a client needs in addition to the node's URL.
type Config struct {
	ChainID  uint64            // of the chain that transactions are signed for; 0 = the one that the node names in Dial
	Contract anchor.Address    // the AnchorRegistry; may be zero for Deploy
	Key      *ecdsa.PrivateKey // the publisher's (or owner's) key; nil = reading only
	Profile  Profile           // the zero value is the profile "ethereum"
	HTTP     HTTP
}

// Client is one key's view of one contract. It implements anchor.Chain and is
// safe for concurrent use. A key must have one client at a time, because each
// nonce can be used only once.
type Client struct {
	cfg      Config
	artefact *Artefact
	rpc      *rpc.Client
	eth      *ethclient.Client
	from     common.Address
}

var _ anchor.Chain = (*Client)(nil)

// Dial connects to a node. With Config.ChainID set, no request is made yet and
// the node may be down.
func Dial(ctx context.Context, url string, cfg Config) (*Client, error) {
	art, err := Registry()
	if err != nil {
		return nil, err
	}
	r, err := dial(ctx, url, cfg.HTTP)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, artefact: art, rpc: r, eth: ethclient.NewClient(r)}
	if cfg.Key != nil {
		c.from = crypto.PubkeyToAddress(cfg.Key.PublicKey)
	}
	if cfg.ChainID == 0 {
		if c.cfg.ChainID, err = c.ChainID(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close ends the connections.
func (c *Client) Close() { c.rpc.Close() }

// From returns the address of the client's key.
func (c *Client) From() anchor.Address { return anchor.Address(c.from) }

// Contract returns the address of the contract.
func (c *Client) Contract() anchor.Address { return c.cfg.Contract }

// ChainID implements anchor.Chain.
func (c *Client) ChainID(ctx context.Context) (uint64, error) {
	id, err := c.eth.ChainID(ctx)
	if err != nil {
		return 0, c.callError("chain id", err)
	}
	if !id.IsUint64() {
		return 0, fmt.Errorf("chain node: chain id %s is too large: %w", id, assay.ErrPrecondition)
	}
	return id.Uint64(), nil
}

// Head implements anchor.Chain.
func (c *Client) Head(ctx context.Context, id anchor.Hash) (anchor.Head, error) {
	in, err := c.artefact.ABI.Pack("logs", [32]byte(id))
	if err != nil {
		return anchor.Head{}, fmt.Errorf("contract: %w", err)
	}
	out, err := c.eth.CallContract(ctx, ethereum.CallMsg{To: c.contract(), Data: in}, nil)
	if err != nil {
		return anchor.Head{}, c.callError("contract's head", err)
	}
	if len(out) == 0 {
		return anchor.Head{}, fmt.Errorf("no contract at %s on chain %d: deploy it, or correct the address: %w",
			c.cfg.Contract, c.cfg.ChainID, assay.ErrPrecondition)
	}
	return c.artefact.unpackLog(out)
}

// Nonce implements anchor.Chain.
func (c *Client) Nonce(ctx context.Context) (uint64, error) {
	// Of the newest block, not of the pool: the pool may drop what it holds, and
	// then a nonce after that can never be included.
	n, err := c.eth.NonceAt(ctx, c.from, nil)
	return n, c.callError("the key's nonce", err)
}

// Send implements anchor.Chain.
func (c *Client) Send(ctx context.Context, raw []byte) error {
	var hash common.Hash
	err := c.rpc.CallContext(ctx, &hash, "eth_sendRawTransaction", hexutil.Encode(raw))
	var re rpc.Error
	if err == nil || !errors.As(err, &re) {
		return c.callError("sending a transaction", err)
	}
	// Nodes have no codes for these errors. The texts are those of go-ethereum,
	// Besu, Anvil, Hardhat, Nethermind and Erigon.
	msg := strings.ToLower(re.Error())
	switch {
	case strings.Contains(msg, "already known"), strings.Contains(msg, "known transaction"),
		strings.Contains(msg, "already imported"), strings.Contains(msg, "already_exists"),
		strings.Contains(msg, "alreadyknown"):
		return nil
	case strings.Contains(msg, "nonce too low"), strings.Contains(msg, "nonce_too_low"),
		strings.Contains(msg, "oldnonce"),
		strings.Contains(msg, "nonce") && strings.Contains(msg, "below"):
		return fmt.Errorf("%w: %w", c.callError("sending a transaction", err), anchor.ErrNonce)
	case strings.Contains(msg, "underpriced"), strings.Contains(msg, "replacement") && strings.Contains(msg, "low"),
		strings.Contains(msg, "feetoolow"):
		return fmt.Errorf("%w: %w", c.callError("sending a transaction", err), anchor.ErrUnderpriced)
	}
	return fmt.Errorf("%w: %w", c.callError("sending a transaction", err), anchor.ErrRejected)
}

// Find implements anchor.Chain.
func (c *Client) Find(ctx context.Context, hash anchor.Hash) (anchor.TxState, error) {
	r, err := c.eth.TransactionReceipt(ctx, common.Hash(hash))
	switch {
	case err == nil && r.Status == types.ReceiptStatusSuccessful:
		return anchor.TxIncluded, nil
	case err == nil:
		return anchor.TxReverted, nil
	case strings.Contains(err.Error(), "indexing is in progress"):
		return anchor.TxUnknown, nil // go-ethereum that was just started is still reading what it has
	case !errors.Is(err, ethereum.NotFound):
		return 0, c.callError("a transaction's receipt", err)
	}
	_, pending, err := c.eth.TransactionByHash(ctx, common.Hash(hash))
	switch {
	case errors.Is(err, ethereum.NotFound):
		return anchor.TxUnknown, nil
	case err != nil:
		return 0, c.callError("a transaction", err)
	case pending:
		return anchor.TxPending, nil
	}
	return anchor.TxPending, nil // in a block; its receipt will be there next time
}

func (c *Client) contract() *common.Address {
	a := common.Address(c.cfg.Contract)
	return &a
}

// callError says which call failed, without the node's URL. It turns a revert
// into anchor.ErrReverted with the contract's own name for it.
func (c *Client) callError(what string, err error) error {
	if err == nil {
		return nil
	}
	var de rpc.DataError
	if errors.As(err, &de) {
		if s, ok := de.ErrorData().(string); ok {
			if data, derr := hexutil.Decode(s); derr == nil {
				if name := c.artefact.revertName(data); name != "" {
					return fmt.Errorf("chain node: %s: %w: %s", what, anchor.ErrReverted, name)
				}
			}
		}
	}
	if strings.Contains(strings.ToLower(err.Error()), "revert") {
		return fmt.Errorf("chain node: %s: %w: %w", what, anchor.ErrReverted, withoutURL(err))
	}
	return fmt.Errorf("chain node: %s: %w", what, withoutURL(err))
}

// orZero is x, or 0 if x is nil.
func orZero(x *big.Int) *big.Int {
	if x == nil {
		return new(big.Int)
	}
	return x
}
