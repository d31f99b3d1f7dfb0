// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"math"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// TestScore: the whole way, and the reply proves what it says. The client
// checks the promise's signature and holds the reply to its decision.
func TestScore(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	sigmoid := func(m float64) float64 { return 1 / (1 + math.Exp(-m)) }
	for i, c := range []struct {
		amount, income, margin float64
		outcome                assay.Outcome
		codes                  []string
	}{
		{10, 600, -3, assay.Approve, nil},
		{10, 400, -1, assay.Review, []string{"R02"}},
		{2000, 600, -0.5, assay.Decline, []string{"R01"}},
		{2000, math.NaN(), -0.5, assay.Decline, []string{"R01"}},
		{2000, 400, 1.5, assay.Decline, []string{"R01", "R02"}},
	} {
		d, err := n.client.Score(t.Context(), fmt.Sprintf("r%d", i),
			application(fmt.Sprintf("e%d", i), c.amount, c.income))
		if err != nil {
			t.Fatal(err)
		}
		if d.Sequence != begun+uint64(i) || d.Outcome != c.outcome || d.Score.Margin != c.margin ||
			math.Abs(d.Score.PD-sigmoid(c.margin)) > 1e-12 {
			t.Errorf("%d: %s with margin %v and PD %v at %d, want %s with %v at %d", i, d.Outcome, d.Score.Margin,
				d.Score.PD, d.Sequence, c.outcome, c.margin, begun+i)
		}
		var got []string
		for _, r := range d.Reasons {
			if !(r.Contribution > 0) || r.Text == "" {
				t.Errorf("%d: reason %+v", i, r)
			}
			got = append(got, r.Code)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.codes) {
			t.Errorf("%d: reasons %v, want %v", i, got, c.codes)
		}
		b := n.server.cfg.Bundle
		if d.Score.Model != b.Digest || d.Plan != b.Manifest.Plan ||
			d.Policy != n.server.engine.Models().Active.Policy.Digest() || d.Score.Grade == "" || d.Score.Points == 0 {
			t.Errorf("%d: the decision does not name what it was made by: %+v", i, d.Decision)
		}
	}
	key, err := ledger.ParseKey(n.journal.Key())
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.client.Receipt(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ledger.Verify(r, ledger.Trust{LogKey: key.String()}) {
		if f.State == ledger.Refused {
			t.Errorf("the receipt does not verify: %+v", f)
		}
	}
}

// TestValidation: what is wrong with a request comes back with its field.
func TestValidation(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{MaxMessageBytes: 64 << 10})
	rpc := pb.NewScoringClient(n.client.Conn())
	with := func(f ...assay.Field) *assay.Event {
		e := application("e", 10, 600)
		e.Fields = append(e.Fields, f...)
		return e
	}
	field := func(name string, v assay.Value) assay.Field { return assay.Field{Name: name, Value: v} }
	for _, c := range []struct {
		name, field string
		req         *pb.ScoreRequest
	}{
		{"no request id", "request_id", &pb.ScoreRequest{Event: wire.Event(with())}},
		{"no event", "event", &pb.ScoreRequest{RequestId: "r"}},
		{"unknown field", "shoe_size",
			&pb.ScoreRequest{RequestId: "r", Event: wire.Event(with(field("shoe_size", assay.NumberValue(43))))}},
		{"wrong kind", "insured",
			&pb.ScoreRequest{RequestId: "r", Event: wire.Event(with(field("insured", assay.NumberValue(3))))}},
		{"NaN", "income", &pb.ScoreRequest{RequestId: "r", Event: func() *pb.Event {
			e := application("e", 10, 1)
			e.Fields[2].Value = assay.NumberValue(math.NaN())
			return wire.Event(e)
		}()}},
		{"twice", "amount",
			&pb.ScoreRequest{RequestId: "r", Event: wire.Event(with(field("amount", assay.NumberValue(1))))}},
		{"required", "amount", &pb.ScoreRequest{RequestId: "r", Event: func() *pb.Event {
			e := application("e", 10, 600)
			e.Fields = e.Fields[1:]
			return wire.Event(e)
		}()}},
		{"out of range", "amount", &pb.ScoreRequest{RequestId: "r", Event: wire.Event(application("e", -1, 600))}},
		{"unknown role", "cook", &pb.ScoreRequest{RequestId: "r", Event: func() *pb.Event {
			e := application("e", 10, 600)
			e.Entities = append(e.Entities, assay.Entity{Role: "cook", ID: "x"})
			return wire.Event(e)
		}()}},
		{"unknown model", "model", &pb.ScoreRequest{RequestId: "r", Model: "nope", Event: wire.Event(with())}},
	} {
		_, err := rpc.Score(t.Context(), c.req)
		st := status.Convert(err)
		var got string
		for _, d := range st.Details() {
			if br, ok := d.(*errdetails.BadRequest); ok {
				got = br.FieldViolations[0].Field
			}
		}
		if st.Code() != codes.InvalidArgument || got != c.field {
			t.Errorf("%s: got %v for field %q, want INVALID_ARGUMENT for %q", c.name, err, got, c.field)
		}
	}
	big := with(field("sector2", assay.TextValue(string(make([]byte, 100<<10)))))
	if _, err := rpc.Score(t.Context(), &pb.ScoreRequest{RequestId: "r", Event: wire.Event(big)}); status.Code(err) !=
		codes.ResourceExhausted {
		t.Errorf("an oversize message: got %v, want RESOURCE_EXHAUSTED", err)
	}
	if taken := n.journal.Stats().Taken - begun; taken != 0 {
		t.Errorf("%d sequence numbers were taken by refused requests", taken)
	}
}

// TestIdempotency: one id is decided once, in one process and across a restart.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir, Config{})
	first, err := n.client.Score(t.Context(), "r", application("e", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	check := func(n *node) {
		t.Helper()
		again, err := n.client.Score(t.Context(), "r", application("e", 10, 600))
		if err != nil {
			t.Fatal(err)
		}
		if !again.Repeated || string(again.Canonical) != string(first.Canonical) ||
			string(again.Promise) != string(first.Promise) {
			t.Errorf("asking again gave another decision or promise: %+v, then %+v", first.Decision, again.Decision)
		}
		if _, err := n.client.Score(t.Context(), "r", application("e", 11, 600)); status.Code(err) !=
			codes.AlreadyExists {
			t.Errorf("another body: got %v, want ALREADY_EXISTS", err)
		}
		if _, err := n.client.Record(t.Context(), "r", application("e", 10, 600)); status.Code(err) !=
			codes.AlreadyExists {
			t.Errorf("another method: got %v, want ALREADY_EXISTS", err)
		}
	}
	check(n)
	n.stop()
	n = start(t, dir, Config{})
	check(n)
	if taken := n.journal.Stats().Taken - begun; taken != 1 {
		t.Errorf("%d sequence numbers were taken, want 1", taken)
	}
}

// TestOneIDFromManyCallsAtOnce: all get the one decision.
func TestOneIDFromManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	const calls = 32
	seqs := make(chan uint64, calls)
	for range calls {
		go func() {
			d, err := n.client.Score(context.Background(), "same", application("e", 10, 600))
			if err != nil {
				t.Error(err)
				seqs <- math.MaxUint64
				return
			}
			seqs <- d.Sequence
		}()
	}
	for range calls {
		if s := <-seqs; s != begun {
			t.Errorf("a call got sequence number %d, want %d", s, begun)
		}
	}
	if taken := n.journal.Stats().Taken - begun; taken != 1 {
		t.Errorf("%d sequence numbers were taken, want 1", taken)
	}
}
