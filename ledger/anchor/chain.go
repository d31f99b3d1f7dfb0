// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
)

// Chain is the contract on its chain, as seen by one publisher's key. Package
// evm implements it over JSON-RPC. After an error nothing is known and the call
// may be made again, unless the error matches one of those below.
type Chain interface {
	// ChainID asks the node which chain it is on. Each round begins with it: after
	// a fail-over, the new node may be on another chain.
	ChainID(ctx context.Context) (uint64, error)
	// Head returns the contract's entry of the log in the newest block, whether
	// that block is final or not.
	Head(ctx context.Context, id Hash) (Head, error)
	// Sign makes the transaction for call and signs it. It sends nothing. If
	// replace is not nil, the transaction takes its nonce, and a fee that is high
	// enough for nodes to accept it as a replacement; else it has the nonce that
	// Nonce returns.
	Sign(ctx context.Context, call Call, replace *Tx) (Tx, error)
	// Nonce returns how many transactions of the key the newest block counts:
	// the only nonce that can be included next.
	Nonce(ctx context.Context) (uint64, error)
	// Send gives the signed bytes to the node. Sending bytes that the node already
	// has is no error. ErrNonce means that the nonce is used, by another
	// transaction or by this one; ErrUnderpriced that the node holds another
	// transaction of this nonce; ErrRejected that it refuses for some other reason.
	Send(ctx context.Context, raw []byte) error
	// Find reports what became of a transaction.
	Find(ctx context.Context, hash Hash) (TxState, error)
	// Prove returns a proof of the log's head in the newest block that is final
	// by the chain's rule, and the head that it shows. The caller verifies it.
	// ErrNotFinal means that no final block holds the contract or the log yet.
	Prove(ctx context.Context, id Hash) (*Proof, Head, error)
}

// Errors that a Chain returns, to branch on.
var (
	// ErrNonce: the nonce of the transaction is used up.
	ErrNonce = errors.New("nonce already used")
	// ErrUnderpriced: the node holds a transaction of this nonce that offers more.
	ErrUnderpriced = errors.New("the node holds another transaction of this nonce")
	// ErrRejected: the node does not accept the transaction.
	ErrRejected = errors.New("the node rejects the transaction")
	// ErrUnpublished: the chain knows more of the log than is published here. The
	// log may hold those records: ask again once it has published them.
	ErrUnpublished = errors.New("not published yet")
	// ErrNotFinal: the newest final block does not hold the log's head yet.
	ErrNotFinal = errors.New("not final yet")
	// ErrReverted: the contract would refuse the call, or did.
	ErrReverted = errors.New("the contract refuses the checkpoint")
)

// Call is one call of the contract's anchor function.
type Call struct {
	LogID    Hash     `json:"log_id"`
	Previous uint64   `json:"previous"` // size of the head that the checkpoint follows
	Size     uint64   `json:"size"`
	Root     Hash     `json:"root"`
	Proof    [][]byte `json:"proof,omitempty"` // RFC 9162 consistency, 32 bytes a node, none if Previous is 0
}

// Tx is a signed transaction.
type Tx struct {
	Hash  Hash   `json:"hash"`
	Nonce uint64 `json:"nonce"`
	Raw   []byte `json:"raw"` // as it is sent
}

// TxState is what became of a transaction.
type TxState uint8

// The states.
const (
	TxUnknown  TxState = iota // the node has never seen it, or has forgotten it
	TxPending                 // in the node's pool
	TxIncluded                // in a block, and the contract accepted it
	TxReverted                // in a block, and the contract refused it
)

func (s TxState) String() string {
	switch s {
	case TxUnknown:
		return "unknown"
	case TxPending:
		return "pending"
	case TxIncluded:
		return "included"
	case TxReverted:
		return "reverted"
	}
	return "invalid"
}
