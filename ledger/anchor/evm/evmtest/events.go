// SPDX-License-Identifier: Apache-2.0

package evmtest

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
)

// RequireAnchoredOnce reads the contract's events of a log from an honest node,
// requires that the sizes strictly increase, and returns them.
func RequireAnchoredOnce(t testing.TB, url string, logID [32]byte) []uint64 {
	t.Helper()
	node, err := ethclient.DialContext(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	event := crypto.Keccak256Hash([]byte("Anchored(bytes32,uint64,bytes32,uint64)"))
	events, err := node.FilterLogs(t.Context(), ethereum.FilterQuery{FromBlock: new(big.Int),
		Topics: [][]common.Hash{{event}, {common.Hash(logID)}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, e := range events {
		got = append(got, e.Topics[2].Big().Uint64())
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Errorf("anchored %d leaves after %d", got[i], got[i-1])
		}
	}
	return got
}
