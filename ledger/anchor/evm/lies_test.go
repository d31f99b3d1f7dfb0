// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/anchor/evm/evmtest"
)

// TestLyingNode tells an anchor each of the lies, alone and in turn with honest
// answers, while checkpoints are published. The anchor recovers within a minute
// after the lie, anchors nothing twice, offers no fee above its maximum, and
// never ends Run.
func TestLyingNode(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	most := new(big.Int).Mul(big.NewInt(40), big.NewInt(1e9))
	chain, p, client, log, _ := setup(t, func(c *evm.Config) {
		c.HTTP.Timeout, c.HTTP.Retries = 400*time.Millisecond, -1
		profile, err := evm.ProfileByName("devchain")
		if err != nil {
			t.Fatal(err)
		}
		profile.Gas.MaxFee = most
		c.Profile = profile
	})
	a, err := anchor.Open(t.TempDir(), origin, log, client, anchor.Config{ChainID: chain.ChainID(),
		Every: 20 * time.Millisecond, Poll: 10 * time.Millisecond, StuckAfter: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the anchor ended: %v", err)
		}
	}()
	sizes := map[uint64]bool{}
	for i, l := range evmtest.Lies() {
		for _, inTurn := range []bool{false, true} {
			name := l.Name
			if inTurn {
				name += ", in turn"
			}
			held := t.Run(name, func(t *testing.T) {
				underLie(t, p, a, log, l.Tell(inTurn))
				if i == 0 && !inTurn && a.Status().Renewed == 0 {
					t.Error("no transaction was made anew")
				}
			})
			if !held {
				t.Fatal("the other lies are not told: each could take as long")
			}
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("the anchor ended: %v", err)
			default:
			}
			sizes[log.Size()] = true
		}
	}
	anchoredOnce(t, chain.URL(), client, log)
	if p.FeesWithin(t, most) == 0 {
		t.Error("no lie drove a fee to its maximum")
	}
	t.Logf("COUNT chain_lies %d", 2*len(evmtest.Lies()))
}

// underLie publishes two checkpoints under a lie, ends the lie, and waits until
// the newest checkpoint is anchored.
func underLie(t *testing.T, p *evmtest.Proxy, a *anchor.Anchor, log *memlog.Log,
	fault evmtest.Fault) {
	t.Helper()
	p.Set("", fault)
	for range 2 {
		log.Grow(3)
		rounds := a.Status().Rounds
		for until := time.Now().Add(2 * time.Second); a.Status().Rounds < rounds+4 && time.Now().Before(until); {
			time.Sleep(2 * time.Millisecond)
		}
	}
	during := a.Status()
	p.Set("", nil)
	begin := time.Now()
	for a.Status().Size < log.Size() {
		if time.Since(begin) > time.Minute {
			t.Fatalf("nothing is anchored a minute after the lie: %+v", a.Status())
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Logf("state %q under the lie (%v); anchored %v after it", during.State, during.Err,
		time.Since(begin).Round(time.Millisecond))
}

// anchoredOnce checks the contract's events: each size once, increasing.
func anchoredOnce(t *testing.T, url string, client *evm.Client, log *memlog.Log) {
	t.Helper()
	id := anchor.LogID(origin)
	got := evmtest.RequireAnchoredOnce(t, url, id)
	head, err := client.Head(testContext(t), id)
	if err != nil || head.Size != log.Size() || head.Root != log.Root(head.Size) || int(head.Anchors) != len(got) ||
		len(got) < len(evmtest.Lies()) {
		t.Errorf("head %+v after %d anchors, %v; the log has %d leaves", head, len(got), err, log.Size())
	}
}
