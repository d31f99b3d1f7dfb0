// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assayrisk/assay/internal/memlog"
)

// chainFault is something that goes wrong with a chain.
type chainFault struct {
	name    string
	lag     int // blocks until final
	run     func(t *testing.T, c *fakeChain)
	unfinal bool // the chain breaks its own finality rule
}

// failWhile has a chain fail for a while.
func failWhile(d time.Duration, fault func(method string) (before, after error)) func(*testing.T, *fakeChain) {
	return func(_ *testing.T, c *fakeChain) {
		c.set(func() { c.mu.fault = fault })
		time.Sleep(d)
		c.set(func() { c.mu.fault = nil })
	}
}

// before fails each call of a method before it takes effect.
func before(method string, err error) func(string) (error, error) {
	return func(m string) (error, error) {
		if m == method {
			return err, nil
		}
		return nil, nil
	}
}

// everyThird fails every third call.
func everyThird() func(string) (error, error) {
	n := 0
	return func(string) (error, error) {
		if n++; n%3 == 0 {
			return errNode, nil
		}
		return nil, nil
	}
}

// chainFaults is the table of TestChainFaults.
func chainFaults() []chainFault {
	nothing := func(*testing.T, *fakeChain) {}
	faults := []chainFault{
		{"none", 0, nothing, false},
		{"none, final after 3 blocks", 3, nothing, false},
		{"down for minutes", 0,
			failWhile(7*time.Minute, func(string) (error, error) { return errNode, nil }), false},
		{"connection dropped after the node accepted", 0,
			failWhile(4*time.Minute, func(m string) (error, error) {
				if m == "Send" {
					return nil, errNode
				}
				return nil, nil
			}), false},
		{"transactions refused with an error", 0,
			failWhile(4*time.Minute, before("Send", errors.New("internal error"))), false},
		{"proofs not to be had", 0, failWhile(4*time.Minute, before("Prove", errNode)), false},
		{"every third call fails", 0, func(t *testing.T, c *fakeChain) {
			failWhile(10*time.Minute, everyThird())(t, c)
		}, false},
		{"pool forgets transactions", 0, func(_ *testing.T, c *fakeChain) {
			for range 50 {
				time.Sleep(3 * time.Second)
				c.set(func() { clear(c.mu.pool) })
			}
		}, false},
		{stuckFee, 0, func(_ *testing.T, c *fakeChain) {
			c.set(func() { c.mu.minFee = 3 })
			time.Sleep(20 * time.Minute)
			c.set(func() { c.mu.minFee = 0 })
		}, false},
		{"wrong chain after a fail-over", 0, failOverToAnotherChain, false},
	}
	for depth := 1; depth <= 5; depth++ {
		reorganise := func(_ *testing.T, c *fakeChain) { c.drop(depth, false) }
		lose := func(_ *testing.T, c *fakeChain) { c.drop(depth, true) }
		faults = append(faults,
			chainFault{fmt.Sprintf("reorganisation of depth %d", depth), depth, reorganise, false},
			chainFault{fmt.Sprintf("reorganisation of depth %d, of final blocks", depth), 0, reorganise, true},
			chainFault{fmt.Sprintf("last %d blocks lost", depth), 0, lose, true},
			chainFault{fmt.Sprintf("last %d blocks and the pool lost, not final", depth), depth, lose, false})
	}
	return faults
}

const stuckFee = "stuck fee"

// failOverToAnotherChain has the node be on another chain for a while: nothing
// may be sent to it.
func failOverToAnotherChain(t *testing.T, c *fakeChain) {
	var sent int
	// A round that has asked for the chain may still send: its transaction names the chain (EIP-155).
	synctest.Wait()
	c.set(func() { c.mu.id, sent = 6, c.mu.calls["Send"] })
	time.Sleep(5 * time.Minute)
	c.set(func() {
		if c.mu.calls["Send"] != sent {
			t.Errorf("%d transactions were sent to another chain", c.mu.calls["Send"]-sent)
		}
		c.mu.id = 5
	})
}

// TestChainFaults runs the anchor on a chain while something goes wrong with
// it, and asks afterwards that nothing is anchored twice, left out, or wrong.
func TestChainFaults(t *testing.T) {
	for i, f := range chainFaults() {
		t.Run(f.name, func(t *testing.T) {
			if testing.Short() && i%10 != 3 {
				t.Skip("takes a second; one in ten is enough here")
			}
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { anchorThrough(t, f) })
		})
	}
}

// anchorThrough anchors a growing log for ten minutes before a fault, during
// it, and for ten minutes after it.
func anchorThrough(t *testing.T, f chainFault) {
	c := newFakeChain(t)
	c.set(func() { c.mu.lag = f.lag })
	log := memlog.New(testOrigin)
	a, err := Open(t.TempDir(), testOrigin, log, c,
		Config{ChainID: 5, Every: 2 * time.Minute, Poll: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- a.Run(ctx) }()
	go every(ctx, 12*time.Second, c.mine)
	go every(ctx, 7*time.Second, func() { log.Grow(3) })
	time.Sleep(10*time.Minute + 5*time.Second)
	if n := c.head().Anchors; n < 4 {
		t.Errorf("%d anchors in 10 minutes without a fault", n)
	}
	f.run(t, c)
	logCatchUp(t, a, f.name, log.Size())
	time.Sleep(10 * time.Minute)
	cancel()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	finish(t, a, c)
	covered := 0
	if f.unfinal {
		covered = int(a.Status().Covered)
	}
	checkAnchored(t, a, c, log, covered)
	if f.name == stuckFee && a.Status().Raised < 2 {
		t.Errorf("the fee was raised %d times, want at least 2", a.Status().Raised)
	}
}

// logCatchUp reports how long after a fault everything in the log at its end was
// anchored: by the test's clock, with a block every 12 seconds, a checkpoint
// every 2 minutes and a poll every 5 seconds.
func logCatchUp(t *testing.T, a *Anchor, fault string, size uint64) {
	begin := time.Now()
	for a.Status().Size < size {
		if time.Since(begin) > 9*time.Minute {
			t.Errorf("%d leaves are not anchored 9 minutes after the fault", size)
			return
		}
		time.Sleep(time.Second)
	}
	t.Logf("S catchup_%s %.0f", strings.NewReplacer(" ", "_", ",", "").Replace(fault), time.Since(begin).Seconds())
}

// every calls f at a pace until ctx is done.
func every(ctx context.Context, pace time.Duration, f func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pace):
			f()
		}
	}
}
