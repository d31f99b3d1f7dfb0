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
	if load := n.server.engine.InFlight(); load != 0 {
		n.t.Errorf("%s: %d rows count as under way", what, load)
	}
	n.takeTurns()()
}

// allRows is more rows than are worked on at once: a batch of so many has all
// turns.
const allRows = 1 << 30

// takeTurns takes the turns of all batches until give is called. It fails if one
// has not been given back.
func (n *node) takeTurns() (give func()) {
	n.t.Helper()
	soon, cancel := context.WithTimeout(n.t.Context(), 5*time.Second)
	defer cancel()
	give, err := n.server.engine.AdmitBatch(soon, "all turns", allRows)
	if err != nil {
		n.t.Fatalf("a turn was not given back: %v", err)
	}
	return give
}

// TestTurnsComeBack: a batch gives its turn back however it ends: answered,
// malformed in a row behind good ones, given up while it waits, or with a panic
// anywhere between its admission and its answer.
func TestTurnsComeBack(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{MaxInFlight: 2 * allRows})
	s := &scoringServer{Server: n.server}
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
		in.(*wire.DecodeAttempt).Message.(*wire.Batch).Admit(3)
		panic("in the decoder")
	}); status.Code(err) != codes.Internal {
		t.Errorf("a panic while decoding: %v, want INTERNAL", err)
	}
	n.idle("a panic while decoding")

	give := n.takeTurns()
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := call(soon, decoded(good)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a deadline while it waits: %v", err)
	}
	give()
	n.idle("a deadline while it waits")
}

// TestBatchesLeaveRoomForRequests: while batches wait for their turn, requests
// that come alone do not wait behind them.
func TestBatchesLeaveRoomForRequests(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{MaxInFlight: 2 * allRows})
	give := n.takeTurns() // as if batches had them
	rpc := pb.NewScoringClient(n.client.Conn())
	var batches sync.WaitGroup
	for i := range 4 {
		batches.Go(func() {
			if _, err := rpc.ScoreBatch(t.Context(), batchOf(fmt.Sprint("batch", i, "-"), 100)); err != nil {
				t.Error(err)
			}
		})
	}
	for n.server.engine.InFlight() < allRows+400 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := rpc.Score(ctx, scoreRequest("alone", application("alone", 10, 600)),
		grpc.WaitForReady(true)); err != nil {
		t.Errorf("a request while four batches wait: %v", err)
	}
	if taken := n.journal.Stats().Taken; taken != begun+1 {
		t.Errorf("%d numbers are taken while no batch has its turn", taken-begun)
	}
	give()
	batches.Wait()
	n.idle("the batches")
}

// TestFullServerTakesNoRate: a caller that is refused because the server is full has
// used none of its rate.
func TestFullServerTakesNoRate(t *testing.T) {
	t.Parallel()
	at := start2026.Add(time.Hour)
	n := start(t, t.TempDir(),
		Config{RatePerSecond: 10, RateBurst: 10, MaxInFlight: 8, Now: func() time.Time { return at }})
	rpc := pb.NewScoringClient(n.client.Conn())
	empty := n.fill(8)
	for range 3 {
		if _, err := rpc.ScoreBatch(t.Context(), batchOf("a", 10)); !comeAgain(err) || !has(err, "full") {
			t.Errorf("on a full server: %v", err)
		}
	}
	empty()
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
	req := &v2.ModelInferRequest{Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}}},
		RawInputContents: [][]byte{raw(1)}}
	for i := range 300_000 {
		req.Outputs = append(req.Outputs,
			&v2.ModelInferRequest_InferRequestedOutputTensor{Name: fmt.Sprintf("%06d", i)})
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
