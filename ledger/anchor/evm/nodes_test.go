// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// fundedKey is the first key of the public test mnemonic that Anvil and
// Hardhat fund.
const fundedKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

// node is a chain node of another make, run as a process.
type node struct {
	name string
	bin  string
	args func(port string) []string
}

func nodes(dir string) []node {
	return []node{
		{"anvil", filepath.Join(dir, "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
			func(port string) []string { return []string{"--host", "127.0.0.1", "--port", port, "--silent"} }},
		{"hardhat", filepath.Join(dir, "node_modules/.bin/hardhat"),
			func(port string) []string {
				return []string{"--config", filepath.Join(dir, "hardhat.config.cjs"), "node", "--hostname",
					"127.0.0.1", "--port", port}
			}},
	}
}

// start runs the node until the test ends, and returns its URL.
func (n node) start(t *testing.T, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(n.bin, n.args(port)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HARDHAT_DISABLE_TELEMETRY_PROMPT=true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 300 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return "http://127.0.0.1:" + port
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", n.name)
	return ""
}

var update = flag.Bool("update", false, "write ../testdata/proof-*.json again")

// writeProof keeps a node's proof for the offline verifier's test.
func writeProof(t *testing.T, name string, log *memlog.Log, a *anchor.Anchor, trust anchor.Trust) {
	t.Helper()
	got, ok := a.Covering(log.Size() - 1)
	if !ok {
		t.Fatal("nothing is anchored")
	}
	b, err := json.MarshalIndent(map[string]any{
		"name": name, "origin": origin, "size": got.Checkpoint.Size, "root": got.Checkpoint.Root,
		"trust": trust, "proof": string(got.Proof), "level": anchor.NotVouchedFor, "failed": "",
	}, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "testdata", "proof-"+name+".json"), append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestProofsOfNodes anchors on the embedded chain and checks the proof offline;
// with -update, it and TestNodes keep theirs for the verifier's own test.
func TestProofsOfNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	chain, _, client, log, a := setup(t, nil)
	trust := anchor.Trust{ChainID: chain.ChainID(), Contract: client.Contract(), Publisher: client.From()}
	for range 3 {
		log.Grow(7)
		got, err := a.AnchorNow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		r := anchor.VerifyProof(got.Proof, got.Checkpoint, trust)
		if r.Level != anchor.NotVouchedFor {
			t.Error(r.Summary())
		}
		if newest, err := client.NewestTime(ctx); err != nil || newest.Sub(r.Time).Abs() > time.Minute ||
			newest.Before(r.Time) {
			t.Errorf("the newest block is from %v, %v, and the anchor's from %v", newest, err, r.Time)
		}
	}
	if *update {
		writeProof(t, "go-ethereum", log, a, trust)
	}
}

// TestNodes anchors on Anvil and on Hardhat, each a real process: deployment,
// anchors and proofs, reorganisations of depth 1 to 5, and a chain that makes
// no blocks, so that the fee is raised.
func TestNodes(t *testing.T) {
	dir := os.Getenv("ASSAY_CHAIN_NODES")
	if dir == "" {
		t.Skip("ASSAY_CHAIN_NODES is not set: testdata/install-nodes.sh DIR installs Anvil and Hardhat, then " +
			"ASSAY_CHAIN_NODES=DIR")
	}
	key, err := crypto.HexToECDSA(fundedKey)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := evm.ProfileByName("instant")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes(dir) {
		t.Run(n.name, func(t *testing.T) {
			if _, err := os.Stat(n.bin); err != nil {
				t.Skipf("%s is not installed", n.name)
			}
			c := openNode(t, n, dir, evm.Config{Key: key, Profile: profile, HTTP: fastHTTP})
			for range 3 {
				c.anchor(t)
			}
			c.check(t)
			if *update {
				writeProof(t, n.name, c.log, c.anchorer, c.trust)
			}
			for depth := 1; depth <= 5; depth++ {
				t.Run(fmt.Sprintf("reorganisation of depth %d", depth), func(t *testing.T) { c.reorganise(t, depth) })
			}
			t.Run("no blocks", c.withoutBlocks)
		})
	}
}

// nodeChain is a contract on a running node, and the log that is anchored there.
type nodeChain struct {
	ctx      context.Context
	rpc      *rpc.Client
	client   *evm.Client
	log      *memlog.Log
	anchorer *anchor.Anchor
	trust    anchor.Trust
}

// openNode starts a node and deploys the contract there. It closes all of it
// when the test ends.
func openNode(t *testing.T, n node, dir string, cfg evm.Config) *nodeChain {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	url := n.start(t, dir)
	raw, err := rpc.DialContext(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	client, err := evm.Dial(ctx, url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	contract, err := client.Deploy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := client.Deployed(ctx, contract); !ok || err != nil {
		t.Fatalf("deployed: %v, %v", ok, err)
	}
	if err := client.Register(ctx, origin, client.From()); err != nil {
		t.Fatal(err)
	}
	log := memlog.New(origin)
	a, err := anchor.Open(t.TempDir(), origin, log, client,
		anchor.Config{ChainID: 31337, Poll: 20 * time.Millisecond, StuckAfter: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return &nodeChain{ctx, raw, client, log, a,
		anchor.Trust{ChainID: 31337, Contract: contract, Publisher: client.From()}}
}

// call calls a method of the node that only test nodes have.
func (c *nodeChain) call(t *testing.T, method string, args ...any) (out any) {
	t.Helper()
	if err := c.rpc.CallContext(c.ctx, &out, method, args...); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return out
}

// anchor lets the log grow and anchors it.
func (c *nodeChain) anchor(t *testing.T) {
	t.Helper()
	c.log.Grow(7)
	got, err := c.anchorer.AnchorNow(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r := anchor.VerifyProof(got.Proof, got.Checkpoint, c.trust); r.Level != anchor.NotVouchedFor ||
		got.Checkpoint.Size != c.log.Size() {
		t.Fatalf("%d leaves of %d: %s", got.Checkpoint.Size, c.log.Size(), r.Summary())
	}
}

// check compares the contract's head with the log, and its number of anchors with
// the proofs that are stored.
func (c *nodeChain) check(t *testing.T) {
	t.Helper()
	head, err := c.client.Head(c.ctx, anchor.LogID(origin))
	if err != nil || head.Size != c.log.Size() || head.Root != c.log.Root(head.Size) {
		t.Fatalf("head %+v, log of %d leaves, %v", head, c.log.Size(), err)
	}
	var stored uint32
	for index := uint64(0); index < c.log.Size(); stored++ {
		got, ok := c.anchorer.Covering(index)
		if !ok {
			t.Fatalf("leaf %d is not covered", index)
		}
		if r := anchor.VerifyProof(got.Proof, got.Checkpoint, c.trust); !r.Consistent() {
			t.Error(r.Summary())
		}
		index = got.Checkpoint.Size
	}
	if covered := uint32(c.anchorer.Status().Covered); stored+covered != head.Anchors {
		t.Errorf("%d proofs and %d covered anchors, the contract counts %d", stored, covered, head.Anchors)
	}
}

// reorganise takes back that many anchors, puts another block in their place, and
// goes on.
func (c *nodeChain) reorganise(t *testing.T, depth int) {
	snapshot := c.call(t, "evm_snapshot")
	for range depth {
		c.anchor(t)
	}
	c.call(t, "evm_revert", snapshot)
	c.call(t, "evm_mine")
	c.anchor(t)
	c.check(t)
}

// withoutBlocks has the node make no blocks for a while: the fee is raised, and
// the anchor is made once there are blocks again.
func (c *nodeChain) withoutBlocks(t *testing.T) {
	c.call(t, "evm_setAutomine", false)
	c.log.Grow(7)
	short, cancel := context.WithTimeout(c.ctx, 1500*time.Millisecond)
	_, err := c.anchorer.AnchorNow(short)
	cancel()
	if err == nil {
		t.Fatal("anchored without a block")
	}
	if c.anchorer.Status().Raised == 0 {
		t.Error("the fee was not raised")
	}
	c.call(t, "evm_setAutomine", true)
	c.call(t, "evm_mine")
	if _, err := c.anchorer.AnchorNow(c.ctx); err != nil {
		t.Fatal(err)
	}
	c.check(t)
}
