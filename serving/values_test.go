// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// oneRow makes a record batch of one application, with columns of other types,
// names or number than amounts'.
func oneRow(t *testing.T, change map[string]func(name *string) (arrow.DataType, func(array.Builder))) arrow.Record {
	t.Helper()
	type column struct {
		name string
		of   arrow.DataType
		put  func(array.Builder)
	}
	columns := []column{
		{"amount", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1234.5) }},
		{"income", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(600) }},
		{"sector", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("steel") }},
		{"insured", arrow.FixedWidthTypes.Boolean, func(b array.Builder) { b.(*array.BooleanBuilder).Append(true) }},
		{"buyer", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("B-1") }},
		{"extra", nil, nil},
	}
	var fields []arrow.Field
	var arrays []arrow.Array
	for _, c := range columns {
		if f := change[c.name]; f != nil {
			c.of, c.put = f(&c.name)
		}
		if c.of == nil {
			continue
		}
		b := array.NewBuilder(memory.DefaultAllocator, c.of)
		c.put(b)
		fields, arrays = append(fields, arrow.Field{Name: c.name, Type: c.of, Nullable: true}),
			append(arrays, b.NewArray())
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, 1)
}

// as is a column of another type.
func as(of arrow.DataType, text string) func(*string) (arrow.DataType, func(array.Builder)) {
	return func(*string) (arrow.DataType, func(array.Builder)) {
		return of, func(b array.Builder) {
			if err := b.AppendValueFromString(text); err != nil {
				panic(err)
			}
		}
	}
}

// TestArrowColumns: whatever types a batch's columns have, the row gets the
// decision of the event; a batch with other columns than the plan's is refused
// as an event would be.
func TestArrowColumns(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	want, err := n.client.Score(t.Context(), "event", application("e", 1234.5, 600))
	if err != nil {
		t.Fatal(err)
	}
	gone := func(*string) (arrow.DataType, func(array.Builder)) { return nil, nil }
	named := func(name string) func(*string) (arrow.DataType, func(array.Builder)) {
		return func(to *string) (arrow.DataType, func(array.Builder)) {
			*to = name
			return as(arrow.BinaryTypes.String, "1")(nil)
		}
	}
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	type changes = map[string]func(*string) (arrow.DataType, func(array.Builder))
	for i, c := range []struct {
		name, refused string
		change        changes
	}{
		{"as it is", "", nil},
		{"decimals", "", changes{"amount": as(&arrow.Decimal128Type{Precision: 10, Scale: 2}, "1234.50")}},
		{"texts of numbers", "",
			changes{"amount": as(arrow.BinaryTypes.String, "1234.5"),
				"income": as(arrow.BinaryTypes.LargeString, "6e2")}},
		{"whole numbers", "",
			changes{"income": as(arrow.PrimitiveTypes.Int16, "600"), "insured": as(arrow.PrimitiveTypes.Uint8, "1")}},
		{"dictionary and large text", "",
			changes{"sector": as(dictionary, "steel"), "insured": as(arrow.BinaryTypes.LargeString, "TRUE")}},
		{"text views", "",
			changes{"sector": as(arrow.BinaryTypes.StringView, "steel"),
				"amount":  as(arrow.BinaryTypes.StringView, "1234.5000000000000"),
				"insured": as(arrow.BinaryTypes.StringView, "TRUE")}},
		{"another case", `field "Amount": the plan does not know this column; did you mean "amount"?`,
			changes{"amount": named("Amount")}},
		{"a column left out", `field "income": the table has no such column`, changes{"income": gone}},
		{"a column twice", `field "amount": the table has two columns of that name`, changes{"extra": named("amount")}},
		{"a role twice", `field "buyer": the table has two columns of that name`, changes{"extra": named("buyer")}},
		{"an unknown column", `field "wage": the plan does not know this column`, changes{"extra": named("wage")}},
		{"no number", `field "amount": the table's column is of type utf8, the plan wants a number`,
			changes{"amount": as(arrow.BinaryTypes.String, "much")}},
	} {
		id := fmt.Sprint("b-", i)
		resp, err := rpc.ScoreBatch(t.Context(),
			&pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: id, Time: timestamppb.New(start2026),
				Ipc: ipcOf(t, oneRow(t, c.change))}})
		if c.refused != "" && status.Code(err) == codes.InvalidArgument &&
			strings.Contains(status.Convert(err).Message(), c.refused) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		rec := recordOf(t, resp.ArrowIpc)
		problem := rec.Column(8).(*array.String)
		if c.refused != "" {
			if problem.IsNull(0) || !strings.Contains(problem.Value(0), c.refused) {
				t.Errorf("%s: %v, want %s", c.name, rec, c.refused)
			}
			continue
		}
		d, err := assay.ParseDecision(rec.Column(6).(*array.Binary).Value(0))
		if err != nil || !problem.IsNull(0) || d.Vector != want.Decision.Vector ||
			math.Float64bits(d.Score.Margin) != math.Float64bits(want.Decision.Score.Margin) {
			t.Errorf("%s: %v, %v, want the event's decision", c.name, rec, err)
		}
	}
}

// TestUnseenOnline: values that training had not are counted by field; when
// nearly all are such, a line says so, once.
func TestUnseenOnline(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	n := start(t, t.TempDir(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range 2 * 100 {
		ev := application(fmt.Sprint("e-", i), 10, 600)
		ev.Fields[1].Value = assay.TextValue("STEEL")
		if _, err := n.client.Score(t.Context(), fmt.Sprint("r-", i), ev); err != nil {
			t.Fatal(err)
		}
	}
	n.stop()
	if text := n.shown(); !strings.Contains(text, `assay_unseen_share{field="sector"} 1`) {
		t.Errorf("no share in the metrics: %s", text)
	}
	if got := strings.Count(log.String(), "nearly all values of a field are new"); got != 1 ||
		strings.Contains(log.String(), "STEEL") {
		t.Errorf("%d lines: %s", got, log.String())
	}
}

// shown is what /metrics shows.
func (n *node) shown() string {
	w := httptest.NewRecorder()
	n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
