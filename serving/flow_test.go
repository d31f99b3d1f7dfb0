// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
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
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// requests makes rows of which every fourth is wrong.
func requests(prefix string, n int) []assayclient.Request {
	out := make([]assayclient.Request, n)
	for i := range out {
		e := application(fmt.Sprintf("%s-%d", prefix, i), float64(i), 600)
		if i%4 == 3 {
			e.Fields[0].Value = assay.NumberValue(-1)
		}
		out[i] = assayclient.Request{ID: e.ID, Event: e}
	}
	return out
}

// checkRows: wrong rows have their error in their place, the others a decision
// of their own.
func checkRows(t *testing.T, rows []assayclient.Row) {
	t.Helper()
	seen := map[uint64]bool{}
	for i, r := range rows {
		if i%4 == 3 {
			if status.Code(r.Err) != codes.InvalidArgument {
				t.Errorf("row %d: got %v, want INVALID_ARGUMENT", i, r.Err)
			}
			continue
		}
		if r.Err != nil {
			t.Errorf("row %d: %v", i, r.Err)
		} else if seen[r.Decision.Sequence] {
			t.Errorf("row %d shares sequence number %d", i, r.Decision.Sequence)
		} else {
			seen[r.Decision.Sequence] = true
		}
	}
}

func TestBatch(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	reqs := requests("b", 600) // more than one group
	reqs[8] = reqs[4]          // one id twice in a batch
	rows, err := n.client.ScoreBatch(t.Context(), reqs)
	if err != nil {
		t.Fatal(err)
	}
	if rows[8].Err != nil || !rows[8].Decision.Repeated || rows[8].Decision.Sequence != rows[4].Decision.Sequence {
		t.Errorf("the second row of one id: %+v, want the first row's decision", rows[8])
	}
	rows[8] = assayclient.Row{Decision: &assayclient.Decision{Decision: assay.Decision{Sequence: math.MaxUint64}}}
	checkRows(t, rows)
	if taken := n.journal.Stats().Taken - begun; taken != 449 {
		t.Errorf("%d sequence numbers taken, want 449", taken)
	}
}

// TestBatchesThatShareIDs: two batches with the same ids in opposite orders
// must not wait for each other for ever.
func TestBatchesThatShareIDs(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for round := range 20 {
		var a, b []assayclient.Request
		for i := range 20 {
			e := application(fmt.Sprintf("s-%d-%d", round, i), 1, 600)
			a = append(a, assayclient.Request{ID: e.ID, Event: e})
			b = append([]assayclient.Request{{ID: e.ID, Event: e}}, b...)
		}
		var wg sync.WaitGroup
		for _, reqs := range [][]assayclient.Request{a, b} {
			wg.Go(func() {
				rows, err := n.client.ScoreBatch(ctx, reqs)
				if err != nil {
					t.Error(err)
				}
				for _, r := range rows {
					if r.Err != nil {
						t.Error(r.Err)
					}
				}
			})
		}
		wg.Wait()
	}
	if taken := n.journal.Stats().Taken - begun; taken != 400 {
		t.Errorf("%d sequence numbers taken, want 400", taken)
	}
}

func TestStream(t *testing.T) { streamRows(t, Config{}) }

// TestStreamOfSmallBurst: rows of a stream that are decided together are not a
// request of more rows than a caller may ask for at once.
func TestStreamOfSmallBurst(t *testing.T) {
	streamRows(t, Config{RatePerSecond: 1e9, RateBurst: 3})
}

