// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/engine"
)

// replayEvents is how many events TestOnlineIsOffline sends; the full run is
// ASSAY_STREAM_EVENTS=1000000.
func replayEvents() int {
	if n, err := strconv.Atoi(os.Getenv("ASSAY_STREAM_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 6000
}

// scfBundle is a model of two stumps on the plan of the synthetic world, fitted
// on the world's first half.
func scfBundle(t *testing.T, events []assay.Event) *models.Bundle {
	t.Helper()
	spec, err := features.ParseSpec(scf.Plan())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := features.EventTable(spec, each(events))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	rows := make([]int, len(events)/2)
	for i := range rows {
		rows[i] = i
	}
	spec.Label = nil // the world may be too short for any outcome to be known
	p, _, err := features.Fit(t.Context(), spec, rec, rows)
	if err != nil {
		t.Fatal(err)
	}
	m := &models.Model{Objective: models.Binary, Sigmoid: 1,
		Trees: []models.Tree{stump(0, 1000, -3, -1), stump(1, 2, 1, 0)}}
	for _, f := range p.Features() {
		m.Features = append(m.Features, models.FeatureInfo{Name: f.Name, Categorical: f.Categorical, Max: 1e12})
	}
	b := &models.Bundle{Model: m, Plan: p.Frozen(), Scale: models.DefaultScale()}
	b.Manifest.Name, b.Manifest.Plan = "scf", p.Digest()
	b.Digest = assay.Sum("test bundle\n", b.Plan)
	return b
}

// each yields events as Spec.Table takes them.
func each(events []assay.Event) func(yield func(*assay.Event) bool) {
	return func(yield func(*assay.Event) bool) {
		for i := range events {
			if !yield(&events[i]) {
				return
			}
		}
	}
}

// send gives the events to the node from many callers at once, so that they
// are sequenced in an order of the server's own.
func (n *node) send(ctx context.Context, events []assay.Event, scored string) {
	n.t.Helper()
	next := make(chan *assay.Event)
	var callers sync.WaitGroup
	for range 48 {
		callers.Go(func() {
			for ev := range next {
				var err error
				if ev.Kind == scored {
					_, err = n.client.Score(ctx, "r-"+ev.ID, ev)
				} else {
					_, err = n.client.Record(ctx, "r-"+ev.ID, ev)
				}
				if err != nil {
					n.t.Errorf("event %s: %v", ev.ID, err)
				}
			}
		})
	}
	for i := range events {
		next <- &events[i]
	}
	close(next)
	callers.Wait()
}

// sequenced returns the events in the journal, in the order in which the server
// sequenced them, and the digests of the vectors of those that it scored.
func (n *node) sequenced() (events []assay.Event, vectors []assay.Digest) {
	n.t.Helper()
	err := n.journal.Scan(0, math.MaxUint64, func(seq uint64, r *journal.Record, unreadable error) error {
		if unreadable != nil || r.Kind != ledger.Decision && r.Kind != ledger.Event {
			return unreadable
		}
		ev, err := engine.EventOf(r)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		events = append(events, *ev)
		if r.Kind == ledger.Decision {
			v, err := assay.ParseVector(r.Vector)
			if err != nil {
				return fmt.Errorf("record %d: %w", seq, err)
			}
			vectors = append(vectors, v.Digest())
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return events, vectors
}

// TestOnlineIsOffline sends a generated world through the running server over
// gRPC, with restarts that make the windows again from the journal. The events,
// in the order in which the server sequenced them, then become a table, from which
// the batch makes vectors: each must have the digest of the one that its decision
// was made from.
func TestOnlineIsOffline(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var events []assay.Event
	for e := range scf.New(scf.Config{Seed: 5, Events: replayEvents()}).Events() {
		c := *e
		c.Entities, c.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
		events = append(events, c)
	}
	b, dir := scfBundle(t, events), t.TempDir()
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		t.Fatal(err)
	}
	var n *node
	const lives = 4
	for k := range lives {
		n = start(t, dir, Config{Bundle: b})
		n.send(t.Context(), events[k*len(events)/lives:(k+1)*len(events)/lives], plan.Event())
		if k < lives-1 {
			n.stop()
		}
	}
	if t.Failed() {
		return
	}
	sequenced, online := n.sequenced()
	rec, err := features.EventTable(plan.Spec(), each(sequenced))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	m, err := plan.Matrix(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if len(sequenced) != len(events) || m.Rows != len(online) || m.Rows == 0 {
		t.Fatalf("%d events in the journal of %d sent; %d vectors offline, %d online", len(sequenced),
			len(events), m.Rows, len(online))
	}
	moved, different := 0, 0
	for i := range sequenced {
		if sequenced[i].ID != events[i].ID {
			moved++
		}
	}
	v := assay.Vector{Plan: m.Plan, Values: make([]float64, len(m.Columns))}
	for i := range online {
		for j, c := range m.Columns {
			v.Values[j] = c[i]
		}
		if v.Digest() != online[i] {
			different++
		}
	}
	t.Logf("%d events, %d of them sequenced elsewhere than they were generated, %d vectors, %d restarts: %d differ",
		len(events), moved, m.Rows, lives-1, different)
	if different > 0 {
		t.Errorf("%d of %d vectors differ", different, m.Rows)
	}
	if moved == 0 {
		t.Error("every event was sequenced where it was generated: the test does not reach the disorder of real " +
			"callers")
	}
}
