// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/anchor/evm/evmtest"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/serving/assayclient"
)

// liar is a real chain behind a proxy that can lie.
type liar struct {
	t     *testing.T
	chain *devchain.Chain
	own   *evm.Client // asks the chain itself
	proxy *evmtest.Proxy
	most  *big.Int // wei per gas that may be offered
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	chain, err := devchain.Open(t.Context(), t.TempDir(), devchain.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	own, err := chain.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	return &liar{t: t, chain: chain, own: own, proxy: evmtest.NewProxy(t, chain.URL()),
		most: new(big.Int).Mul(big.NewInt(40), big.NewInt(1e9))}
}

// connect is a node's Config.Chain.
func (l *liar) connect(ctx context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*Chain,
	error) {
	if err := l.own.Register(ctx, origin, l.own.From()); err != nil {
		return nil, err
	}
	profile, err := evm.ProfileByName("devchain")
	if err != nil {
		return nil, err
	}
	profile.Gas.MaxFee = l.most
	client, err := evm.Dial(ctx, l.proxy.URL, evm.Config{ChainID: l.chain.ChainID(), Contract: l.own.Contract(),
		Key: l.chain.Key(), Profile: profile, HTTP: evm.HTTP{Timeout: 400 * time.Millisecond, Retries: -1}})
	if err != nil {
		return nil, err
	}
	cfg.ChainID, cfg.Every, cfg.Poll = l.chain.ChainID(), 20*time.Millisecond, 10*time.Millisecond
	cfg.StuckAfter = 300 * time.Millisecond
	a, err := anchor.Open(filepath.Join(dir, "anchor"), origin, source, client, cfg)
	if err != nil {
		client.Close()
		return nil, err
	}
	return &Chain{Anchor: a, Trust: anchor.Trust{ChainID: cfg.ChainID, Contract: l.own.Contract()},
		Close: func() error { client.Close(); return nil }}, nil
}

// given is a decision as its caller got it.
type given struct {
	sequence  uint64
	canonical []byte
}

// caller asks for decisions and never asks again.
type caller struct {
	t      *testing.T
	client *assayclient.Client
	given  []given
	slow   time.Duration // the longest that a call took
}

// callTime bounds one call. It is far above what a call takes on a busy machine:
// a call that waits for the chain does not end at all under some lies.
const callTime = 20 * time.Second

// score asks for a decision, and the client checks its promise.
func (c *caller) score() error {
	n := len(c.given)
	e := assay.Event{ID: fmt.Sprintf("lie%d", n), Kind: "application", Time: time.Now(),
		Entities: []assay.Entity{{Role: "buyer", ID: "B"}},
		Fields:   []assay.Field{{Name: "amount", Value: assay.NumberValue(float64(n % 100))}}}
	ctx, cancel := context.WithTimeout(c.t.Context(), callTime)
	defer cancel()
	begin := time.Now()
	d, err := c.client.Score(ctx, e.ID, &e)
	if err != nil {
		return fmt.Errorf("call %d: %w", n, err)
	}
	c.slow = max(c.slow, time.Since(begin))
	if len(d.Promise) == 0 || len(d.Canonical) == 0 || d.Repeated {
		return fmt.Errorf("call %d: decision %d has %d bytes of promise, repeated %t", n, d.Sequence, len(d.Promise),
			d.Repeated)
	}
	c.given = append(c.given, given{d.Sequence, d.Canonical})
	return nil
}

// scoreUntil has decisions made until is says so, which it must within a minute.
func (c *caller) scoreUntil(what string, is func() bool) error {
	for begin := time.Now(); !is(); {
		if time.Since(begin) > time.Minute {
			return fmt.Errorf("not within a minute: %s", what)
		}
		if err := c.score(); err != nil {
			return err
		}
	}
	return nil
}

// scoreUnder has decisions made under a lie until some of them are published and
// the anchor has then made three rounds, and from then on, with the truth told
// again, until they are anchored. It returns what the anchor said of the lie.
func (c *caller) scoreUnder(r *running, p *evmtest.Proxy, lie evmtest.Fault) (anchor.State, error) {
	p.Set("", lie)
	defer p.Set("", nil)
	published := func() uint64 { _, size := r.Journal.Checkpoint(); return size }
	before := published()
	if err := c.scoreUntil("a checkpoint is published", func() bool { return published() > before }); err != nil {
		return "", err
	}
	rounds := r.Chain.Anchor.Status().Rounds
	if err := c.scoreUntil("the anchor makes rounds", func() bool {
		return r.Chain.Anchor.Status().Rounds >= rounds+3
	}); err != nil {
		return "", err
	}
	state, size := r.Chain.Anchor.Status().State, published()
	p.Set("", nil)
	return state, c.scoreUntil("it is anchored after the lie", func() bool {
		return r.Chain.Anchor.Status().Size >= size
	})
}

// TestScoringUnderLies runs a whole node on a real chain behind a proxy that
// tells each lie of the table, alone and in turn with the truth. Every call for
// a decision is answered, with a promise; what was promised is in the journal;
// after each lie all is anchored within a minute, each size once and under the
// maximum fee; and the server ends without an error.
func TestScoringUnderLies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := newLiar(t)
	dir := t.TempDir()
	cfg := config(t, dir, nil)
	cfg.Chain = l.connect
	r := start(t, cfg)
	client, err := assayclient.Dial(cfg.Listener.Addr().String(), assayclient.Config{LogKey: r.Journal.Key(),
		Attempts: 1}) // an answer to a second attempt would hide the first
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c := &caller{t: t, client: client}
	if err := c.score(); err != nil {
		t.Fatal(err)
	}
	r.anchored()
	states := map[anchor.State]int{}
	for _, lie := range evmtest.Lies() {
		for _, inTurn := range []bool{false, true} {
			before := len(c.given)
			state, err := c.scoreUnder(r, l.proxy, lie.Tell(inTurn))
			if err != nil {
				t.Fatalf("%s (in turn with the truth: %t), after %d decisions: %v; the anchor says %+v", lie.Name,
					inTurn, len(c.given)-before, err, r.Chain.Anchor.Status())
			}
			states[state]++
		}
	}
	told := 2 * len(evmtest.Lies())
	for _, want := range []anchor.State{anchor.Misconfigured, anchor.Rejected, anchor.Unavailable} {
		if states[want] == 0 {
			t.Errorf("no lie made the anchor say %q: %v", want, states)
		}
	}
	l.anchoredAfter(r, c)
	r.stop() // fails the test when the server does not end cleanly
	kept(t, dir, c.given)
	l.anchoredOnce(r, c.given[len(c.given)-1].sequence)
	l.proxy.FeesWithin(t, l.most) // TestLyingNode requires that some reach it
	t.Logf("the slowest call took %v; the anchor's states: %v", c.slow.Round(time.Millisecond), states)
	t.Logf("COUNT chain_lies_scoring %d", told)
	t.Logf("COUNT chain_lies_decisions %d", len(c.given))
}

