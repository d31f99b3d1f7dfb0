// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/anchor/evm/evmtest"
)

const origin = "assay.test/log"

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		c.Close()
	}
}

// fastHTTP keeps the tests short.
var fastHTTP = evm.HTTP{WaitMin: time.Millisecond, WaitMax: 4 * time.Millisecond, Timeout: 5 * time.Second}

// setup starts a node, and an anchor that speaks to it through a proxy.
func setup(t *testing.T, edit func(*evm.Config)) (*devchain.Chain, *evmtest.Proxy, *evm.Client,
	*memlog.Log, *anchor.Anchor) {
	t.Helper()
	ctx := testContext(t)
	chain, err := devchain.Open(ctx, t.TempDir(), devchain.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	own, err := chain.Client(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	if err := own.Register(ctx, origin, own.From()); err != nil {
		t.Fatal(err)
	}
	p := evmtest.NewProxy(t, chain.URL())
	cfg := evm.Config{ChainID: chain.ChainID(), Contract: own.Contract(), Key: chain.Key(), HTTP: fastHTTP}
	if edit != nil {
		edit(&cfg)
	}
	client, err := evm.Dial(ctx, p.URL, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	log := memlog.New(origin)
	a, err := anchor.Open(t.TempDir(), origin, log, client,
		anchor.Config{ChainID: chain.ChainID(), Poll: 10 * time.Millisecond, StuckAfter: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return chain, p, client, log, a
}

// TestWrongChain fails over to a node of another chain that has a contract at
// the same address: nothing is sent to it.
func TestWrongChain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	chain, p, _, log, a := setup(t, nil)
	other, err := devchain.Open(ctx, t.TempDir(), devchain.Config{ChainID: 777002})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	log.Grow(5)
	if _, err := a.AnchorNow(ctx); err != nil {
		t.Fatal(err)
	}
	p.Set(other.URL(), nil)
	log.Grow(5)
	sent := len(p.Sent(t))
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, err = a.AnchorNow(short)
	if !errors.Is(err, assay.ErrPrecondition) || !strings.Contains(err.Error(), "777002") {
		t.Errorf("on another chain: %v", err)
	}
	if len(p.Sent(t)) != sent {
		t.Error("a transaction was sent to another chain")
	}
	p.Set(chain.URL(), nil)
	if _, err := a.AnchorNow(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestStuckFee offers less than the node's block maker accepts: the transaction
// waits, and is replaced under its nonce until it is in a block.
func TestStuckFee(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	// the maker asks for 1,000,000
	_, _, client, log, a := setup(t, func(c *evm.Config) { c.Profile.Gas.Tip = big.NewInt(700_000) })
	log.Grow(5)
	got, err := a.AnchorNow(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Status(); s.Raised == 0 {
		t.Errorf("the fee was never raised: %+v", s)
	}
	head, err := client.Head(ctx, anchor.LogID(origin))
	if err != nil || head.Anchors != 1 || head.Size != got.Checkpoint.Size {
		t.Errorf("head %+v, %v", head, err)
	}
	if s, err := client.Find(ctx, got.Tx); err != nil || s != anchor.TxIncluded {
		t.Errorf("the last replacement is %s, %v", s, err)
	}
}

// TestMaxFee: a fee is not raised above its maximum.
func TestMaxFee(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	_, _, client, log, _ := setup(t, func(c *evm.Config) {
		c.Profile.Gas = evm.Gas{Tip: big.NewInt(10), MaxFee: big.NewInt(100)}
	})
	log.Grow(5)
	call := anchor.Call{LogID: anchor.LogID(origin), Size: 5, Root: anchor.Hash(log.Root(5))}
	tx, err := client.Sign(ctx, call, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Sign(ctx, call, &tx); !errors.Is(err, assay.ErrExhausted) {
		t.Errorf("raising a fee at its maximum: %v, want ErrExhausted", err)
	}
}

// TestRefusedBeforeSent: a call that the contract would refuse is refused, with
// the contract's reason, when it is signed.
func TestRefusedBeforeSent(t *testing.T) {
	ctx := testContext(t)
	_, _, client, log, a := setup(t, nil)
	log.Grow(5)
	if _, err := a.AnchorNow(ctx); err != nil {
		t.Fatal(err)
	}
	id := anchor.LogID(origin)
	for want, call := range map[string]anchor.Call{
		"Stale":        {LogID: id, Previous: 4, Size: 9},
		"NotNewer":     {LogID: id, Previous: 5, Size: 5},
		"Inconsistent": {LogID: id, Previous: 5, Size: 9, Proof: [][]byte{make([]byte, 32)}},
		"NotPublisher": {LogID: anchor.LogID("another"), Size: 9},
	} {
		if _, err := client.Sign(ctx, call, nil); !errors.Is(err, anchor.ErrReverted) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestURLStaysSecret: no error contains the URL, whatever fails.
func TestURLStaysSecret(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-key"
	ctx := testContext(t)
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	notFound := httptest.NewServer(http.NotFoundHandler())
	defer notFound.Close()
	for _, base := range []string{down.URL, notFound.URL, "http://user:" + secret + "@127.0.0.1:1", "ftp://127.0.0.1",
		"http://127.0.0.1:1\x7f"} {
		_, err := evm.Dial(ctx, base+"/v3/"+secret, evm.Config{HTTP: fastHTTP})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("dialling: %v", err)
		}
	}
}

// TestNoContract: where there is nothing at the address, the error says so.
func TestNoContract(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	chain, _, _, _, _ := setup(t, nil)
	c, err := evm.Dial(ctx, chain.URL(), evm.Config{Contract: anchor.Address{9}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Head(ctx, anchor.LogID(origin)); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("head without a contract: %v", err)
	}
	if ok, err := c.Deployed(ctx, anchor.Address{9}); ok || err != nil {
		t.Errorf("deployed: %v, %v", ok, err)
	}
	if _, err := c.Sign(ctx, anchor.Call{}, nil); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("signing without a key: %v", err)
	}
}

// TestRotation gives the log to another key: from then on the old one is refused.
func TestRotation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	_, _, client, log, a := setup(t, nil)
	log.Grow(5)
	if _, err := a.AnchorNow(ctx); err != nil {
		t.Fatal(err)
	}
	next := anchor.Address{7}
	if err := client.Register(ctx, origin, next); !errors.Is(err, assay.ErrConflict) {
		t.Errorf("registering again: %v", err)
	}
	if err := client.Rotate(ctx, origin, next); err != nil {
		t.Fatal(err)
	}
	_, err := client.Sign(ctx, anchor.Call{LogID: anchor.LogID(origin), Previous: 5, Size: 6}, nil)
	if !errors.Is(err, anchor.ErrReverted) || !strings.Contains(err.Error(), "NotPublisher") {
		t.Errorf("the old key anchors: %v", err)
	}
	if head, err := client.Head(ctx, anchor.LogID(origin)); err != nil || head.Publisher != next || head.Size != 5 {
		t.Errorf("head %+v, %v", head, err)
	}
}

// TestOwnership offers the contract and withdraws the offer: only the key that it
// is offered to can take it.
func TestOwnership(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	_, _, client, _, _ := setup(t, nil)
	if err := client.TakeOwnership(ctx); !errors.Is(err, anchor.ErrReverted) ||
		!strings.Contains(err.Error(), "NotPendingOwner") {
		t.Errorf("taking what was not offered: %v", err)
	}
	if err := client.OfferOwnership(ctx, client.From()); err != nil {
		t.Fatal(err)
	}
	if err := client.TakeOwnership(ctx); err != nil {
		t.Fatal(err)
	}
	if err := client.OfferOwnership(ctx, anchor.Address{9}); err != nil {
		t.Fatal(err)
	}
	if err := client.OfferOwnership(ctx, anchor.Address{}); err != nil {
		t.Fatal(err)
	}
	if err := client.TakeOwnership(ctx); !errors.Is(err, anchor.ErrReverted) {
		t.Errorf("taking a withdrawn offer: %v", err)
	}
}
