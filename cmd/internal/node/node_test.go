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
	plan, _, err := spec.Fit(t.Context(), rec, nil)
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

// TestTimeStamps runs a whole node with a time-stamping authority that is
// down, then answers rubbish, then is another one, then works: decisions are
// made all the time, and their receipts carry a token that holds offline as
// soon as there is one.
func TestTimeStamps(t *testing.T) {
	authority, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var stage, asked atomic.Int64
	tsa := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch stage.Load() {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.Header().Set("Content-Type", "application/timestamp-reply")
			_, _ = w.Write([]byte("rubbish"))
		case 2:
			stranger.ServeHTTP(w, r)
		default:
			authority.ServeHTTP(w, r)
		}
	}))
	defer tsa.Close()
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
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	c, err := assayclient.Dial(l.Addr().String(), assayclient.Config{LogKey: n.Journal.Key()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	decide := func(i int) uint64 {
		t.Helper()
		e := assay.Event{ID: fmt.Sprintf("e%d", i), Kind: "application", Time: time.Now(),
			Entities: []assay.Entity{{Role: "buyer", ID: "B"}},
			Fields:   []assay.Field{{Name: "amount", Value: assay.NumberValue(float64(10 * i))}}}
		d, err := c.Score(t.Context(), e.ID, &e)
		if err != nil {
			t.Fatal(err)
		}
		return d.Sequence
	}
	// published is the receipt once its checkpoint is.
	published := func(seq uint64) *assay.Receipt {
		t.Helper()
		if err := n.Journal.WaitPublished(t.Context(), seq+1); err != nil {
			t.Fatal(err)
		}
		r, err := c.Receipt(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var seqs []uint64
	for s := range 3 {
		stage.Store(int64(s))
		seqs = append(seqs, decide(s))
		for before := asked.Load(); asked.Load() < before+4; { // the authority was asked again, and did not help
			time.Sleep(5 * time.Millisecond)
		}
		r := published(seqs[s])
		fs := append(ledger.Verify(r, ledger.Trust{LogKey: n.Journal.Key()}), timestamp.VerifyReceipt(r, trust)...)
		if last := fs[len(fs)-1]; r.Timestamp != nil || !ledger.OK(fs) || last.Step != timestamp.Step ||
			last.State != ledger.Absent {
			t.Fatalf("stage %d: a receipt without a stamp says %v", s, fs)
		}
	}
	if s := n.Stamps.Status(); s.Err == nil || s.Stamped != 0 {
		t.Errorf("the keeper says %+v of an authority that gave nothing to keep", s)
	}
	stage.Store(3)
	seqs = append(seqs, decide(3))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stamped := 0
		for _, seq := range seqs {
			r := published(seq)
			fs := append(ledger.Verify(r, ledger.Trust{LogKey: n.Journal.Key()}), timestamp.VerifyReceipt(r, trust)...)
			if !ledger.OK(fs) {
				t.Fatalf("record %d: %v", seq, fs)
			}
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
