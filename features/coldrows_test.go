// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/features/snapshot"
)

// TestLostRow: a row whose party is erased further on in the records cannot be read at a start. Events of before the
// erasure are not added to it, no vector reads it and no snapshot is taken, until the erasure comes; then the
// state is that of a replay.
func TestLostRow(t *testing.T) {
	t.Parallel()
	cfg := scf.Config{Seed: 4, Events: 3000}
	p, _ := scfPlan(t, cfg)
	var events []assay.Event
	for e := range scf.New(cfg).Events() {
		c := *e
		c.Entities, c.Fields = slices.Clone(e.Entities), slices.Clone(e.Fields)
		events = append(events, c)
	}
	records := recordsOf(events, rand.New(rand.NewPCG(1, 1)), math.MaxInt)
	n := &node{plan: p, state: p.NewState(), store: &store{destroyed: map[[16]byte]bool{}, plan: p.NewState()},
		latest: taken{dir: snapshot.NewDirectory()}}
	const at = 2000
	for i := range records[:at] {
		records[i].apply(t, p, n.state, false)
	}
	rng := rand.New(rand.NewPCG(8, 8))
	n.takeNow(t, at, rng)
	asked, role := -1, "" // an application whose party has an event before it
	for i := at; i < len(records) && asked < 0; i++ {
		if records[i].ev.Kind == p.Event() {
			for j := at; j < i && asked < 0; j++ {
				if k := slices.Index(records[j].parties, records[i].parties[0]); k >= 0 {
					asked, role = i, events[j].Entities[k].Role
				}
			}
		}
	}
	if asked < 0 {
		t.Fatal("no party applies twice: the test does not reach its subject")
	}
	party := records[asked].parties[0]
	n.store.destroyed[party.Key] = true
	var err error
	if n.state, err = p.RestoreState(n.latest.header, n.latest.dir, n.store.read); err != nil {
		t.Fatal(err)
	}
	fields, err := p.Read(nil, &events[asked])
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := p.VectorOfParties(nil, fields, &records[asked].ev, records[asked].parties, n.state)
		return err
	}
	if err := ask(); !errors.Is(err, snapshot.ErrErased) {
		t.Errorf("a vector of the lost row: %v", err)
	}
	if taking, err := n.state.BeginSnapshot(); err != nil {
		t.Errorf("a snapshot before an event is lost: %v", err)
	} else {
		taking.Abandon()
	}
	met := 0
	for i := at; i < asked; i++ {
		if err := p.ObserveParties(&records[i].ev, records[i].parties, n.state); errors.Is(err, snapshot.ErrErased) {
			met++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if met == 0 {
		t.Fatal("no event met the row: the test does not reach its subject")
	}
	if err := ask(); !errors.Is(err, snapshot.ErrErased) {
		t.Errorf("a vector of the lost row: %v", err)
	}
	if _, err := n.state.BeginSnapshot(); !errors.Is(err, snapshot.ErrErased) {
		t.Errorf("a snapshot with a lost row: %v", err)
	}
	n.state.Forget(role, party)
	history := append(slices.Clone(records[:asked]), record{role: role, erased: party})
	n.takeNow(t, len(history), rng)
	if want := digestOfAll(t, p, history); n.latest.digest != want {
		t.Error("after the erasure the state is not that of a replay")
	}
}

// TestWarmAfterErasure: a row that was read before a snapshot in which it lost a member is not put into memory after
// it.
func TestWarmAfterErasure(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(strings.Replace(windowPlan, "[k]", "[k, seller]", 1) + `
fields: [{name: v}]
windows: [{name: w, key: [k], on: [fact], member: seller, length: 90d}]
features: [{name: d, kernel: distinct, window: w}, {name: n, kernel: count, window: w}]
`))
	if err != nil {
		t.Fatal(err)
	}
	events := facts(nil, nil)
	for i, seller := range []string{"x", "y", "y"} {
		events[i].Entities = append(slices.Clone(events[i].Entities), assay.Entity{Role: "seller", ID: seller})
	}
	events[2].Fields = []assay.Field{n("v", 1)}
	p, _ := (&featurestest.World{Name: "warm", Spec: s, Events: events}).Fit(t)
	records := recordsOf(events, rand.New(rand.NewPCG(1, 1)), math.MaxInt)
	rng := rand.New(rand.NewPCG(1, 1))
	node := &node{plan: p, state: p.NewState(), store: &store{plan: p.NewState()},
		latest: taken{dir: snapshot.NewDirectory()}}
	for i := range records[:2] {
		records[i].apply(t, p, node.state, false)
	}
	node.takeNow(t, 2, rng)
	node.restart(t, records[:2], rng)
	cold := node.state.Cold(&records[2].ev, records[2].parties)
	if len(cold) != 1 {
		t.Fatalf("%d rows are cold, want one", len(cold))
	}
	cold[0].Open()
	node.state.Forget("seller", records[0].parties[1])
	node.takeNow(t, 3, rng)
	node.state.Warm(cold)
	if v := records[2].apply(t, p, node.state, true); v.Values[0] != 1 || v.Values[1] != 2 {
		t.Errorf("%v members of %v events, want 1 of 2", v.Values[0], v.Values[1])
	}
}

// TestColdRowsConcurrently opens rows by many goroutines while another one applies events and takes snapshots. The
// race detector sees the calls that are to be safe.
func TestColdRowsConcurrently(t *testing.T) {
	t.Parallel()
	cfg := scf.Config{Seed: 9, Events: 6000}
	p, _ := scfPlan(t, cfg)
	var events []assay.Event
	for e := range scf.New(cfg).Events() {
		c := *e
		c.Entities, c.Fields = slices.Clone(e.Entities), slices.Clone(e.Fields)
		events = append(events, c)
	}
	records := recordsOf(events, rand.New(rand.NewPCG(1, 2)), 200)
	n := &node{plan: p, state: p.NewState(), store: &store{destroyed: map[[16]byte]bool{}, plan: p.NewState()},
		latest: taken{dir: snapshot.NewDirectory()}}
	half := len(records) / 2
	for i := range records[:half] {
		records[i].apply(t, p, n.state, false)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	n.takeNow(t, half, rng)
	n.restart(t, records[:half], rng)
	var mu sync.Mutex
	todo := make(chan int, 64)
	warm := make(chan struct{}, 64)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range todo {
				cold := n.state.Cold(&records[i].ev, records[i].parties)
				for j := range cold {
					cold[j].Open()
				}
				mu.Lock()
				n.state.Warm(cold)
				mu.Unlock()
				warm <- struct{}{}
			}
		})
	}
	for i := half; i < len(records); i++ {
		if records[i].role == "" {
			todo <- i
		}
		if i%3 == 0 {
			<-warm
		}
		select {
		case <-warm:
		default:
		}
		mu.Lock()
		records[i].apply(t, p, n.state, false)
		if n.taking == nil {
			n.begin(t, i+1)
		} else {
			n.advance(t, rng)
		}
		mu.Unlock()
	}
	close(todo)
	go func() {
		wg.Wait()
		close(warm)
	}()
	for range warm {
	}
	if n.taking != nil {
		n.taking.Abandon()
		n.taking = nil
	}
	n.takeNow(t, len(records), rng)
	if want := digestOfAll(t, p, records); n.latest.digest != want {
		t.Error("rows that were opened by many give another digest than a replay")
	}
}
