// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/training"
)

const borderDir = "testdata/border/"

// borderFiles are the ways in which a thousand rows come in a file
// (testdata/border/make.py), and what is refused because the file lacks the
// information.
var borderFiles = []struct{ file, how, refused string }{
	{"pandas.csv", "CSV of pandas: True, 3.0 for 3 where there are gaps", ""},
	{"excel.csv", "CSV of a spreadsheet: sep=;, a mark in front, 1.234,56, TRUE", ""},
	{"tabs.txt", "UTF-16 with tabs: 1,234.56, true", ""},
	{"r.csv.gz", "CSV of R, packed: row names, quotes, NA for a missing number", ""},
	{"pandas.parquet", "Parquet of pandas: a shuffled index, floats with gaps, timestamps", ""},
	{"polars.parquet", "Parquet of polars: decimals, a categorical, small integers, dates", ""},
	{"duckdb.parquet", "Parquet of DuckDB: DECIMAL(18,2) and DECIMAL(4,0), dates", ""},
	{"spark.parquet", "Parquet as Spark writes it: DECIMAL(38,18), INT96", ""},
	{"lower.parquet", "the same by way of Hive, which lowers the names: whether Amount and amount are one is not in " +
		"the file", `did you mean "amount"?`},
	{"pyarrow.arrows", "an Arrow stream: a 256-bit decimal, a dictionary, large text, batches, LZ4", ""},
	{"polars.arrow", "an Arrow file of polars: text views, zstd", ""},
	{"book.xlsx", "a workbook: dates as numbers, booleans", ""},
}

// borderVectors are the vectors that make.py computed, by row.
func borderVectors(t *testing.T) (names []string, rows [][]float64) {
	t.Helper()
	cells := readCells(t, borderDir+"vectors.csv")
	for _, line := range cells[1:] {
		var row []float64
		for _, c := range line {
			x, err := strconv.ParseFloat(c, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, x)
		}
		rows = append(rows, row)
	}
	return cells[0], rows
}

func readCells(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cells, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// sameBits compares two values, of which any NaN is like the other.
func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// borderBundle trains a model on one of the files.
func borderBundle(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	if _, said, code := assayRun(t, "train", "--data", borderDir+"pandas.csv", "--plan", borderDir+"plan.yaml", "--out",
		dir, "--params", "num_iterations=10", "--calibrate", "none"); code != 0 {
		t.Fatal(said)
	}
	return dir
}

// TestBorder: the same thousand rows have the same vectors, bit for bit,
// whichever way they come; what the vectors are is computed in Python.
func TestBorder(t *testing.T) {
	names, want := borderVectors(t)
	bundle := borderBundle(t)
	for _, w := range borderFiles {
		t.Run(w.file, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "vectors.csv")
			_, said, code := assayRun(t, "features", "--model", bundle, "--data", borderDir+w.file, "--out", out)
			if w.refused != "" {
				if code != 1 || !strings.Contains(said, w.refused) {
					t.Errorf("%s: status %d, want it refused with %s:\n%s", w.how, code, w.refused, said)
				}
				return
			}
			if code != 0 {
				t.Fatalf("%s: %s", w.how, said)
			}
			got := readCells(t, out)
			if len(got) != len(want)+1 {
				t.Fatalf("%s: %d rows, want %d", w.how, len(got)-1, len(want))
			}
			wrong := 0
			for c, name := range names {
				at := slices.Index(got[0], name)
				if at < 0 {
					t.Fatalf("%s: there is no column %q in %v", w.how, name, got[0])
				}
				for i := range want {
					x, err := strconv.ParseFloat(got[i+1][at], 64)
					if got[i+1][at] == "" {
						x, err = math.NaN(), nil
					}
					if (err != nil || !sameBits(x, want[i][c])) && wrong < 5 {
						t.Errorf("%s: row %d, %s is %s, want %v", w.how, i+1, name, got[i+1][at], want[i][c])
						wrong++
					}
				}
			}
		})
	}
}

// borderEvents are the rows as events: numbers, texts, flags and times as a
// platform has them.
func borderEvents(t *testing.T) []*assay.Event {
	t.Helper()
	cells := readCells(t, borderDir+"pandas.csv")
	var out []*assay.Event
	for i, line := range cells[1:] {
		ev := &assay.Event{ID: fmt.Sprint("row-", i), Kind: "application", Time: time.Now()}
		for c, name := range cells[0] {
			s := line[c]
			if s == "" || name == "target" {
				continue
			}
			v := assay.TextValue(s)
			switch name {
			case "Amount", "Income", "Rate", "Branch": // a branch's number, of which the plan makes a text
				x, err := strconv.ParseFloat(s, 64)
				if err != nil {
					t.Fatal(err)
				}
				v = assay.NumberValue(x)
			case "Owner":
				v = assay.FlagValue(s == "True")
			case "Opened":
				at, err := time.Parse(time.DateOnly, s)
				if err != nil {
					t.Fatal(err)
				}
				v = assay.InstantValue(at)
			}
			ev.Fields = append(ev.Fields, assay.Field{Name: name, Value: v})
		}
		out = append(out, ev)
	}
	return out
}

