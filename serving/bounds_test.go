// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"io"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/wire"
)

// comeAgain reports whether an error says when to come again.
func comeAgain(err error) bool {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok && r.RetryDelay.AsDuration() > 0 {
			return status.Code(err) == codes.ResourceExhausted
		}
	}
	return false
}

// TestListsAreBounded: only so many lists are under way at once, since each may read
// 20,000 records; the next caller gets the time to try again, and scoring goes on.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	for range maxLists {
		n.server.listSlots <- struct{}{}
	}
	if _, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{}); !comeAgain(err) {
		t.Errorf("one list more than %d: %v, want RESOURCE_EXHAUSTED with RetryInfo", maxLists, err)
	}
	if _, err := n.client.Score(t.Context(), "r", application("e", 10, 600)); err != nil {
		t.Errorf("a decision meanwhile: %v", err)
	}
	<-n.server.listSlots
	for range 2 * maxLists { // each gives its place back
		if l, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{}); err != nil || len(l.Decisions) != 1 {
			t.Fatalf("with a place free: %v, %v", l, err)
		}
	}
}

// TestBatchesAreBounded: a batch of more rows than may be under way is let in
// when it is alone, and waits for its turn when it is not; streams on a server
// that takes few rows at once are answered.
func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{MaxInFlight: 8})
	rpc := pb.NewScoringClient(n.client.Conn())
	ask := func(prefix string, rows int) error {
		req := &pb.ScoreBatchRequest{}
		for i := range rows {
			id := fmt.Sprint(prefix, i)
			req.Rows = append(req.Rows, scoreRequest(id, application(id, 10, 600)))
		}
		_, err := rpc.ScoreBatch(t.Context(), req)
		return err
	}
	for _, rows := range []int{1, 7, 8, 9, 100} {
		empty := n.fill(8)
		if err := ask("full", rows); !comeAgain(err) {
			t.Errorf("%d rows on a full server: %v, want RESOURCE_EXHAUSTED with RetryInfo", rows, err)
		}
		if empty(); n.server.engine.InFlight() != 0 {
			t.Errorf("%d rows that were refused count as under way", rows)
		}
		if err := ask(fmt.Sprint("alone", rows, "-"), rows); err != nil {
			t.Errorf("%d rows alone: %v", rows, err)
		}
	}
	sent, answered := 0, 0
	err := n.client.ScoreStream(t.Context(), func() (assayclient.Request, error) {
		if sent == 300 {
			return assayclient.Request{}, io.EOF
		}
		sent++
		id := fmt.Sprint("stream", sent)
		return assayclient.Request{ID: id, Event: application(id, 10, 600)}, nil
	}, func(id string, r assayclient.Row) error {
		if r.Err == nil {
			answered++
		}
		return r.Err
	})
	if err != nil || answered != 300 {
		t.Errorf("a stream: %d answers, %v", answered, err)
	}
}

// TestOutputsAreBounded: a small request must not ask for the same large output
// again and again.
func TestOutputsAreBounded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	req := &v2.ModelInferRequest{Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}}},
		RawInputContents: [][]byte{raw(1)}}
	for range 2 {
		req.Outputs = append(req.Outputs, &v2.ModelInferRequest_InferRequestedOutputTensor{Name: "contributions"})
	}
	_, err := v2.NewGRPCInferenceServiceClient(n.client.Conn()).ModelInfer(t.Context(), req)
	if status.Code(err) != codes.InvalidArgument || !has(err, "twice") {
		t.Errorf("one output twice: %v, want INVALID_ARGUMENT", err)
	}
}

// TestFourEyesOverInference: the Open Inference Protocol has no word for an act
// that waits. The first admin must not read that the model is loaded.
func TestFourEyesOverInference(t *testing.T) {
	t.Parallel()
	second := bundle(t, planYAML, "second", 1)
	n := start(t, t.TempDir(), Config{FourEyes: true, Auth: keys("ann:admin,read", "bob:admin"),
		Load: func(context.Context, string) (*models.Bundle, error) {
			return second, nil
		}})
	ann, bob := n.all("ann-key").infer, n.all("bob-key").infer
	load := &v2.RepositoryModelLoadRequest{ModelName: "second"}
	ready := func() bool {
		r, err := ann.ModelReady(t.Context(), &v2.ModelReadyRequest{Name: "second"})
		return err == nil && r.Ready
	}
	if _, err := ann.RepositoryModelLoad(t.Context(), load); status.Code(err) != codes.FailedPrecondition ||
		!has(err, "second admin") || ready() {
		t.Errorf("the first admin: %v, ready %t, want FAILED_PRECONDITION that speaks of a second admin", err, ready())
	}
	if _, err := bob.RepositoryModelLoad(t.Context(), load); err != nil || !ready() {
		t.Errorf("the second admin: %v, ready %t", err, ready())
	}
}

// TestSetPolicyAgain: the same request again is answered with the digest of the
// policy that it set, even if another is in force by then.
func TestSetPolicyAgain(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	adm := pb.NewAdminClient(n.client.Conn())
	set := func(id, name string) *pb.SetPolicyResponse {
		t.Helper()
		yaml := []byte("name: " + name + "\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n")
		resp, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: id, Yaml: yaml})
		if err != nil {
			t.Fatal(err)
		}
		if want := policy.DigestOf(yaml); string(resp.PolicyDigest) != string(want[:]) {
			t.Errorf("request %s: the digest is not that of the policy %s", id, name)
		}
		return resp
	}
	first := set("a", "one")
	set("b", "two")
	if again := set("a", "one"); again.Sequence != first.Sequence {
		t.Errorf("the same request has the records %d and %d", first.Sequence, again.Sequence)
	}
}

// TestLimits: over the rate and over the server's bound, the caller reads when
// to come again.
func TestLimits(t *testing.T) {
	t.Parallel()
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
