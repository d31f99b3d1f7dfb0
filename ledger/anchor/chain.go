// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
)

// Chain is the contract on its chain, as one publisher's key sees it. Package
// evm implements it over JSON-RPC. An error means that nothing is known and
// the call may be made again, unless it matches one of the errors below.
type Chain interface {
	// ChainID asks the node which chain it is on. It is asked before anything
	// else in each round: a node that was failed over to may be on another.
	ChainID(ctx context.Context) (uint64, error)
	// Head returns the contract's head of the log in the newest block, final or
	// not.
	Head(ctx context.Context, id Hash) (Head, error)
	// Sign makes the transaction for call and signs it. It sends nothing. If
	// replace is not nil, the transaction has its nonce and a fee so much
	// higher that nodes accept it in its place; else it has the nonce that Nonce
	// returns.
	Sign(ctx context.Context, call Call, replace *Tx) (Tx, error)
	// Nonce returns how many transactions of the key the newest block counts:
	// the only nonce that can be included next.
	Nonce(ctx context.Context) (uint64, error)
	// Send hands the signed bytes to the node. To send bytes that the node has
	// already is no error. ErrNonce means that the nonce was used by another
	// transaction or by this one, ErrUnderpriced that the node holds another one
	// of this nonce, and ErrRejected that it does not take it for some other
	// reason.
	Send(ctx context.Context, raw []byte) error
	// Find tells what became of a transaction.
	Find(ctx context.Context, hash Hash) (TxState, error)
	// Prove returns a proof of the log's head in the newest block that is final
	// by the chain's rule, with the head that it shows. Whoever asks
	// verifies it. ErrNotFinal means that the contract or the log is not in a
	// final block yet.
	Prove(ctx context.Context, id Hash) (*Proof, Head, error)
}

// Errors that a Chain returns, to branch on.
var (
	// ErrNonce: the nonce of the transaction is used up.
	ErrNonce = errors.New("nonce already used")
	// ErrUnderpriced: the node holds a transaction of this nonce that offers more.
	ErrUnderpriced = errors.New("the node holds another transaction of this nonce")
	// ErrRejected: the node does not take the transaction.
	ErrRejected = errors.New("the node rejects the transaction")
	// ErrUnpublished: the chain knows more of the log than is published, and the
	// log may have it: it is asked again when it has.
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
