// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"errors"
	"fmt"
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

// TestNodeFaults lets a real node fail in the ways that nodes fail over HTTP,
// while checkpoints are anchored, and asks that each is anchored once.
func TestNodeFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var n int
	every := func(k int, do func(method string, w http.ResponseWriter, forward func(http.ResponseWriter))) func(string,
		http.ResponseWriter, func(http.ResponseWriter)) {
		return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
			if n++; n%k == 0 {
				do(method, w, forward)
				return
			}
			forward(w)
		}
	}
	on := func(target string, do func(w http.ResponseWriter, forward func(http.ResponseWriter))) func(string,
		http.ResponseWriter, func(http.ResponseWriter)) {
		return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
			if method == target {
				do(w, forward)
				return
			}
			forward(w)
		}
	}
	rpcError := func(w http.ResponseWriter, code int, text string) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"error":{"code":%d,"message":%q}}`, code, text)
	}
	cases := []struct {
		name  string
		fault func(method string, w http.ResponseWriter, forward func(http.ResponseWriter))
		heals bool // nothing is anchored before the fault ends
	}{
		{"503 every second time", every(2, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(503)
		}), false},
		{"429 every third time", every(3, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(429)
		}), false},
		{"connection cut before the node",
			every(3, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) { cut(w) }), false},
		{"connection cut after the node accepted",
			on("eth_sendRawTransaction", func(w http.ResponseWriter, forward func(http.ResponseWriter)) {
				forward(httptest.NewRecorder()) // the node has it, the client does not know
				cut(w)
			}), false},
		{"503 after the node accepted",
			on("eth_sendRawTransaction", func(w http.ResponseWriter, forward func(http.ResponseWriter)) {
				w.WriteHeader(503)
				forward(w)
			}), false},
		{"down", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) { cut(w) }, true},
		{"503 for all", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(503)
		}, true},
		{"error in a 200 for transactions",
			on("eth_sendRawTransaction", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
				rpcError(w, -32000, "internal error")
			}), true},
		{"rate limit in a 200 for all", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			rpcError(w, -32005, "too many requests")
		}, true},
		{"proofs not to be had", on("eth_getProof", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			rpcError(w, -32601, "the method does not exist")
		}), true},
		{"answers that are not JSON", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			fmt.Fprint(w, "<html>maintenance</html>")
		}, true},
		{"answers cut short", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"resu`)
		}, true},
		{"null for every answer", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":null}`)
		}, true},
	}
	_, p, client, log, a := setup(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			p.Set("", c.fault)
			log.Grow(3)
			if c.heals {
				short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				_, err := a.AnchorNow(short)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("during the fault: %v", err)
				}
				if strings.Contains(err.Error(), p.URL) {
					t.Errorf("the node's URL is in the error: %v", err)
				}
				p.Set("", nil)
			}
			start := time.Now()
			got, err := a.AnchorNow(ctx)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("anchored %v after the fault", time.Since(start).Round(time.Millisecond))
			t.Logf("S catchup_node_%s %.3f", strings.ReplaceAll(c.name, " ", "_"), time.Since(start).Seconds())
			p.Set("", nil)
			if got.Checkpoint.Size != log.Size() {
				t.Errorf("anchored %d leaves of %d", got.Checkpoint.Size, log.Size())
			}
		})
	}
	head, err := client.Head(testContext(t), anchor.LogID(origin))
	if err != nil || int(head.Anchors) != len(cases) || head.Size != log.Size() || head.Root != log.Root(head.Size) {
		t.Errorf("head %+v after %d checkpoints, %v", head, len(cases), err)
	}
}

// TestWrongChain fails over to a node of another chain that has a contract at
// the same address: nothing is sent to it.
func TestWrongChain(t *testing.T) {
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

// TestStuckFee offers less than the node's block maker takes: the transaction
// waits, and is replaced under its nonce until it is taken.
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

// TestMaxFee stops raising where it was told to.
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

// TestRefusedBeforeSent asks that a call that the contract would refuse is
// refused when it is signed, and named.
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

// TestURLStaysSecret asks that no error names the URL, whatever has failed.
func TestURLStaysSecret(t *testing.T) {
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

// TestNoContract asks for a plain word where there is nothing at the address.
func TestNoContract(t *testing.T) {
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

// TestRotation hands the log to another key, which goes on; the old one cannot.
func TestRotation(t *testing.T) {
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

// TestOwnership offers the contract, withdraws the offer, and finds that only
// whom it is offered to can take it.
func TestOwnership(t *testing.T) {
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
