// SPDX-License-Identifier: Apache-2.0

// Package evmtest is a proxy between a client and a real chain node, for tests:
// it fails as nodes fail, lies as a bad node may, and keeps what was sent.
package evmtest

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// Fault answers one request as a bad node does. forward shows the request to the
// real node; before and after that, a Fault may take the connection over.
type Fault func(method string, w http.ResponseWriter, forward func(http.ResponseWriter))

// Proxy forwards requests between a client and a node, with faults.
type Proxy struct {
	*httptest.Server

	mu    sync.Mutex
	node  string
	fault Fault // nil = forward
	sent  []json.RawMessage
}

// NewProxy starts a proxy that is honest, for the length of the test.
func NewProxy(t testing.TB, node string) *Proxy {
	p := &Proxy{node: node}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// Set changes the node (empty: keep it) and the fault (nil: none).
func (p *Proxy) Set(node string, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
	if node != "" {
		p.node = node
	}
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	var call struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(body, &call)
	p.mu.Lock()
	node, fault := p.node, p.fault
	if call.Method == sendMethod {
		p.sent = append(p.sent, call.Params)
	}
	p.mu.Unlock()
	forward := func(w http.ResponseWriter) {
		resp, err := http.Post(node, "application/json", bytes.NewReader(body))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, resp.Body)
	}
	if fault == nil {
		forward(w)
		return
	}
	fault(call.Method, w, forward)
}

// Sent returns every transaction that was sent, whether the node saw it or not.
func (p *Proxy) Sent(t testing.TB) []*types.Transaction {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var txs []*types.Transaction
	for _, params := range p.sent {
		var raw []hexutil.Bytes
		tx := new(types.Transaction)
		if err := json.Unmarshal(params, &raw); err != nil || len(raw) != 1 {
			t.Fatalf("%s: %v", params, err)
		}
		if err := tx.UnmarshalBinary(raw[0]); err != nil {
			t.Fatal(err)
		}
		txs = append(txs, tx)
	}
	return txs
}

// FeesWithin requires that no transaction offered more than most wei per gas, and
// counts those that offered exactly that.
func (p *Proxy) FeesWithin(t testing.TB, most *big.Int) (capped int) {
	t.Helper()
	for _, tx := range p.Sent(t) {
		if tx.GasFeeCap().Cmp(most) > 0 || tx.GasTipCap().Cmp(most) > 0 || tx.Gas() > 6_250_000 {
			t.Errorf("a transaction offers %s (tip %s) for %d gas, at most %s", tx.GasFeeCap(), tx.GasTipCap(),
				tx.Gas(), most)
		}
		if tx.GasFeeCap().Cmp(most) == 0 {
			capped++
		}
	}
	return capped
}
