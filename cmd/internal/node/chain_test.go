// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// standIn is a chain in memory that includes what it is sent at once. It can be
// away, stop moving, or name a head that is not its own.
type standIn struct {
	mu     sync.Mutex
	origin string
	head   anchor.Head
	nonce  uint64
	away   bool         // it answers nothing
	halted bool         // it answers, and makes no block
	lie    *anchor.Head // what it says and proves in place of its head
}

func (c *standIn) set(f func(c *standIn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c)
}

var errAway = errors.New("connection refused")

func (c *standIn) asked() error {
	if c.away {
		return errAway
	}
	return nil
}

func (c *standIn) said() anchor.Head {
	if c.lie != nil {
		return *c.lie
	}
	return c.head
}

func (c *standIn) ChainID(context.Context) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 1337, c.asked()
}

func (c *standIn) Head(context.Context, anchor.Hash) (anchor.Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said(), c.asked()
}

func (c *standIn) Nonce(context.Context) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nonce, c.asked()
}

func (c *standIn) Sign(_ context.Context, call anchor.Call, _ *anchor.Tx) (anchor.Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := json.Marshal(call)
	return anchor.Tx{Hash: anchor.Hash{byte(c.nonce)}, Nonce: c.nonce, Raw: raw}, errors.Join(err, c.asked())
}

func (c *standIn) Send(_ context.Context, raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.asked(); err != nil || c.halted {
		return err
	}
	var call anchor.Call
	if err := json.Unmarshal(raw, &call); err != nil {
		return err
	}
	if call.Previous != c.head.Size {
		return anchor.ErrNonce
	}
	c.head.Size, c.head.Root, c.head.Anchors = call.Size, [32]byte(call.Root), c.head.Anchors+1
	c.nonce++
	return nil
}

func (c *standIn) Find(context.Context, anchor.Hash) (anchor.TxState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return anchor.TxUnknown, c.asked()
}

func (c *standIn) Prove(context.Context, anchor.Hash) (*anchor.Proof, anchor.Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.said()
	if h.Size == 0 {
		return nil, h, anchor.ErrNotFinal
	}
	b := verdicttest.Block{ChainID: 1337, Contract: anchor.Address{1}, Publisher: h.Publisher, Number: 9,
		Time: time.Now()}
	p := b.Proof(anchor.Checkpoint{Checkpoint: ledger.Checkpoint{Origin: c.origin, Size: h.Size, Root: h.Root}})
	return p, h, c.asked()
}

// connect is a node's Config.Chain.
func (c *standIn) connect(_ context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*Chain,
	error) {
	c.set(func(c *standIn) { c.origin, c.head.Publisher = origin, anchor.Address{2} })
	cfg.ChainID, cfg.Every, cfg.Poll = 1337, 10*time.Millisecond, 5*time.Millisecond
	a, err := anchor.Open(filepath.Join(dir, "anchor"), origin, source, c, cfg)
	if err != nil {
		return nil, err
	}
	return &Chain{Anchor: a, Trust: anchor.Trust{ChainID: 1337}, Close: func() error { return nil }}, nil
}

var _ anchor.Chain = (*standIn)(nil)

// eventually waits for what becomes true in a moment.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}
