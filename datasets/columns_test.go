// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// TestStatedColumns: what a caller knows of a CSV file's columns goes before
// what their cells look like.
func TestStatedColumns(t *testing.T) {
	const in = "zip,at,target\n01234,2024-03-01,\n1234,2024-03-01 12:00:00Z,pending\n99,2024-03-01T13:00:00+01:00,1\n"
	f, err := ReadBytes(context.Background(), "x.csv", []byte(in),
		Options{Text: []string{"zip"}, Time: []string{"at"}, Unlabelled: true})
	if err != nil {
		t.Fatal(err)
	}
	if f.Label != "" {
		t.Errorf("label %q, want none", f.Label)
	}
	for _, c := range []struct {
		column int
		want   string
	}{
		{0, `["01234" "1234" "99"]`},
		{1, `[1709251200000000 1709294400000000 1709294400000000]`},
		{2, `[(null) "pending" "1"]`},
	} {
		if got := f.Record.Column(c.column).String(); got != c.want {
			t.Errorf("column %d is %s, want %s", c.column, got, c.want)
		}
	}
	_, err = ReadBytes(context.Background(), "x.csv", []byte("at\n03/01/2024\n"), Options{Time: []string{"at"}})
	if err == nil || !strings.Contains(err.Error(), `row 1 (line 2), column "at": not a time`) {
		t.Errorf("%v: want the place of what is no time", err)
	}
}

// TestNullColumn: a column of type null, as writers make of one that is empty
// throughout, has no values.
func TestNullColumn(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "none", Type: arrow.Null, Nullable: true},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.NullBuilder).AppendNull()
	b.Field(0).(*array.NullBuilder).AppendNull()
	b.Field(1).(*array.Float64Builder).AppendValues([]float64{1, 2}, nil)
	var file bytes.Buffer
	w := ipc.NewWriter(&file, ipc.WithSchema(schema))
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := ReadBytes(context.Background(), "x.arrow", file.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Record.Column(0).String(); got != "[(null) (null)]" {
		t.Errorf("the column is %s, want two missing values", got)
	}
}

// TestNamedBad: Bad names the bad event by a text or by a number, in every kind
// of file.
func TestNamedBad(t *testing.T) {
	f, err := ReadBytes(context.Background(), "x.csv", []byte("target\n1\n2\n"), Options{Bad: "2"})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "target", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
	w := ipc.NewWriter(&file, ipc.WithSchema(schema))
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	g, err := ReadBytes(context.Background(), "x.arrow", file.Bytes(), Options{Bad: "2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Frame{f, g} {
		if got := f.Record.Column(0).String(); got != "[0 1]" {
			t.Errorf("labels %s, want [0 1]", got)
		}
	}
}
