// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// TestDeployBeforeLatest: if a node shows the receipt of the deployment while its
// latest block is still the one before, the client waits, so that the next call
// finds the contract.
func TestDeployBeforeLatest(t *testing.T) {
	chain, p, _, _, _ := setup(t, nil)
	ctx := testContext(t)
	client, err := evm.Dial(ctx, p.URL, evm.Config{ChainID: chain.ChainID(), Key: chain.Key(), HTTP: fastHTTP})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var early atomic.Int32
	p.Set("", func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
		if method == "eth_getCode" && early.Add(1) <= 3 {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":"0x"}`)
			return
		}
		forward(w)
	})
	at, err := client.Deploy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := early.Load(); n < 4 {
		t.Errorf("Deploy returned after %d looks at the contract's code, before the node had it", n)
	}
	if found, err := client.Deployed(ctx, at); err != nil || !found {
		t.Errorf("the contract at %s: %t, %v", at, found, err)
	}
}
