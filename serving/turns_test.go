// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// batchOf makes a batch of n rows.
func batchOf(prefix string, n int) *pb.ScoreBatchRequest {
	req := &pb.ScoreBatchRequest{}
	for i := range n {
		id := fmt.Sprint(prefix, i)
		req.Rows = append(req.Rows, scoreRequest(id, application(id, 10, 600)))
	}
	return req
}

// idle fails unless no turn is taken and nothing is under way.
func (n *node) idle(what string) {
	n.t.Helper()
	e := n.server.engine
	if load := e.load.Load(); load != 0 {
		n.t.Errorf("%s: %d rows count as under way", what, load)
	}
	if !e.turns.TryAcquire(int64(e.atOnce)) {
		n.t.Fatalf("%s: a turn was not given back", what)
	}
	e.turns.Release(int64(e.atOnce))
}

// TestTurnsComeBack: a batch gives its turn back however it ends: answered,
// malformed in a row behind good ones, given up while it waits, or with a panic
// anywhere between its admission and its answer.
func TestTurnsComeBack(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	s, e := &scoring{Server: n.server}, n.server.engine
	method := pb.Scoring_ScoreBatch_FullMethodName
	call := func(ctx context.Context, decode func(any) error) error {
		_, err := batchHandler(s, metadata.NewIncomingContext(ctx, nil), decode, nil)
		return err
	}
	good, err := batchOf("good", 3).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	decoded := func(b []byte) func(any) error {
		return func(in any) error { return wire.NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, in) }
	}
	if err := call(t.Context(), decoded(good)); err != nil {
		t.Errorf("%s: %v", method, err)
	}
	n.idle("an answered batch")
	if err := call(t.Context(), decoded(append(good, 0x0a, 2, 0x0a, 9))); err == nil {
		t.Error("a batch with a malformed row was answered")
	}
	n.idle("a malformed row")
	if err := call(t.Context(), func(in any) error { // as if a row's decoder had a fault
		in.(*wire.Attempt).Message.(*wire.Batch).Admit(3)
		panic("in the decoder")
	}); status.Code(err) != codes.Internal {
		t.Errorf("a panic while decoding: %v, want INTERNAL", err)
	}
	n.idle("a panic while decoding")

	if err := e.turns.Acquire(t.Context(), int64(e.atOnce)); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := call(soon, decoded(good)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a deadline while it waits: %v", err)
	}
	e.turns.Release(int64(e.atOnce))
	n.idle("a deadline while it waits")
}

// TestPanicWhileSequencing: a panic in the critical section, or before it, is
// that batch's alone: the section is open to others, its ids can be used again,
// and its working memory is nobody else's.
func TestPanicWhileSequencing(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	e := n.server.engine
	rpc := pb.NewScoringClient(n.client.Conn())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	e.mu.Lock()
	sound := e.mu.windows
	e.mu.windows = append(sound[:len(sound):len(sound)], &windows{}) // of no plan: what a fault looks like
	e.mu.Unlock()
	if r, err := rpc.ScoreBatch(ctx, batchOf("again", 5)); err != nil || len(r.Rows) != 5 || codes.Code(r.Rows[4].Error.GetCode()) != codes.Internal {
		t.Errorf("a panic: %v, %v, want rows with INTERNAL", r, err)
	}
	n.idle("a panic in the critical section")
	if !e.mu.TryLock() {
		t.Fatal("the critical section is still taken")
	}
	e.mu.windows = sound
	e.mu.Unlock()
	// A panic in a row's validation, with others of its batch open.
	active := e.routes.Load().active
	with, err := e.routes.Load().with(&live{name: "broken", bundle: active.bundle, windows: active.windows}, false)
	if err != nil {
		t.Fatal(err)
	}
	e.routes.Store(with)
	bad := batchOf("again", 6)
	bad.Rows[5].Model = "broken"
	if _, err := rpc.ScoreBatch(ctx, bad); status.Code(err) != codes.Internal {
		t.Errorf("a panic in validation: %v, want INTERNAL", err)
	}
	n.idle("a panic in validation")
	for range 3 {
		r, err := rpc.ScoreBatch(ctx, batchOf("again", 5))
		if err != nil {
			t.Fatalf("the same ids again: %v", err)
		}
		for i, row := range r.Rows {
			if want := fmt.Sprint("again", i); row.Error != nil || row.RequestId != want {
				t.Errorf("row %d: %v, want the decision of %s", i, row, want)
			}
		}
	}
}

// TestBatchesLeaveRoomForRequests: while batches wait for their turn, requests
// that come alone do not wait behind them.
func TestBatchesLeaveRoomForRequests(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	e := n.server.engine
	if err := e.turns.Acquire(t.Context(), int64(e.atOnce)); err != nil { // as if batches had all turns
		t.Fatal(err)
	}
	rpc := pb.NewScoringClient(n.client.Conn())
	var batches sync.WaitGroup
	for i := range 4 {
		batches.Go(func() {
			if _, err := rpc.ScoreBatch(t.Context(), batchOf(fmt.Sprint("batch", i, "-"), 100)); err != nil {
				t.Error(err)
			}
		})
	}
	for e.load.Load() < 400 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := rpc.Score(ctx, scoreRequest("alone", application("alone", 10, 600)), grpc.WaitForReady(true)); err != nil {
		t.Errorf("a request while four batches wait: %v", err)
	}
	if taken := n.journal.Stats().Taken; taken != begun+1 {
		t.Errorf("%d numbers are taken while no batch has its turn", taken-begun)
	}
	e.turns.Release(int64(e.atOnce))
	batches.Wait()
	n.idle("the batches")
}

// TestFullServerTakesNoRate: who is refused because the server is full has used
// none of its rate, and may come again when it was told to.
func TestFullServerTakesNoRate(t *testing.T) {
	at := start2026.Add(time.Hour)
	n := start(t, t.TempDir(), Config{RatePerSecond: 10, RateBurst: 10, MaxInFlight: 8, Now: func() time.Time { return at }})
	rpc := pb.NewScoringClient(n.client.Conn())
	n.server.engine.load.Store(8) // as if so many were under way
	for range 3 {
		if _, err := rpc.ScoreBatch(t.Context(), batchOf("a", 10)); !comeAgain(err) || !has(err, "full") {
			t.Errorf("on a full server: %v", err)
		}
	}
	n.server.engine.load.Store(0)
	if _, err := rpc.ScoreBatch(t.Context(), batchOf("a", 10)); err != nil {
		t.Errorf("the whole of the rate: %v", err)
	}
	if _, err := rpc.ScoreBatch(t.Context(), batchOf("b", 1)); !comeAgain(err) || !has(err, "rate") {
		t.Errorf("one row more: %v, want that the rate is used up", err)
	}
}

// TestOutputNamesAreLookedAtOnce: half a million names of outputs that there are
// not are refused at the first.
func TestOutputNamesAreLookedAtOnce(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	req := &v2.ModelInferRequest{Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}}}, RawInputContents: [][]byte{raw(1)}}
	for i := range 300_000 {
		req.Outputs = append(req.Outputs, &v2.ModelInferRequest_InferRequestedOutputTensor{Name: fmt.Sprintf("%06d", i)})
	}
	s := &inference{Server: n.server}
	start := time.Now()
	_, err := s.ModelInfer(t.Context(), req)
	if code, _ := classify(err); code != codes.InvalidArgument || !has(err, "want margin") {
		t.Errorf("%v, want that there is no such output", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
