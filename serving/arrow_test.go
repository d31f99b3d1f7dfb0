// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"errors"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// ipcOf writes an IPC stream of batches.
func ipcOf(t testing.TB, recs ...arrow.Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(recs[0].Schema()))
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// amounts is a record batch of applications.
func amounts(t testing.TB, values ...float64) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "income", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "sector", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "insured", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "buyer", Type: arrow.BinaryTypes.String}}, nil))
	defer b.Release()
	for _, v := range values {
		b.Field(0).(*array.Float64Builder).Append(v)
		b.Field(1).(*array.Float64Builder).Append(600)
		b.Field(2).(*array.StringBuilder).Append("steel")
		b.Field(3).(*array.BooleanBuilder).Append(true)
		b.Field(4).(*array.StringBuilder).Append("B-1")
	}
	return b.NewRecord()
}

// recordOf reads the one record of an answer.
func recordOf(t *testing.T, b []byte) arrow.Record {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestArrowBatch: rows of an Arrow batch are decided like rows of events.
func TestArrowBatch(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	req := &pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "batch", Time: timestamppb.New(start2026),
		Ipc: ipcOf(t, amounts(t, 10, -1, 2000))}}
	var first []byte
	for range 2 { // asking again scores nothing again
		resp, err := rpc.ScoreBatch(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		rec := recordOf(t, resp.ArrowIpc)
		outcome, pd, failed := rec.Column(1).(*array.String), rec.Column(2).(*array.Float64),
			rec.Column(8).(*array.String)
		if outcome.Value(0) != "approve" || outcome.Value(2) != "decline" || !pd.IsNull(1) ||
			failed.IsNull(1) || !failed.IsNull(0) {
			t.Errorf("%v", rec)
		}
		d, err := assay.ParseDecision(rec.Column(6).(*array.Binary).Value(2))
		if err != nil || d.RequestID != "batch/2" || d.Score.PD != pd.Value(2) {
			t.Errorf("the decision of row 2: %+v, %v", d, err)
		}
		if first == nil {
			first = resp.ArrowIpc
		} else if !bytes.Equal(first, resp.ArrowIpc) {
			t.Error("asking again gave other bytes")
		}
	}
	if taken := n.journal.Stats().Taken - begun; taken != 2 {
		t.Errorf("%d sequence numbers taken, want 2", taken)
	}
	for name, b := range map[string][]byte{"empty": nil, "garbage": []byte("garbage"),
		"cut short": first[:len(first)/2], "two batches": ipcOf(t, amounts(t, 1), amounts(t, 2)),
		"no rows": ipcOf(t, amounts(t))} {
		_, err := rpc.ScoreBatch(t.Context(), &pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "bad", Ipc: b}})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", name, err)
		}
	}
}

// FuzzReadRecord: hostile bytes are an error that names the field, never a panic.
func FuzzReadRecord(f *testing.F) {
	good := ipcOf(f, amounts(f, 1, 2, 3))
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	m, err := engine.NewModel(bundle(f, planYAML, "fuzz", 0), nil, start2026)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, schema, err := readRecord(b, 100)
		if err != nil {
			var fe *assay.FieldError
			if !errors.As(err, &fe) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		read := &arrowRows{rec: rec, schema: schema}
		for i := range int(rec.NumRows()) {
			c := newCall().(*call)
			c.Model = m
			if read.event(c, i, "id", "", start2026) == nil {
				_ = m.Plan.Validate(c.Event)
			}
		}
		rec.Release()
	})
}