// borderBatch is the rows as an Arrow stream, with types as a warehouse has
// them.
func borderBatch(t *testing.T, events []*assay.Event) []byte {
	t.Helper()
	types := []arrow.Field{
		{Name: "Amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}},
		{Name: "Income", Type: arrow.PrimitiveTypes.Int32}, {Name: "Rate", Type: arrow.PrimitiveTypes.Float64},
		{Name: "Job", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8,
			ValueType: arrow.BinaryTypes.String}}, {Name: "Country", Type: arrow.BinaryTypes.LargeString},
		{Name: "Owner", Type: arrow.FixedWidthTypes.Boolean}, {Name: "Branch", Type: arrow.PrimitiveTypes.Int64},
		{Name: "Opened", Type: arrow.FixedWidthTypes.Date32},
	}
	for i := range types {
		types[i].Nullable = true
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(types, nil))
	defer b.Release()
	for _, ev := range events {
		for i, f := range types {
			v, ok := ev.Field(f.Name)
			text := v.Text()
			switch {
			case !ok:
				b.Field(i).AppendNull()
				continue
			case f.Name == "Amount":
				text = strconv.FormatFloat(v.Number(), 'f', 2, 64)
			case v.Kind == assay.Number:
				text = strconv.FormatFloat(v.Number(), 'f', -1, 64)
			case v.Kind == assay.Flag:
				text = strconv.FormatBool(v.Flag())
			case v.Kind == assay.Instant:
				text = v.Instant().Format(time.DateOnly)
			}
			if err := b.Field(i).AppendValueFromString(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBorderServed: the rows sent to a server, one by one, as an Arrow batch
// and as tensors, give the vectors and scores of the files.
func TestBorderServed(t *testing.T) {
	_, want := borderVectors(t)
	s, err := training.OpenScorer(borderBundle(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	n, err := node.Open(t.Context(), node.Config{Dir: t.TempDir(), Bundle: s.Bundle, Listener: l})
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
	c, err := assayclient.Dial(addr, assayclient.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	digests, margins := make([]assay.Digest, len(want)), make([]float64, len(want))
	for i, row := range want {
		v := assay.Vector{Plan: s.Plan.Digest(), Values: row}
		digests[i], margins[i] = v.Digest(), s.Forest.Margin(row)
	}
	events := borderEvents(t)
	rows := make([]assayclient.Request, len(events))
	for i, ev := range events {
		rows[i] = assayclient.Request{ID: ev.ID, Event: ev}
	}
	decisions, err := scoreAll(t.Context(), c, rows, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions {
		if d.Decision.Vector != digests[i] || !sameBits(d.Decision.Score.Margin, margins[i]) {
			t.Fatalf("gRPC: row %d has another vector", i+1)
		}
	}
	batchBorder(t, pb.NewScoringClient(c.Conn()), borderBatch(t, events), digests)
	inferBorder(t, v2.NewGRPCInferenceServiceClient(c.Conn()), want, margins)
}

// batchBorder scores an Arrow batch and compares the decisions' vectors.
func batchBorder(t *testing.T, rpc pb.ScoringClient, batch []byte, digests []assay.Digest) {
	t.Helper()
	resp, err := rpc.ScoreBatch(t.Context(),
		&pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "batch", Time: timestamppb.Now(), Ipc: batch}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(bytes.NewReader(resp.ArrowIpc))
	if err != nil || !r.Next() {
		t.Fatalf("no rows came back: %v", err)
	}
	rec := r.Record()
	if int(rec.NumRows()) != len(digests) {
		t.Fatalf("%d rows came back, want %d", rec.NumRows(), len(digests))
	}
	column := func(name string) arrow.Array { return rec.Column(rec.Schema().FieldIndices(name)[0]) }
	for i := range digests {
		if column("error").IsValid(i) {
			t.Fatalf("Arrow batch: row %d: %s", i+1, column("error").ValueStr(i))
		}
		d, err := assay.ParseDecision(column("decision").(*array.Binary).Value(i))
		if err != nil || d.Vector != digests[i] {
			t.Fatalf("Arrow batch: row %d has another vector (%v)", i+1, err)
		}
	}
}

// inferBorder asks for margins over the Open Inference Protocol, which takes
// vectors: texts are not in it, so that the caller must have made the codes.
func inferBorder(t *testing.T, rpc v2.GRPCInferenceServiceClient, rows [][]float64, margins []float64) {
	t.Helper()
	var raw []byte
	for _, row := range rows {
		for _, x := range row {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
		}
	}
	shape := []int64{int64(len(rows)), int64(len(rows[0]))}
	ask := func(kind string) (*v2.ModelInferResponse, error) {
		return rpc.ModelInfer(t.Context(), &v2.ModelInferRequest{
			Inputs: []*v2.ModelInferRequest_InferInputTensor{
				{Name: "features", Datatype: kind, Shape: shape}},
			Outputs:          []*v2.ModelInferRequest_InferRequestedOutputTensor{{Name: "margin"}},
			RawInputContents: [][]byte{raw},
		})
	}
	resp, err := ask("FP64")
	if err != nil {
		t.Fatal(err)
	}
	got := resp.Outputs[0].GetContents().GetFp64Contents()
	for b := []byte(nil); len(resp.RawOutputContents) > 0 && len(got) < len(rows); {
		b = resp.RawOutputContents[0][8*len(got):]
		got = append(got, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	for i := range margins {
		if !sameBits(got[i], margins[i]) {
			t.Fatalf("Open Inference Protocol: row %d has the margin %v, want %v", i+1, got[i], margins[i])
		}
	}
	if _, err := ask("BYTES"); err == nil {
		t.Error("Open Inference Protocol: texts were taken for features")
	}
}