// anchoredAfter requires that a decision made after the last lie is anchored
// within a minute, and that receipts from before, under and after the lies prove it.
func (l *liar) anchoredAfter(r *running, c *caller) {
	l.t.Helper()
	if err := c.score(); err != nil {
		l.t.Fatal(err)
	}
	last := c.given[len(c.given)-1].sequence
	for begin := time.Now(); r.Chain.Anchor.Status().Size <= last; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			l.t.Fatalf("decision %d is not anchored a minute after the last lie: %+v", last, r.Chain.Anchor.Status())
		}
	}
	trust := r.Trust()
	for i := 0; i < len(c.given); i += max(1, len(c.given)/20) {
		receipt, err := c.client.Receipt(l.t.Context(), c.given[i].sequence)
		if err != nil {
			l.t.Fatal(err)
		}
		b, err := ledger.MarshalReceipt(receipt)
		if err != nil {
			l.t.Fatal(err)
		}
		if v := verdict.Verify(b, trust); !v.OK || receipt.Anchor == nil {
			l.t.Errorf("the receipt of decision %d, anchored %t: %s", c.given[i].sequence,
				receipt.Anchor != nil, v.Summary)
		}
	}
}

// kept requires that a stopped node's journal holds what its callers were given.
func kept(t *testing.T, dir string, all []given) {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	held := map[uint64][]byte{}
	err = j.Scan(0, j.Stats().Durable, func(sequence uint64, r *journal.Record, err error) error {
		if err == nil && r.Kind == ledger.Decision {
			held[sequence] = bytes.Clone(r.Decision)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if !bytes.Equal(held[g.sequence], g.canonical) {
			t.Errorf("record %d is not the decision that was promised", g.sequence)
		}
	}
	if len(held) != len(all) {
		t.Errorf("%d decisions in the journal, %d were given", len(held), len(all))
	}
}

// anchoredOnce requires that the contract has each size once, the last decision
// under the newest, and nothing that the stopped node did not publish.
func (l *liar) anchoredOnce(r *running, last uint64) {
	l.t.Helper()
	id := anchor.LogID(r.Journal.Origin())
	sizes := evmtest.RequireAnchoredOnce(l.t, l.chain.URL(), id)
	head, err := l.own.Head(l.t.Context(), id)
	_, size := r.Journal.Checkpoint()
	if err != nil || head.Size <= last || head.Size > size || int(head.Anchors) != len(sizes) {
		l.t.Errorf("head %+v after %d anchors, %v; the log published %d records, the last decision is %d", head,
			len(sizes), err, size, last)
	}
}
