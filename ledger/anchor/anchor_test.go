// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
)

var errNode = errors.New("node is down")

// checkAnchored compares all that was stored with the chain: the entries follow
// each other without a gap, each has a proof of its own checkpoint, the newest is
// the contract's head, and the chain has as many anchors as there are entries.
// Only a chain that broke its own finality rule can have anchors that are covered
// by later ones: covered says how many.
func checkAnchored(t *testing.T, a *Anchor, c *fakeChain, log *memlog.Log, covered int) {
	t.Helper()
	head := c.head()
	if head.Size != log.Size() || head.Root != log.Root(log.Size()) {
		t.Fatalf("the contract's head is at %d leaves, the log at %d", head.Size, log.Size())
	}
	if st := a.Status(); st.Size != head.Size || st.Pending != 0 {
		t.Fatalf("status %+v, head %d", st, head.Size)
	}
	var previous uint64
	var n uint32
	var gaps int
	for _, size := range a.store.sizesAbove(0) {
		e, err := a.store.get(size)
		if err != nil {
			t.Fatal(err)
		}
		cp, err := ParseCheckpoint(e.Note)
		if err != nil {
			t.Fatal(err)
		}
		if cp.Root != log.Root(size) {
			t.Errorf("entry of %d leaves has another root than the log", size)
		}
		if r := VerifyProof(e.Proof, cp, Trust{ChainID: 5}); r.Level != NotVouchedFor {
			t.Errorf("entry of %d leaves: %s", size, r.Summary())
		}
		if e.Call.Previous != previous {
			gaps++
		}
		previous = size
		n++
	}
	if int(n)+covered != int(head.Anchors) || gaps > covered {
		t.Errorf("%d entries are stored with %d gaps, %d are covered, the contract counts %d anchors", n,
			gaps, covered, head.Anchors)
	}
	c.set(func() {
		if c.mu.reverted != 0 {
			t.Errorf("%d transactions were refused by the contract", c.mu.reverted)
		}
	})
}

// finish brings the newest checkpoint to the chain, round by round.
func finish(t *testing.T, a *Anchor, c *fakeChain) {
	t.Helper()
	for range 200 {
		idle, err := a.round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if idle {
			return
		}
		c.mine()
		time.Sleep(time.Second)
	}
	t.Fatal("200 rounds and blocks did not finish an anchor")
}

// TestCrash stops at each call of the chain and each write of a file, in turn,
// opens the directory again, and goes on.
func TestCrash(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		c, log := newFakeChain(t), memlog.New(testOrigin)
		c.set(func() { c.mu.lag = 3 })
		dir := t.TempDir()
		for trial := range 200 {
			a, err := Open(dir, testOrigin, log, c, Config{ChainID: 5})
			if err != nil {
				t.Fatalf("trial %d: %v", trial, err)
			}
			log.Grow(rng.IntN(5))
			left := rng.IntN(24)
			c.set(func() {
				c.mu.fault = func(string) (error, error) {
					left--
					switch {
					case left > 0:
						return nil, nil
					case left == 0 && rng.IntN(2) == 0:
						return nil, errNode // the call took effect, and the process died
					}
					return errNode, nil
				}
			})
			for range 10 {
				if _, err := a.round(t.Context()); err != nil {
					if !errors.Is(err, errNode) {
						t.Fatalf("trial %d: %v", trial, err)
					}
					break
				}
				c.mine()
			}
			if rng.IntN(4) == 0 { // a write that was cut short
				if err := os.WriteFile(filepath.Join(dir, "pending.json.tmp"), []byte(`[{"ver`), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if rng.IntN(5) == 0 {
				c.drop(1+rng.IntN(3), rng.IntN(2) == 0)
			}
		}
		c.set(func() { c.mu.fault = nil })
		a, err := Open(dir, testOrigin, log, c, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		finish(t, a, c)
		checkAnchored(t, a, c, log, 0)
		t.Logf("%d anchors over 200 crashes", c.head().Anchors)
		t.Logf("COUNT anchor_crashes %d", 200)
	})
}

// TestForkGuard: a log that contradicts the contract's head is reported, and
// nothing is sent.
func TestForkGuard(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		edit func(log *memlog.Log)
		want string
	}{
		{"rolled back", func(l *memlog.Log) { l.Fork(5) }, "rolled back"},
		{"same size, other root", func(l *memlog.Log) { l.Fork(5); l.Grow(5) }, "forked"},
		{"longer, other history", func(l *memlog.Log) { l.Fork(5); l.Grow(50) }, "forked"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chain, log := newFakeChain(t), memlog.New(testOrigin)
				a, err := Open(t.TempDir(), testOrigin, log, chain, Config{})
				if err != nil {
					t.Fatal(err)
				}
				log.Grow(10)
				finish(t, a, chain)
				c.edit(log)
				sent := 0
				chain.set(func() { sent = chain.mu.calls["Send"] })
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := a.Run(ctx); err != nil { // it keeps trying: scoring must not end because of it
					t.Errorf("Run: %v", err)
				}
				if st := a.Status(); st.State != Contradicted || !errors.Is(st.Err, assay.ErrCorrupt) ||
					!strings.Contains(st.Err.Error(), c.want) {
					t.Errorf("status %s, %v; want %q", st.State, st.Err, c.want)
				}
				if err := a.ConfirmNewest(t.Context(), log.Size()); !errors.Is(err, assay.ErrCorrupt) {
					t.Errorf("Confirm: %v, want ErrCorrupt", err)
				}
				if _, err := a.AnchorNow(t.Context()); !errors.Is(err, assay.ErrCorrupt) {
					t.Errorf("AnchorNow: %v, want ErrCorrupt", err)
				}
				chain.set(func() {
					if chain.mu.calls["Send"] != sent {
						t.Error("a fork was sent to the chain")
					}
				})
			})
		})
	}
}

