// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// emptyLog is a source with nothing published.
type emptyLog struct{}

func (emptyLog) Checkpoint(context.Context) ([]byte, error) { return nil, nil }
func (emptyLog) Consistency(context.Context, uint64, uint64) ([][]byte, error) {
	return nil, nil
}

// TestChainThatIsDown: a chain that cannot be reached does not keep the server
// from starting when its id is known, and does when it is not.
func TestChainThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close() // nobody listens there now
	key, err := evm.MakeKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := evm.ProfileByName("ethereum")
	if err != nil {
		t.Fatal(err)
	}
	client, err := evm.Dial(t.Context(), url,
		evm.Config{ChainID: 7, Contract: anchor.Address{1}, Key: key, Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	c, err := connectChain(ctx, client, 7, t.TempDir(), "log.example/x", emptyLog{}, anchor.Config{})
	if err != nil || c.Trust.ChainID != 7 {
		t.Errorf("chain %+v, %v: want one that waits", c, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := connectChain(ctx, client, 0, t.TempDir(), "log.example/x", emptyLog{}, anchor.Config{}); err == nil {
		t.Error("a chain whose id nobody knows was taken")
	}
}
