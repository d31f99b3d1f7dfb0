// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
	"github.com/assayrisk/assay/ledger/timestamp/tsp"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
)

// bundle is one tree on one number.
func bundle(t *testing.T) *models.Bundle {
	t.Helper()
	spec, err := features.ParseSpec(
		[]byte("version: 1\nname: node\nentities: [buyer]\nfields:\n  - {name: amount}\nfeatures:\n  - {name: " +
			"amount}\n"))
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64}, {Name: "buyer", Type: arrow.BinaryTypes.String}}, nil))
	defer b.Release()
	for i := range 100 {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		b.Field(1).(*array.StringBuilder).Append("B")
	}
	rec := b.NewRecord()
	defer rec.Release()
	plan, _, err := features.Fit(t.Context(), spec, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &models.Model{Objective: models.Binary, Sigmoid: 1, Features: []models.FeatureInfo{{Name: "amount", Max: 1e6}},
		Trees: []models.Tree{{
			Feature: []int32{0}, Threshold: []float64{50}, Decision: []uint8{uint8(models.MissingNaN) << 2},
			Left: []int32{^0}, Right: []int32{^1},
			Gain: []float64{1}, NodeValue: []float64{0}, NodeHess: []float64{100}, NodeCount: []int64{100},
			LeafValue: []float64{-2, 1}, LeafHess: []float64{50, 50}, LeafCount: []int64{50, 50}, Shrinkage: 1}}}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	out := &models.Bundle{Model: m, Plan: plan.Frozen(), Scale: models.DefaultScale(),
		Digest: assay.Sum("test bundle\n", plan.Frozen())}
	out.Manifest.Name, out.Manifest.Plan = "node", plan.Digest()
	return out
}

// stampingStages is an authority that is down, then answers rubbish, then is
// another one, and then works.
type stampingStages struct {
	stage, asked        atomic.Int64
	authority, stranger http.Handler
}

// ServeHTTP answers by the stage.
func (s *stampingStages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	switch s.stage.Load() {
	case 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 1:
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write([]byte("rubbish"))
	case 2:
		s.stranger.ServeHTTP(w, r)
	default:
		s.authority.ServeHTTP(w, r)
	}
}

// stampedNode is a running node with such an authority, and a client of it.
type stampedNode struct {
	*Node
	t      *testing.T
	client *assayclient.Client
	trust  timestamp.Trust
}

func startStamped(t *testing.T, stages *stampingStages) *stampedNode {
	t.Helper()
	authority, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if stages.stranger, err = timestamptest.New(timestamptest.Options{}); err != nil {
		t.Fatal(err)
	}
	stages.authority = authority
	tsa := httptest.NewServer(stages)
	t.Cleanup(tsa.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	trust := timestamp.Trust{Certificates: [][]byte{authority.CA}}
	n, err := Open(t.Context(), Config{
		Dir: t.TempDir(), Bundle: bundle(t), Listener: l, TimestampURL: tsa.URL,
		Journal: journal.Config{Interval: 20 * time.Millisecond},
		Timestamp: tsp.Config{Every: 20 * time.Millisecond, Trust: trust,
			HTTP: tsp.HTTP{WaitMin: time.Millisecond, WaitMax: 2 * time.Millisecond, Retries: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	c, err := assayclient.Dial(l.Addr().String(), assayclient.Config{LogKey: n.Journal.Key()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &stampedNode{n, t, c, trust}
}

// decide has the node decide about one event.
func (n *stampedNode) decide(i int) uint64 {
	n.t.Helper()
	e := assay.Event{ID: fmt.Sprintf("e%d", i), Kind: "application", Time: time.Now(),
		Entities: []assay.Entity{{Role: "buyer", ID: "B"}},
		Fields:   []assay.Field{{Name: "amount", Value: assay.NumberValue(float64(10 * i))}}}
	d, err := n.client.Score(n.t.Context(), e.ID, &e)
	if err != nil {
		n.t.Fatal(err)
	}
	return d.Sequence
}

// verified is a record's receipt, once the log has published it, and what its
// verification says.
func (n *stampedNode) verified(seq uint64) (*assay.Receipt, []ledger.Finding) {
	n.t.Helper()
	if err := n.Journal.WaitPublished(n.t.Context(), seq+1); err != nil {
		n.t.Fatal(err)
	}
	r, err := n.client.Receipt(n.t.Context(), seq)
	if err != nil {
		n.t.Fatal(err)
	}
	fs := append(ledger.Verify(r, ledger.Trust{LogKey: n.Journal.Key()}), timestamp.VerifyReceipt(r, n.trust)...)
	if !ledger.OK(fs) {
		n.t.Fatalf("record %d: %v", seq, fs)
	}
	return r, fs
}

// TestTimeStamps runs a whole node with a time-stamping authority that is
// down, then answers rubbish, then is another one, then works: decisions are
// made all the time, and their receipts carry a token that holds offline as
// soon as there is one.
func TestTimeStamps(t *testing.T) {
	var stages stampingStages
	n := startStamped(t, &stages)
	var seqs []uint64
	for s := range 3 {
		stages.stage.Store(int64(s))
		seqs = append(seqs, n.decide(s))
		for before := stages.asked.Load(); stages.asked.Load() < before+4; { // asked again, it did not help
			time.Sleep(5 * time.Millisecond)
		}
		r, fs := n.verified(seqs[s])
		if last := fs[len(fs)-1]; r.Timestamp != nil || last.Step != timestamp.Step || last.State != ledger.Absent {
			t.Fatalf("stage %d: a receipt without a stamp says %v", s, fs)
		}
	}
	if s := n.Stamps.Status(); s.Err == nil || s.Stamped != 0 {
		t.Errorf("the keeper says %+v of an authority that gave nothing to keep", s)
	}
	stages.stage.Store(3)
	seqs = append(seqs, n.decide(3))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stamped := 0
		for _, seq := range seqs {
			_, fs := n.verified(seq)
			if last := fs[len(fs)-1]; last.Step == "timestamp/authority" && last.State == ledger.Proven {
				stamped++
			}
		}
		if stamped == len(seqs) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d receipts carry a stamp; the keeper says %+v", stamped, len(seqs), n.Stamps.Status())
		}
	}
}
