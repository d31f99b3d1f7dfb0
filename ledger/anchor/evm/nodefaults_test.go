// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm/evmtest"
)

// nodeFault is a way in which nodes fail over HTTP.
type nodeFault struct {
	name  string
	fault evmtest.Fault
	heals bool // nothing is anchored before the fault ends
}

// everyNth has a node fail every n-th request.
func everyNth(n int, fault evmtest.Fault) evmtest.Fault {
	var requests int
	return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
		if requests++; requests%n == 0 {
			fault(method, w, forward)
			return
		}
		forward(w)
	}
}

// onMethod has a node fail the requests of one method.
func onMethod(target string, fault func(w http.ResponseWriter, forward func(http.ResponseWriter))) evmtest.Fault {
	return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
		if method == target {
			fault(w, forward)
			return
		}
		forward(w)
	}
}

// rpcError answers with an error of JSON-RPC and status 200.
func rpcError(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"error":{"code":%d,"message":%q}}`, code, text)
}

// nodeFaults is the table of TestNodeFaults.
func nodeFaults() []nodeFault {
	return []nodeFault{
		{"503 every second time", everyNth(2, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(503)
		}), false},
		{"429 every third time", everyNth(3, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(429)
		}), false},
		{"connection cut before the node",
			everyNth(3, func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) { cut(w) }), false},
		{"connection cut after the node accepted",
			onMethod("eth_sendRawTransaction", func(w http.ResponseWriter, forward func(http.ResponseWriter)) {
				forward(httptest.NewRecorder()) // the node has it, the client does not know
				cut(w)
			}), false},
		{"503 after the node accepted",
			onMethod("eth_sendRawTransaction", func(w http.ResponseWriter, forward func(http.ResponseWriter)) {
				w.WriteHeader(503)
				forward(w)
			}), false},
		{"down", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) { cut(w) }, true},
		{"503 for all", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(503)
		}, true},
		{"error in a 200 for transactions",
			onMethod("eth_sendRawTransaction", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
				rpcError(w, -32000, "internal error")
			}), true},
		{"rate limit in a 200 for all", func(_ string, w http.ResponseWriter, _ func(http.ResponseWriter)) {
			rpcError(w, -32005, "too many requests")
		}, true},
		{"proofs not to be had", onMethod("eth_getProof", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
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
}

// TestNodeFaults makes a real node fail in the ways that nodes fail over HTTP,
// while checkpoints are anchored: each is anchored once.
func TestNodeFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cases := nodeFaults()
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
