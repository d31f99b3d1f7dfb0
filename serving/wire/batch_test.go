// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

func FuzzBatch(f *testing.F) {
	row := sampleRequest(f)
	m := &pb.ScoreRequest{}
	if err := m.UnmarshalVT(row); err != nil {
		f.Fatal(err)
	}
	two, err := (&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{m, {RequestId: "no event"}}}).MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	arrow, err := (&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{m},
		Arrow: &pb.ArrowBatch{RequestId: "a", Ipc: []byte{1}}}).MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(two)
	f.Add(arrow)
	f.Add(append(bytes.Clone(arrow), arrow...)) // merged Arrow batches
	f.Add(append(bytes.Clone(two), 0x18, 0x01)) // unknown field
	f.Add(two[:len(two)-3])
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 4
		var rows []*Request
		admitted := 0
		got := Batch{Next: func() *Request {
			if len(rows) == limit {
				return nil
			}
			rows = append(rows, new(Request))
			return rows[len(rows)-1]
		}, Admit: func(n int) bool {
			if len(rows) > 0 || admitted > 0 {
				t.Fatal("rows are admitted after some were decoded")
			}
			admitted = n
			return true
		}}
		err := got.Unmarshal(b)
		m := new(pb.ScoreBatchRequest)
		merr := m.UnmarshalVT(b)
		if merr != nil {
			// Rows beyond the limit are not looked into.
			if err == nil && got.Rows <= limit {
				t.Fatalf("the message says %v, the batch nothing", merr)
			}
			return
		}
		if err != nil {
			if proto.Unmarshal(b, new(pb.ScoreBatchRequest)) != nil {
				return // the generated decoder takes some tags that are not well-formed
			}
			t.Fatalf("the batch says %v, the message nothing", err)
		}
		if got.Rows != len(m.Rows) || len(rows) != min(limit, len(m.Rows)) {
			t.Fatalf("%d rows, %d decoded, want %d", got.Rows, len(rows), len(m.Rows))
		}
		if admitted > 0 && (admitted != got.Rows || got.Arrow != nil) {
			t.Fatalf("%d rows were admitted, %d came, and the Arrow batch %v", admitted, got.Rows, got.Arrow)
		}
		if (got.Arrow == nil) != (m.Arrow == nil) || m.Arrow != nil && !proto.Equal(got.Arrow, m.Arrow) {
			t.Errorf("arrow: %v, want %v", got.Arrow, m.Arrow)
		}
		for i, r := range rows {
			var want assay.Event
			werr := ReadEvent(&want, m.Rows[i].Event)
			if (werr == nil) != (r.Err == nil) {
				t.Fatalf("row %d: ReadEvent says %v, the batch %v", i, werr, r.Err)
			}
			if werr == nil && (r.ID != m.Rows[i].RequestId || r.Model != m.Rows[i].Model || !same(&want, &r.Event)) {
				t.Errorf("row %d: the two ways differ", i)
			}
		}
	})
}

// TestAdmit: rows are counted before they are decoded, and not decoded when Admit
// refuses them.
func TestAdmit(t *testing.T) {
	t.Parallel()
	b, err := (&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{{RequestId: "a"}, {RequestId: "b"}}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	decoded, admit := 0, false
	m := Batch{Next: func() *Request { decoded++; return new(Request) }, Admit: func(n int) bool {
		if n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
		return admit
	}}
	if err := m.Unmarshal(b); err != nil || decoded != 0 {
		t.Errorf("%d rows were decoded, the error is %v", decoded, err)
	}
	admit = true
	if err := m.Unmarshal(b); err != nil || decoded != 2 || m.Rows != 2 {
		t.Errorf("%d rows were decoded, %d counted, the error is %v", decoded, m.Rows, err)
	}
}

// TestReplies: the bytes are those of the generated message.
func TestReplies(t *testing.T) {
	t.Parallel()
	d := assay.Decision{Version: 1, Sequence: 7, RequestID: "r", EventID: "e", Micros: 5, Outcome: assay.Review,
		Score: assay.Score{PD: 0.5}}
	long := d
	long.RequestID = strings.Repeat("x", 20_000)
	want := &pb.ScoreBatchResponse{}
	rs := NewReplies(64)
	for _, d := range []*assay.Decision{&d, {}, &long, &d} {
		r := Reply{Decision: d, Canonical: []byte("c"), ExpectedLoss: math.NaN(), Price: math.NaN()}
		m := new(pb.ScoreResponse)
		FillDecision(m, d, r.Canonical)
		want.Rows = append(want.Rows, m)
		rs.Add(&r)
	}
	bad := &pb.ScoreResponse{RequestId: "bad", Error: &pb.RowError{Code: 3, Message: "m"}}
	want.Rows = append(want.Rows, bad)
	if err := rs.AddMessage(bad); err != nil {
		t.Fatal(err)
	}
	b, err := want.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	e := rs.Encoded()
	if got := e.data.Materialize(); !bytes.Equal(got, b) {
		t.Errorf("%d bytes, want %d", len(got), len(b))
	}
	e.data.Free()
}
