// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// running is a node that serves.
type running struct {
	*Node
	t      *testing.T
	client *assayclient.Client
	stop   func()
	n      int
}

// config is that of a node in dir, with the chain.
func config(t *testing.T, dir string, c *standIn) Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := Config{Dir: dir, Bundle: bundle(t), Listener: l, ConfirmEvery: 5 * time.Millisecond,
		lastAnchorTimeout: time.Second,
		Journal:           journal.Config{Interval: 20 * time.Millisecond, Origin: "log.example/node"}}
	if c != nil {
		cfg.Chain = c.connect
	}
	return cfg
}

func start(t *testing.T, cfg Config) *running {
	t.Helper()
	n, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	c, err := assayclient.Dial(cfg.Listener.Addr().String(), assayclient.Config{LogKey: n.Journal.Key()})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Node: n, t: t, client: c}
	r.stop = func() {
		r.stop = func() {}
		_ = c.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// decide has some decisions made, and published.
func (r *running) decide(prefix string, n int) {
	r.t.Helper()
	last := uint64(0)
	for range n {
		r.n++
		e := assay.Event{ID: fmt.Sprintf("%s%d", prefix, r.n), Kind: "application", Time: time.Now(),
			Entities: []assay.Entity{{Role: "buyer", ID: "B"}},
			Fields:   []assay.Field{{Name: "amount", Value: assay.NumberValue(float64(r.n))}}}
		d, err := r.client.Score(r.t.Context(), e.ID, &e)
		if err != nil {
			r.t.Fatal(err)
		}
		last = d.Sequence
	}
	if err := r.Journal.WaitPublished(r.t.Context(), last+1); err != nil {
		r.t.Fatal(err)
	}
}

// anchored waits until all that is published is anchored.
func (r *running) anchored() {
	r.t.Helper()
	eventually(r.t, "all is anchored", func() bool {
		_, size := r.Journal.Checkpoint()
		return size > 0 && r.Chain.Anchor.Status().Size == size
	})
}

// records is how many records a directory's journal has.
func records(t *testing.T, dir string) uint64 {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	return j.Stats().Durable
}

// rolledBack is a directory that was put back to before its last decisions,
// which were anchored.
func rolledBack(t *testing.T, c *standIn, edit func(*Config)) (dir string) {
	t.Helper()
	live, dir := t.TempDir(), filepath.Join(t.TempDir(), "restored")
	open := func() *running {
		cfg := config(t, live, c)
		if edit != nil {
			edit(&cfg)
		}
		return start(t, cfg)
	}
	r := open()
	r.decide("a", 5)
	r.anchored()
	r.stop()
	if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "keys", "log.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = open()
	r.decide("b", 30)
	r.anchored()
	r.stop()
	return dir
}

// TestRolledBack: a directory that was put back to an older state promises
// nothing while the chain cannot be asked, and does not start when it can.
func TestRolledBack(t *testing.T) {
	c := new(standIn)
	dir := rolledBack(t, c, nil)
	before := records(t, dir)
	attempt := func(edit func(*Config)) error {
		t.Helper()
		cfg := config(t, dir, c)
		edit(&cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		n, err := Open(ctx, cfg)
		if err == nil {
			_ = n.close()
		}
		return err
	}
	c.set(func(c *standIn) { c.away = true })
	if err := attempt(func(*Config) {}); !errors.Is(err, ErrHead) || !strings.Contains(err.Error(), errAway.Error()) {
		t.Errorf("the chain is away: %v", err)
	}
	if err := attempt(func(cfg *Config) { cfg.Chain = nil }); !errors.Is(err, ErrHead) || !strings.Contains(err.Error(),
		"--accept-head") {
		t.Errorf("no chain is configured: %v", err)
	}
	c.set(func(c *standIn) { c.away = false })
	if err := attempt(func(*Config) {}); !errors.Is(err, ErrHead) || !errors.Is(err,
		assay.ErrCorrupt) || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("the chain knows better: %v", err)
	}
	if after := records(t, dir); after != before {
		t.Errorf("%d records, %d before: something was promised", after, before)
	}

	// A person says so: the server starts, and the log has it.
	c.set(func(c *standIn) { c.away = true })
	cfg := config(t, dir, c)
	cfg.AcceptHead = true
	cfg.Serving.StartedBy = "ada"
	r := start(t, cfg)
	act := acceptance(t, r.Journal)
	if act == nil || act.By != "configuration, started by ada" || !strings.Contains(act.Text, fmt.Sprintf("%d records",
		before)) || !strings.Contains(act.Text, errAway.Error()) {
		t.Errorf("the log has %+v", act)
	}
	r.decide("c", 3)
}

// acceptance is the newest record of an accepted head, nil if there is none.
func acceptance(t *testing.T, j *journal.Journal) (found *engine.Act) {
	t.Helper()
	err := j.Scan(0, j.Stats().Durable, func(_ uint64, r *journal.Record, err error) error {
		if err != nil {
			return err
		}
		var a engine.Act
		if r.Kind == ledger.Activation && assay.UnmarshalCBOR(r.Decision, &a) == nil && a.Kind == "accept head" {
			found = &a
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEmptyLog: a log in which nothing was decided needs nobody's word, whether
// the chain answers or not, and a published empty tree contradicts no contract.
func TestEmptyLog(t *testing.T) {
	c, dir := new(standIn), t.TempDir()
	for _, away := range []bool{true, false, false} {
		c.set(func(c *standIn) { c.away = away })
		r := start(t, config(t, dir, c))
		eventually(t, "a checkpoint", func() bool { note, _ := r.Journal.Checkpoint(); return note != nil })
		r.stopFast()
	}
}

// TestHeadCopy: a copy of the high-water mark that is kept elsewhere confirms
// the head without a chain, and refuses a directory that is older.
func TestHeadCopy(t *testing.T) {
	c := new(standIn)
	mark := filepath.Join(t.TempDir(), "elsewhere", "mark")
	if err := os.Mkdir(filepath.Dir(mark), 0o755); err != nil {
		t.Fatal(err)
	}
	with := func(cfg *Config) { cfg.Journal.HighWaterCopy = mark }
	dir := rolledBack(t, c, with)
	c.set(func(c *standIn) { c.away = true })
	cfg := config(t, dir, c)
	with(&cfg)
	if n, err := Open(t.Context(), cfg); !errors.Is(err, journal.ErrFork) || !strings.Contains(err.Error(),
		"older copy") {
		t.Errorf("a directory that is older than the copy: %+v, %v", n, err)
	}
	fresh := filepath.Join(t.TempDir(), "mark")
	live := t.TempDir()
	c = new(standIn)
	cfg = config(t, live, c)
	cfg.Journal.HighWaterCopy = fresh
	r := start(t, cfg)
	r.decide("a", 3)
	r.anchored()
	r.stop()
	c.set(func(c *standIn) { c.away = true })
	cfg = config(t, live, c)
	cfg.Journal.HighWaterCopy = fresh
	r = start(t, cfg) // the chain is away, and the copy confirms
	r.decide("b", 3)
	if a := acceptance(t, r.Journal); a != nil {
		t.Errorf("the log has an acceptance that nobody gave: %+v", a)
	}
}

// TestChainStandsStill: a chain that halts, goes away or contradicts the log
// stops anchoring alone; a restart while it is halted serves, and one while it is
// away serves as soon as it is back. Each state is read in GetStatus and metrics.
func TestChainStandsStill(t *testing.T) {
	c := new(standIn)
	dir := t.TempDir()
	r := start(t, config(t, dir, c))
	r.decide("a", 5)
	r.anchored()
	state := func(want anchor.State) {
		t.Helper()
		eventually(t, string(want), func() bool {
			s, err := pb.NewAdminClient(r.client.Conn()).GetStatus(t.Context(), &pb.GetStatusRequest{})
			return err == nil && s.Anchoring.GetState() == string(want)
		})
		metrics := httptest.NewRecorder()
		r.Server.Ops().ServeHTTP(metrics, httptest.NewRequest("GET", "/metrics", nil))
		if line := fmt.Sprintf("assay_anchoring_state{state=%q} 1", want); !strings.Contains(metrics.Body.String(),
			line) {
			t.Errorf("no %s in the metrics", line)
		}
	}
	state(anchor.Idle)
	for _, s := range []struct {
		do   func(*standIn)
		want anchor.State
	}{
		{func(c *standIn) { c.halted = true }, anchor.Pending},
		{func(c *standIn) { c.halted, c.away = false, true }, anchor.Unavailable},
		{func(c *standIn) {
			c.away, c.lie = false, &anchor.Head{Size: 1 << 40, Root: [32]byte{1}, Anchors: 1,
				Publisher: anchor.Address{2}}
		}, anchor.Contradicted},
	} {
		c.set(s.do)
		r.decide("b", 3)
		state(s.want)
		r.decide("c", 3)
	}
	c.set(func(c *standIn) { c.lie = nil })
	r.anchored()

	c.set(func(c *standIn) { c.halted = true })
	r.decide("d", 3)
	r.stopFast()
	r = start(t, config(t, dir, c))
	r.decide("e", 3)
	state(anchor.Pending)
	r.stopFast()

	c.set(func(c *standIn) { c.away = true })
	opened := make(chan *running, 1)
	cfg := config(t, dir, c)
	go func() { opened <- start(t, cfg) }()
	select {
	case <-opened:
		t.Fatal("it serves, and the chain is away")
	case <-time.After(200 * time.Millisecond):
	}
	c.set(func(c *standIn) { c.away, c.halted = false, false })
	r = <-opened
	r.decide("f", 3)
	r.anchored()
}

// stopFast stops a node whose chain makes no block, without waiting for the last
// anchor.
func (r *running) stopFast() {
	r.cfg.lastAnchorTimeout = time.Millisecond
	r.stop()
}
