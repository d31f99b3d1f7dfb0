// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// mixed is a table with every column type, nulls included.
func mixed(rows int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator,
		schemaOf([]string{"x", "s", "t", "target"}, []columnKind{numberKind, textKind, timeKind, labelKind}))
	defer b.Release()
	for i := range rows {
		if i%7 == 3 {
			for c := range 3 {
				b.Field(c).AppendNull()
			}
		} else {
			b.Field(0).(*array.Float64Builder).Append(float64(i) / 3)
			b.Field(1).(*array.StringBuilder).Append(string(rune('a' + i%5)))
			b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)))
		}
		b.Field(3).(*array.Float64Builder).Append(float64(i % 2))
	}
	return b.NewRecord()
}

func writeIPC(t testing.TB, rec arrow.Record) (file, stream []byte) {
	t.Helper()
	var sb bytes.Buffer
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fw, err := ipc.NewFileWriter(f, ipc.WithSchema(rec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	sw := ipc.NewWriter(&sb, ipc.WithSchema(rec.Schema()))
	for _, w := range []interface {
		Write(arrow.Record) error
		Close() error
	}{fw, sw} {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if file, err = os.ReadFile(f.Name()); err != nil {
		t.Fatal(err)
	}
	return file, sb.Bytes()
}

// TestRoundTrips writes a table in every format and reads it back.
func TestRoundTrips(t *testing.T) {
	rec := mixed(1000)
	var pq, cs bytes.Buffer
	if err := WriteParquet(&pq, rec); err != nil {
		t.Fatal(err)
	}
	if err := WriteCSV(&cs, rec); err != nil {
		t.Fatal(err)
	}
	file, stream := writeIPC(t, rec)
	for name, b := range map[string][]byte{"x.parquet": pq.Bytes(), "x.arrow": file, "x.arrows": stream} {
		f, err := ReadBytes(context.Background(), name, b, Options{BatchRows: 100})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !array.RecordEqual(f.Record, rec) || f.Label != "target" {
			t.Errorf("%s: another table came back", name)
		}
		for _, cut := range []int{8, len(b) / 2, len(b) - 3} {
			if _, err := ReadBytes(context.Background(), name, b[:cut], Options{}); err == nil && name != "x.arrows" {
				t.Errorf("%s cut to %d bytes was read", name, cut)
			}
		}
	}
	f, err := ReadBytes(context.Background(), "x.csv", cs.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []int{0, 1, 3} {
		if !array.Equal(f.Record.Column(c), rec.Column(c)) {
			t.Errorf("x.csv: column %d differs", c)
		}
	}
	var again bytes.Buffer
	if err := WriteParquet(&again, rec); err != nil || !bytes.Equal(again.Bytes(), pq.Bytes()) {
		t.Errorf("the same table gave other bytes (%v)", err)
	}
}
