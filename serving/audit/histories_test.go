// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// historyEvents is how many events TestHistories sends; the full run is
// ASSAY_HISTORY_EVENTS=1000000.
func historyEvents() int {
	if n, err := strconv.Atoi(os.Getenv("ASSAY_HISTORY_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 2000
}

// TestHistories makes random histories: events for plans with random windows,
// parties that are erased and come again, ends of retention, models that are
// activated, loaded and unloaded, and restarts anywhere. After each restart the
// state is that of before, so the windows of a plan that was activated meanwhile are
// those of a start; at the end an audit has the same state, and makes every decision
// that can be read again, bit for bit.
func TestHistories(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	seed, _ := strconv.ParseUint(os.Getenv("ASSAY_SEED"), 10, 64)
	h := newHistory(t, seed)
	h.start()
	batches := historyEvents() / meanBatch
	for range batches {
		h.sendEvents()
		happens := func(times int) bool { return h.rng.IntN(batches) < times }
		if happens(10) {
			h.swapModels()
		}
		if happens(8) {
			h.restart()
		}
		if happens(5) {
			h.retire()
		}
		if happens(min(batches/3, 300)) {
			h.eraseWhileSending()
		}
	}
	h.swapModels()
	h.restart()
	h.audit()
	if h.erased < 5 || h.cameAgain == 0 || h.restarts < 2 || h.snapshots < 2 || h.swaps < 3 {
		t.Errorf("%d erasures, %d parties that came again, %d restarts, %d of them with snapshots, %d swaps: the test "+
			"does not reach its subject", h.erased, h.cameAgain, h.restarts, h.snapshots, h.swaps)
	}
	h.stop()
}

// history is a journal, an engine on it, and what happened.
type history struct {
	t       *testing.T
	rng     *rand.Rand
	dir     string
	bundles []*models.Bundle
	log     []assay.Event // templates
	at      time.Time
	journal *journal.Journal
	engine  *engine.Engine
	stop    func()

	events, erased, cameAgain, restarts, snapshots, swaps, refused int
	gone                                                           map[string]bool // names that were erased
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, rng: rand.New(rand.NewPCG(22, seed)), dir: t.TempDir(), gone: map[string]bool{},
		at: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range uint64(4) {
		w := featurestest.Random(4*seed + i)
		p, _ := w.Fit(t)
		m := &models.Model{Objective: models.Binary, Sigmoid: 1, Trees: []models.Tree{scoringtest.Stump(0, 1, -3, -1)}}
		for _, f := range p.Features() {
			m.Features = append(m.Features, models.FeatureInfo{Name: f.Name, Categorical: f.Categorical, Max: 1e12})
		}
		b := &models.Bundle{Model: m, Plan: p.Frozen(), Scale: models.DefaultScale()}
		b.Manifest.Name, b.Manifest.Plan = fmt.Sprint("plan", i), p.Digest()
		b.Digest = assay.Sum("test bundle\n", b.Plan)
		h.bundles, h.log = append(h.bundles, b), append(h.log, w.Events...)
	}
	return h
}

func (h *history) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// load finds a bundle by its name.
func (h *history) load(_ context.Context, name string) (*models.Bundle, error) {
	for _, b := range h.bundles {
		if b.Manifest.Name == name {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no bundle %q: %w", name, assay.ErrNotFound)
}

func (h *history) start() {
	h.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	j, err := journal.Open(h.t.Context(), h.dir,
		journal.Config{Logger: quiet, Interval: 50 * time.Millisecond, NoSync: true})
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(stop)
	h.journal, h.stop = j, stop
	first, err := engine.NewModel(h.bundles[0], nil, time.Now())
	h.must(err)
	h.engine = engine.New(engine.Config{Journal: j, Logger: quiet, Now: time.Now, MaxInFlight: 1 << 20,
		MaxAhead: 200 * 365 * 24 * time.Hour, Load: h.load, SnapshotRecords: 150})
	_, err = h.engine.Restore(h.t.Context(), first)
	h.must(err)
	running := make(chan struct{})
	go func(e *engine.Engine) {
		e.Run(ctx)
		close(running)
	}(h.engine)
	h.stop = func() {
		cancel()
		<-running
		stop()
	}
}

// restart compares the state of before with that of after.
func (h *history) restart() {
	h.t.Helper()
	acts, windows, err := h.engine.StateBytes()
	h.must(err)
	h.stop()
	if len(h.journal.States().Numbers()) > 0 {
		h.snapshots++
	}
	if h.rng.IntN(4) == 0 { // and replay everything
		h.must(os.RemoveAll(filepath.Join(h.dir, "journal", "state")))
	}
	h.start()
	h.compare("a start", acts, windows)
	h.restarts++
}

// compare compares the engine's state with another that has at least its plans.
func (h *history) compare(of string, acts []byte, windows map[assay.Digest][]byte) {
	h.t.Helper()
	gotActs, got, err := h.engine.StateBytes()
	h.must(err)
	if !bytes.Equal(acts, gotActs) {
		h.t.Fatalf("after %d events, the acts of %s differ:\n%x\n%x", h.events, of, acts, gotActs)
	}
	for plan, b := range got {
		if !bytes.Equal(windows[plan], b) {
			h.t.Fatalf("after %d events, the windows of plan %s differ from those of %s", h.events, plan.Short(), of)
		}
	}
}

// event makes the next event: one of the log, at a later time and with other
// parties.
func (h *history) event() *assay.Event {
	x := h.log[h.rng.IntN(len(h.log))]
	ev := &assay.Event{ID: fmt.Sprint("e", h.events), Kind: x.Kind, Fields: append([]assay.Field{}, x.Fields...)}
	h.events++
	steps := [...]time.Duration{0, time.Second, 5 * time.Minute, time.Hour}
	h.at = h.at.Add(steps[h.rng.IntN(len(steps))])
	if h.rng.IntN(500) == 0 {
		h.at = h.at.Add(time.Duration(h.rng.IntN(20*24)) * time.Hour)
	}
	ev.Time = h.at
	if h.rng.IntN(4) == 0 { // out of order, and at times late
		ev.Time = h.at.Add(-time.Duration(h.rng.Int64N(int64(30*24*time.Hour)) >> h.rng.IntN(20)))
	}
	for _, e := range x.Entities {
		if !strings.HasPrefix(e.ID, "rare") {
			e.ID = fmt.Sprint(e.ID, " ", h.rng.IntN(1+historyEvents()/2000))
		}
		if name := engine.Subject(e.Role, e.ID); h.gone[name] {
			h.cameAgain++
			delete(h.gone, name)
		}
		ev.Entities = append(ev.Entities, e)
	}
	return ev
}

// meanBatch is how many events are sent at once.
const meanBatch = 40

// batch makes requests for any of the loaded models.
func (h *history) batch() []*engine.Request {
	h.t.Helper()
	all := h.engine.Models().All()
	rs := make([]*engine.Request, 1+h.rng.IntN(2*meanBatch))
	for i := range rs {
		m, err := h.engine.Acquire(all[h.rng.IntN(len(all))].Name)
		h.must(err)
		ev := h.event()
		rs[i] = &engine.Request{Key: engine.Key{Caller: "c", RequestID: ev.ID}, Model: m, Event: ev,
			Fact: ev.Kind != m.Plan.Event()}
	}
	return rs
}

func (h *history) sendEvents() {
	h.t.Helper()
	rs := h.batch()
	h.engine.DecideAll(h.t.Context(), rs)
	h.checkSent(rs)
}

// checkSent releases the requests, and looks at their errors: a plan may refuse an
// event that it was not made for.
func (h *history) checkSent(rs []*engine.Request) {
	h.t.Helper()
	for _, r := range rs {
		r.Model.Release()
		var field *assay.FieldError
		if errors.As(r.Err, &field) {
			h.refused++
		} else if r.Err != nil {
			h.t.Fatal(r.Err)
		}
	}
}

// eraseWhileSending erases a party while requests that name it are under way.
func (h *history) eraseWhileSending() {
	h.t.Helper()
	rs := h.batch()
	var x assay.Entity
	for _, r := range rs {
		if n := len(r.Event.Entities); n > 0 {
			x = r.Event.Entities[h.rng.IntN(n)]
		}
	}
	if x.ID == "" {
		x = assay.Entity{Role: "buyer", ID: "nobody"}
	}
	name := engine.Subject(x.Role, x.ID)
	erased := make(chan error, 1)
	go func() {
		_, err := h.engine.Erase(h.t.Context(), journal.ErasureRequest{Subject: name, Reason: "asked"})
		erased <- err
	}()
	h.engine.DecideAll(h.t.Context(), rs)
	switch err := <-erased; {
	case err == nil:
		h.erased++
		h.gone[name] = true
	case !errors.Is(err, assay.ErrNotFound):
		h.t.Fatal(err)
	}
	h.checkSent(rs)
}

// retire drops personal parts.
func (h *history) retire() {
	h.t.Helper()
	_, err := h.journal.Retire(h.t.Context(), h.rng.Uint64N(h.journal.Stats().Durable))
	h.must(err)
}

// swapModels activates, loads or unloads a model.
func (h *history) swapModels() {
	h.t.Helper()
	h.swaps++
	now := h.engine.Models()
	name := h.bundles[h.rng.IntN(len(h.bundles))].Manifest.Name
	act := engine.Act{Version: 1, Kind: engine.ActLoad, By: "admin", Bundles: []string{name}}
	if next, m, err := now.Without(name); err == nil {
		act.Kind, act.Digest = engine.ActUnload, m.Bundle.Digest
		h.swap(next, &act)
		return
	}
	m, err := h.engine.Load(h.t.Context(), name, nil, now.Active.Policy.YAML())
	h.must(err)
	act.Digest, act.Windows = m.Bundle.Digest, engine.WindowKernels(m)
	activate := h.rng.IntN(2) == 0 || now.Active.Name == name
	if activate {
		act.Version, act.Kind = engine.ActKeepsPolicy, engine.ActActivate
	}
	next, err := now.With(m, activate)
	h.must(err)
	h.swap(next, &act)
}

func (h *history) swap(next *engine.Models, act *engine.Act) {
	h.t.Helper()
	_, err := h.engine.Swap(h.t.Context(), next, ledger.Activation,
		engine.Key{Caller: "admin", RequestID: fmt.Sprint("swap", h.swaps)}, assay.Digest{}, act)
	h.must(err)
}

// audit makes all decisions again.
func (h *history) audit() {
	h.t.Helper()
	a, err := New(h.bundles)
	h.must(err)
	began := time.Now()
	rep, err := a.Run(h.t.Context(), h.journal, 0, All, nil)
	h.must(err)
	acts, windows, err := a.state.Bytes()
	h.must(err)
	h.compare("an audit", acts, windows)
	h.t.Logf("%d events, %d of them refused; %d erasures, %d parties came again; %d restarts, %d swaps; audited in "+
		"%s: %d decisions, %d the same, %d erased or retired", h.events, h.refused, h.erased, h.cameAgain, h.restarts,
		h.swaps, time.Since(began).Round(time.Millisecond), rep.Decisions, rep.Same, rep.Erased)
	if !rep.OK() || rep.Partly+rep.Mended+rep.Unknown > 0 || rep.Same+rep.Erased != rep.Decisions ||
		rep.Same < rep.Decisions/50 {
		h.t.Errorf("an audit: %+v", rep)
	}
}
