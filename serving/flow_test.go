// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// paymentWindows is what plans over applications and payments share: all but
// their names and features.
const paymentWindows = `
time: at
entities: [buyer]
fields:
  - {name: amount, required: true, min: 0}
  - {name: paid, kind: number, on: [payment], required: true}
windows:
  - {name: asked, key: [buyer], on: [application], value: amount, length: 30d}
  - {name: paid, key: [buyer], on: [payment], value: paid, length: 30d}
`

const windowPlan = "version: 1\nname: windows" + paymentWindows + `
features:
  - {name: amount}
  - {name: asked, kernel: window_sum, window: asked}
  - {name: paid, kernel: window_sum, window: paid}
`

func payment(id string, paid float64) *assay.Event {
	return &assay.Event{ID: id, Kind: "payment", Time: start2026, Entities: []assay.Entity{{Role: "buyer", ID: "B-1"}},
		Fields: []assay.Field{{Name: "paid", Value: assay.NumberValue(paid)}}}
}

func plain(id string, amount float64) *assay.Event {
	e := application(id, amount, math.NaN())
	e.Fields = e.Fields[:1]
	return e
}

// vectorOf reads the vector that a decision was made from.
func (n *node) vectorOf(seq uint64) []float64 {
	n.t.Helper()
	rec, err := n.journal.Get(seq)
	if err != nil {
		n.t.Fatal(err)
	}
	v, err := assay.ParseVector(rec.Vector)
	if err != nil {
		n.t.Fatal(err)
	}
	return v.Values
}

// TestRestartKeepsWindows: a decision sees the events sequenced before it, and
// none after; a restart changes nothing.
func TestRestartKeepsWindows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := Config{Bundle: bundle(t, windowPlan, "windows", 0)}
	n := start(t, dir, cfg)
	asked, paid := 0.0, 0.0
	step := func(n *node, i int) {
		t.Helper()
		if _, err := n.client.Record(t.Context(), fmt.Sprintf("p%d", i),
			payment(fmt.Sprintf("p%d", i), 7)); err != nil {
			t.Fatal(err)
		}
		paid += 7
		d, err := n.client.Score(t.Context(), fmt.Sprintf("a%d", i), plain(fmt.Sprintf("a%d", i), 100))
		if err != nil {
			t.Fatal(err)
		}
		if v := n.vectorOf(d.Sequence); v[0] != 100 || v[1] != asked || v[2] != paid {
			t.Errorf("decision %d was made from %v, want [100 %v %v]", i, v, asked, paid)
		}
		asked += 100
	}
	for i := range 5 {
		step(n, i)
	}
	n.stop()
	n = start(t, dir, cfg)
	for i := range 5 {
		step(n, 5+i)
	}
}

// TestFailedWorkIsRecorded: a number that was taken has a record, also when
// scoring fails, and asking again does not score again.
func TestFailedWorkIsRecorded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	mend := n.failScoring()
	for range 2 {
		if _, err := n.client.Score(t.Context(), "r", application("e", 10, 600)); status.Code(err) != codes.Internal ||
			has(err, "nil") {
			t.Errorf("got %v, want INTERNAL without the reason", err)
		}
	}
	mend()
	if _, err := n.client.Score(t.Context(), "after", application("e2", 0, 600)); err != nil {
		t.Errorf("the next request: %v", err)
	}
	rec, err := n.journal.Get(begun)
	if err != nil || rec.Kind != ledger.Failed {
		t.Errorf("the first record is %+v, %v, want a failed one", rec, err)
	}
	if taken := n.journal.Stats().Taken - begun; taken != 2 {
		t.Errorf("%d sequence numbers taken, want 2", taken)
	}
}

// TestSwapUnderLoad: models and policies change while requests run; none is
// lost, and each decision is the one that its model and policy make.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	// The third has another plan, for the same events.
	other := "version: 1\nname: other\nentities: [buyer]\nfields:\n  - {name: amount, required: true}\nfeatures:\n" +
		"  - {name: amount}\n  - {name: a2, kernel: log1p, of: amount}\nwindows: []\n"
	bundles := []*models.Bundle{bundle(t, windowPlan, "zero", 0), bundle(t, windowPlan, "one", 1),
		bundle(t, other, "other", 2)}
	n := start(t, t.TempDir(), Config{Bundle: bundles[0], Load: loading(bundles)})
	adm := pb.NewAdminClient(n.client.Conn())
	var stop atomic.Bool
	var wg sync.WaitGroup
	var scored atomic.Int64
	for c := range 8 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprintf("c%d-%d", c, i)
				d, err := n.client.Score(context.Background(), id, plain(id, 100))
				if err != nil {
					t.Error(err)
					return
				}
				scored.Add(1)
				ok := false
				for _, b := range bundles {
					if d.Score.Model == b.Digest {
						ok = d.Plan == b.Manifest.Plan && d.Score.Margin == b.Model.Margin(n.vectorOf(d.Sequence))
					}
				}
				if !ok {
					t.Errorf("decision %d mixes models or plans", d.Sequence)
				}
			}
		})
	}
	names := []string{"one", "other", "zero"}
	for i := range 12 {
		resp, err := adm.ActivateModel(t.Context(),
			&pb.ActivateModelRequest{RequestId: fmt.Sprintf("swap-%d", i), Bundle: names[i%3]})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Approval != pb.Approval_APPROVAL_DONE || resp.Model.Name != names[i%3] || !resp.Model.Active {
			t.Errorf("activation %d: %+v", i, resp)
		}
		if _, err := adm.SetPolicy(t.Context(),
			&pb.SetPolicyRequest{RequestId: fmt.Sprintf("policy-%d", i),
				Yaml: fmt.Appendf(nil, "name: p%d\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n", i)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	decisions, acts := int64(0), 0
	err := n.journal.Scan(0, math.MaxUint64, func(_ uint64, r *journal.Record, err error) error {
		switch r.Kind {
		case ledger.Decision:
			decisions++
		case ledger.Activation, ledger.Policy:
			acts++
		default:
			t.Errorf("a record of kind %s", r.Kind)
		}
		return err
	})
	if err != nil || decisions != scored.Load() || acts != 24+begun {
		t.Errorf("%d decisions and %d acts in the journal (%v), want %d and %d", decisions, acts, err,
			scored.Load(), 24+begun)
	}
}

// TestActsStandAfterARestart: what was activated decides after a restart.
func TestActsStandAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	second := bundle(t, planYAML, "second", 1)
	cfg := Config{Load: func(context.Context, string) (*models.Bundle, error) { return second, nil }}
	n := start(t, dir, cfg)
	adm := pb.NewAdminClient(n.client.Conn())
	if _, err := adm.ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: "a", Bundle: "second"}); err !=
		nil {
		t.Fatal(err)
	}
	if _, err := adm.SetPolicy(t.Context(),
		&pb.SetPolicyRequest{RequestId: "p",
			Yaml: []byte("name: all\ncutoffs: {review_from: 0, decline_from: 0}\n")}); err != nil {
		t.Fatal(err)
	}
	check := func(n *node, id string) {
		t.Helper()
		d, err := n.client.Score(t.Context(), id, application(id, 10, 600))
		if err != nil {
			t.Fatal(err)
		}
		if d.Score.Model != second.Digest || d.Outcome != assay.Decline {
			t.Errorf("%s: model %s decided %s", id, d.Score.Model.Short(), d.Outcome)
		}
	}
	check(n, "before")
	n.stop()
	n = start(t, dir, cfg)
	check(n, "after")
}
