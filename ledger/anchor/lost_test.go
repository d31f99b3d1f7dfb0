// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
)

// TestSyncingNode fails over, twice, to a node that is still catching up with the
// newest block. The anchors of its blocks are covered by later ones since, and no
// stored entry continues that node's head: this is not a fork.
func TestSyncingNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		a, err := Open(t.TempDir(), testOrigin, log, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			log.Grow(10)
			finish(t, a, chain)
		}
		for _, size := range []uint64{20, 10, 0, 20} {
			var whole []fakeBlock
			chain.set(func() {
				whole = slices.Clone(chain.mu.blocks)
				for chain.top().head.Size > size {
					chain.mu.blocks = chain.mu.blocks[:len(chain.mu.blocks)-1]
				}
			})
			for range 3 {
				if _, err := a.round(t.Context()); err != nil {
					t.Fatalf("a node at %d leaves: %v", size, err)
				}
			}
			chain.set(func() { // it has caught up, and what was sent to it has lost its place
				chain.mu.blocks = whole
				clear(chain.mu.pool)
			})
			finish(t, a, chain)
		}
		log.Grow(5)
		finish(t, a, chain)
		if head := chain.head(); head.Size != 45 || head.Anchors != 5 {
			t.Errorf("head %+v, want 45 leaves after 5 anchors", head)
		}
		if got, ok := a.Covering(44); !ok || got.Checkpoint.Size != 45 {
			t.Errorf("the newest leaf is not covered: %+v", got)
		}
	})
}

// TestLostAndForked has the chain lose an anchor, and the contract hold another
// history after that. The stored transaction would be refused for ever; the
// anchor reports the contradiction instead.
func TestLostAndForked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		a, err := Open(t.TempDir(), testOrigin, log, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			log.Grow(10)
			finish(t, a, chain)
		}
		chain.set(func() {
			for chain.top().head.Size > 10 {
				chain.mu.blocks = chain.mu.blocks[:len(chain.mu.blocks)-1]
			}
			chain.top().head.Root = assay.Digest{1}
		})
		for range 5 {
			if _, err = a.round(t.Context()); err != nil {
				break
			}
		}
		if !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%v, want ErrCorrupt", err)
		}
	})
}

// TestNothingPublishedYet opens a log that has anchors and has published nothing
// since, as after a crash between signing and publishing while the witnesses
// cannot be reached. That is not a rollback; a smaller checkpoint is.
func TestNothingPublishedYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		dir := t.TempDir()
		a, err := Open(dir, testOrigin, log, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		log.Grow(10)
		finish(t, a, chain)
		late := memlog.New(testOrigin)
		if a, err = Open(dir, testOrigin, late, chain, Config{ChainID: 5}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.round(t.Context()); !errors.Is(err, assay.ErrUnavailable) || errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("nothing published: %v, want ErrUnavailable", err)
		}
		late.Grow(5)
		if _, err := a.round(t.Context()); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("less published than anchored: %v, want ErrCorrupt", err)
		}
	})
}

// TestClockSetBack restarts with a transaction that was signed ten years from
// now, by its file: it is stuck all the same.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		chain.set(func() { chain.mu.minFee = 2 })
		dir := t.TempDir()
		a, err := Open(dir, testOrigin, log, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		log.Grow(10)
		if _, err := a.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		q := slices.Clone(a.mu.queue)
		q[0].SignedAt = time.Now().UTC().AddDate(10, 0, 0)
		if err := a.store.setPending(q); err != nil {
			t.Fatal(err)
		}
		if a, err = Open(dir, testOrigin, log, chain, Config{ChainID: 5}); err != nil {
			t.Fatal(err)
		}
		finish(t, a, chain)
		if st := a.Status(); st.Raised == 0 || st.Size != 10 {
			t.Errorf("status %+v", st)
		}
	})
}