// TestAnotherWriter lets somebody else with the key anchor the same log: this
// side finds the head moved, and goes on from there.
func TestAnotherWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		open := func() *Anchor {
			a, err := Open(t.TempDir(), testOrigin, log, chain, Config{})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		a, b := open(), open()
		for i := range 10 {
			log.Grow(4)
			x, y := a, b
			if i%2 == 0 {
				x, y = b, a
			}
			if _, err := x.round(t.Context()); err != nil {
				t.Fatal(err)
			}
			log.Grow(3)
			finish(t, x, chain)
			finish(t, y, chain)
		}
		if head := chain.head(); head.Size != log.Size() {
			t.Errorf("head %d, log %d", head.Size, log.Size())
		}
	})
}

func TestCovering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		dir := t.TempDir()
		var delivered []uint64
		cfg := Config{Anchored: func(note []byte, proof json.RawMessage) error {
			cp, err := ParseCheckpoint(note)
			if err == nil && len(proof) > 0 {
				delivered = append(delivered, cp.Size)
			}
			return err
		}}
		a, err := Open(dir, testOrigin, log, chain, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.Covering(0); ok {
			t.Error("a leaf is covered before the first anchor")
		}
		for range 3 {
			log.Grow(10)
			finish(t, a, chain)
		}
		if a, err = Open(dir, testOrigin, log, chain, cfg); err != nil {
			t.Fatal(err)
		}
		finish(t, a, chain)
		for index := range uint64(31) {
			got, ok := a.Covering(index)
			if want := index/10*10 + 10; ok != (index < 30) || ok && (got.Checkpoint.Size != want || got.Tx.IsZero()) {
				t.Errorf("leaf %d: covered by %d, %v; want %d", index, got.Checkpoint.Size, ok, want)
			}
		}
		if fmt.Sprint(delivered) != "[10 20 30 30]" {
			t.Errorf("Config.Anchored saw %v", delivered)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	chain, log := newFakeChain(t), memlog.New(testOrigin)
	if _, err := Open(t.TempDir(), "", log, chain, Config{}); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("no origin: %v", err)
	}
	if _, err := Open(t.TempDir(), testOrigin, log, chain, Config{Every: -1}); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("negative duration: %v", err)
	}
	dir := t.TempDir()
	a, err := Open(dir, testOrigin, log, chain, Config{})
	if err != nil {
		t.Fatal(err)
	}
	log.Grow(1)
	if _, err := a.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "another", log, chain, Config{}); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("directory of another log: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pending.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, testOrigin, log, chain, Config{}); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("damaged file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "anchors", "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, testOrigin, log, chain, Config{}); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("stray file: %v", err)
	}
}
