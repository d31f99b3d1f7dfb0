// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// forbidden is what an auditor's tool must not link: whatever stores, writes a
// log or talks to a network.
var forbidden = []string{
	"net", "net/http", "net/rpc", "crypto/tls", "os/exec",
	"github.com/cockroachdb/pebble", "github.com/transparency-dev/tessera", "google.golang.org/grpc",
	"github.com/hashicorp/go-retryablehttp", "github.com/tink-crypto/tink-go",
	"github.com/ethereum/go-ethereum/rpc", "github.com/ethereum/go-ethereum/ethclient",
	"github.com/ethereum/go-ethereum/node", "github.com/ethereum/go-ethereum/eth",
	"github.com/assayrisk/assay/ledger/journal", "github.com/assayrisk/assay/ledger/vault",
	"github.com/assayrisk/assay/ledger/anchor/evm", "github.com/assayrisk/assay/serving",
}

// TestIndependence lists everything that assay-verify links.
func TestIndependence(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	if len(linked) < 50 {
		t.Fatalf("go list names %d packages: it did not list the dependencies", len(linked))
	}
	for _, p := range linked {
		for _, f := range forbidden {
			if p == f || strings.Contains(f, ".") && strings.HasPrefix(p, f+"/") {
				t.Errorf("assay-verify links %s", p)
			}
		}
	}
}