func streamRows(t *testing.T, cfg Config) {
	n := start(t, t.TempDir(), cfg)
	reqs := requests("s", 1000)
	var rows []assayclient.Row
	i := 0
	err := n.client.ScoreStream(t.Context(), func() (assayclient.Request, error) {
		if i == len(reqs) {
			return assayclient.Request{}, io.EOF
		}
		i++
		return reqs[i-1], nil
	}, func(id string, r assayclient.Row) error {
		if want := reqs[len(rows)].ID; id != want {
			return fmt.Errorf("answer %d is for %s, want %s: the order of the requests", len(rows), id, want)
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(reqs) {
		t.Fatalf("%d answers, want %d", len(rows), len(reqs))
	}
	checkRows(t, rows)
}

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

// TestFourEyes: one admin cannot do alone what needs two.
func TestFourEyes(t *testing.T) {
	n := start(t, t.TempDir(), Config{FourEyes: true, Auth: keys("ann:admin", "bob:admin")})
	ann, bob := n.as("ann"), n.as("bob")
	req := func(id string) *pb.SetPolicyRequest {
		return &pb.SetPolicyRequest{RequestId: id,
			Yaml: []byte("name: strict\ncutoffs: {review_from: 0, decline_from: 0}\n")}
	}
	for i, c := range []struct {
		adm  pb.AdminClient
		want pb.Approval
	}{{ann, pb.Approval_APPROVAL_PENDING}, {ann, pb.Approval_APPROVAL_PENDING}, {bob, pb.Approval_APPROVAL_DONE},
		{bob, pb.Approval_APPROVAL_PENDING}} {
		resp, err := c.adm.SetPolicy(t.Context(), req(fmt.Sprint(i)))
		if err != nil || resp.Approval != c.want {
			t.Errorf("step %d: %v, %v, want %s", i, resp, err, c.want)
		}
	}
	rec, err := n.journal.Get(begun + 1) // after ann's proposal
	if err != nil {
		t.Fatal(err)
	}
	var act engine.Act
	if err := assay.UnmarshalCBOR(rec.Decision, &act); err != nil || act.What != engine.ActPolicy ||
		act.By != "bob" || act.Second != "ann" {
		t.Errorf("the record says %+v, %v, want both names", act, err)
	}
}

// TestFourEyesOverRestarts: what one admin asked for waits in the journal, and
// what was carried out waits no more.
func TestFourEyesOverRestarts(t *testing.T) {
	dir, cfg := t.TempDir(), Config{FourEyes: true, Auth: keys("ann:admin", "bob:admin")}
	set := func(n *node, who, name string) pb.Approval {
		resp, err := n.as(who).SetPolicy(t.Context(),
			&pb.SetPolicyRequest{RequestId: rand.Text(),
				Yaml: []byte("name: " + name + "\ncutoffs: {review_from: 0, decline_from: 0}\n")})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Approval
	}
	n := start(t, dir, cfg)
	if a, b := set(n, "ann", "one"), set(n, "ann", "two"); a != pb.Approval_APPROVAL_PENDING || b != a {
		t.Fatalf("ann alone: %s, %s", a, b)
	}
	if a := set(n, "bob", "two"); a != pb.Approval_APPROVAL_DONE {
		t.Fatalf("both: %s", a)
	}
	n.stop()
	n = start(t, dir, cfg)
	st, err := n.as("ann").GetStatus(t.Context(), &pb.GetStatusRequest{})
	if err != nil || len(st.Pending) != 1 {
		t.Fatalf("pending after a restart: %q, %v, want one", st.GetPending(), err)
	}
	if a := set(n, "ann", "one"); a != pb.Approval_APPROVAL_PENDING {
		t.Errorf("ann again after a restart: %s", a)
	}
	if a := set(n, "bob", "one"); a != pb.Approval_APPROVAL_DONE {
		t.Errorf("bob after a restart: %s", a)
	}
}

// TestLimits: over the rate and over the server's bound, the caller reads when
// to come again.
func TestLimits(t *testing.T) {
	n := start(t, t.TempDir(), Config{RatePerSecond: 0.5, RateBurst: 2})
	rpc := pb.NewScoringClient(n.client.Conn())
	var last error
	for i := range 3 {
		id := fmt.Sprint(i)
		_, last = rpc.Score(t.Context(), &pb.ScoreRequest{RequestId: id, Event: wire.Event(application(id, 10, 600))})
	}
	if status.Code(last) != codes.ResourceExhausted || len(status.Convert(last).Details()) != 1 {
		t.Errorf("over the rate: %v, want RESOURCE_EXHAUSTED with RetryInfo", last)
	}
	n = start(t, t.TempDir(), Config{MaxInFlight: 8})
	rpc = pb.NewScoringClient(n.client.Conn())
	n.fill(8)
	_, err := rpc.Score(t.Context(),
		&pb.ScoreRequest{RequestId: "full", Event: wire.Event(application("full", 10, 600))})
	if status.Code(err) != codes.ResourceExhausted || len(status.Convert(err).Details()) != 1 {
		t.Errorf("a full server: %v, want RESOURCE_EXHAUSTED with RetryInfo", err)
	}
}
