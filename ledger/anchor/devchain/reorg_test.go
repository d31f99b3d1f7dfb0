// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"fmt"
	"testing"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
)

// TestReorganisation replaces the last blocks of a real node's chain by others,
// although they were final. The stored transactions bring the anchors back, in
// other blocks, with new proofs.
func TestReorganisation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for depth := 1; depth <= 5; depth++ {
		t.Run(fmt.Sprintf("depth %d", depth), func(t *testing.T) {
			ctx := testContext(t)
			log := memlog.New(origin)
			e, err := Start(ctx, t.TempDir(), origin, log, Config{}, anchor.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			blocks := make(map[uint64]anchor.Hash)
			for range 6 {
				log.Grow(5)
				got, err := e.Anchor.AnchorNow(ctx)
				if err != nil {
					t.Fatal(err)
				}
				blocks[got.Checkpoint.Size] = anchor.VerifyProof(got.Proof, got.Checkpoint, e.Trust()).BlockHash
			}
			before, err := e.Client.Head(ctx, anchor.LogID(origin))
			if err != nil {
				t.Fatal(err)
			}
			e.Chain.fork(t, uint64(depth))
			if head, err := e.Client.Head(ctx, anchor.LogID(origin)); err != nil || head.Size >= before.Size {
				t.Fatalf("the reorganisation did not take: head %+v, %v", head, err)
			}
			log.Grow(5)
			if _, err := e.Anchor.AnchorNow(ctx); err != nil {
				t.Fatal(err)
			}
			head, err := e.Client.Head(ctx, anchor.LogID(origin))
			if err != nil || head.Size != log.Size() || head.Root != log.Root(head.Size) {
				t.Fatalf("head %+v, %v; the log has %d leaves", head, err, log.Size())
			}
			var n uint32
			moved := 0
			for index := uint64(0); index < log.Size(); n++ {
				got, ok := e.Anchor.Covering(index)
				if !ok {
					t.Fatalf("leaf %d is not covered", index)
				}
				r := anchor.VerifyProof(got.Proof, got.Checkpoint, e.Trust())
				if !r.Consistent() {
					t.Errorf("%d leaves: %s", got.Checkpoint.Size, r.Summary())
				}
				if b := e.Chain.eth.BlockChain().GetBlockByNumber(r.Block); b == nil ||
					anchor.Hash(b.Hash()) != r.BlockHash {
					t.Errorf("the proof of %d leaves is of block %s, which the chain does not have",
						got.Checkpoint.Size, r.BlockHash)
				}
				if blocks[got.Checkpoint.Size] != r.BlockHash {
					moved++
				}
				index = got.Checkpoint.Size
			}
			if covered := uint32(e.Anchor.Status().Covered); n+covered != head.Anchors {
				t.Errorf("%d proofs and %d covered anchors, the contract counts %d", n, covered, head.Anchors)
			}
			if moved == 0 {
				t.Error("no proof has moved to another block")
			}
		})
	}
}

// fork makes an empty block in place of the last depth blocks. Their
// transactions do not come back by themselves: the pool is emptied, as it is in
// a node that was restored from a backup.
func (c *Chain) fork(t *testing.T, depth uint64) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	bc := c.eth.BlockChain()
	parent := bc.GetBlockByNumber(bc.CurrentBlock().Number.Uint64() - depth)
	if err := c.beacon.Fork(parent.Hash()); err != nil {
		t.Fatal(err)
	}
	if err := c.eth.TxPool().Sync(); err != nil {
		t.Fatal(err)
	}
	c.beacon.Rollback()
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	if got := bc.CurrentBlock(); got.Hash() != parent.Hash() {
		t.Fatalf("the newest block is %v, want %v", got.Number, parent.Number())
	}
}
