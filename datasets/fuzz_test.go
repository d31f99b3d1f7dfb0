// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/assayrisk/assay"
)

// small bounds what a fuzzed file may ask for.
var small = Options{MaxBytes: 1 << 20, MaxRows: 1 << 16, MaxCell: 1 << 10, SkipBadRows: true}

// check holds a reader to its contract: a table of the three types, or an
// error of a known kind.
func check(t *testing.T, b []byte) {
	f, err := ReadBytes(context.Background(), "f", b, small)
	if err != nil {
		if !errors.Is(err, assay.ErrInvalid) && !errors.Is(err, assay.ErrCorrupt) {
			t.Fatalf("an error of no known kind: %v", err)
		}
		return
	}
	for _, c := range f.Record.Columns() {
		switch c.DataType().ID() {
		case arrow.FLOAT64, arrow.STRING, arrow.TIMESTAMP:
		default:
			t.Fatalf("a column of type %s", c.DataType())
		}
		if int64(c.Len()) != f.Record.NumRows() {
			t.Fatalf("a column of %d rows in a table of %d", c.Len(), f.Record.NumRows())
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, s := range []string{
		"x,target\n1,0\n2,1\n", "a,b\n1\n", "a\n\"unclosed", "\xef\xbb\xbfa,b\n1,\"x\ny\"\n", "a,a\n", "", ",\n",
		"a\n\xff\n", "a\r\n1e400\r\n0x1p3\r\n",
		"target\ngood\nbad\nperhaps\n", strings.Repeat("a,", 5000) + "\n", "x\n" + strings.Repeat("9", 2000) + "\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}

// claims returns a Parquet file whose footer, well-formed in itself, claims
// that it and its only row group hold so many rows.
func claims(t testing.TB, b []byte, rows int64) []byte {
	t.Helper()
	n := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	body := b[:len(b)-8-n]
	meta, err := metadata.NewFileMetaData(b[len(body):len(b)-8], nil)
	if err != nil {
		t.Fatal(err)
	}
	meta.FileMetaData.NumRows = rows
	for _, g := range meta.RowGroups {
		g.NumRows = rows
		for _, c := range g.Columns {
			c.MetaData.NumValues = rows
		}
	}
	var foot bytes.Buffer
	if _, err := meta.WriteTo(&foot, nil); err != nil {
		t.Fatal(err)
	}
	out := append(bytes.Clone(body), foot.Bytes()...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(foot.Len())), "PAR1"...)
}

// TestParquetClaims gives the reader files that claim a million and a billion
// rows and hold fifty: an error, and no memory by the claim.
func TestParquetClaims(t *testing.T) {
	var b bytes.Buffer
	if err := WriteParquet(&b, mixed(50)); err != nil {
		t.Fatal(err)
	}
	if f, err := ReadBytes(context.Background(), "f", claims(t, b.Bytes(), 50), Options{}); err != nil ||
		f.Record.NumRows() != 50 {
		t.Fatalf("an honest claim: %v", err)
	}
	for _, rows := range []int64{-1, 51, 1_000_000, 1_000_000_000, 1 << 60} {
		file := claims(t, b.Bytes(), rows)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadBytes(context.Background(), "f", file, Options{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, assay.ErrInvalid) && !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%d rows claimed: %v", rows, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 256<<20 {
			t.Errorf("%d rows claimed: %d MiB were allocated", rows, took>>20)
		}
	}
	for cut := 4; cut < b.Len(); cut += 7 { // less has no magic bytes, and is a CSV header
		if _, err := ReadBytes(context.Background(), "f", b.Bytes()[:cut], Options{}); err == nil {
			t.Fatalf("cut to %d bytes it was read", cut)
		}
	}
}

func FuzzReadParquet(f *testing.F) {
	var b bytes.Buffer
	if err := WriteParquet(&b, mixed(50)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()-20])
	f.Add(claims(f, b.Bytes(), 1_000_000_000))
	f.Add(claims(f, b.Bytes(), 60_000))
	f.Add([]byte("PAR1\x00\x00\x00\x7fPAR1"))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, append([]byte("PAR1"), bytes.TrimPrefix(b, []byte("PAR1"))...)) })
}

func FuzzReadArrow(f *testing.F) {
	file, stream := writeIPC(f, mixed(50))
	f.Add(file)
	f.Add(stream)
	f.Add(file[:len(file)-30])
	f.Add(stream[:100])
	f.Fuzz(check)
}

// TestStream reads a file in batches, and finds the same rows and the same bad
// rows as Read.
func TestStream(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("x,s,target\n")
	for i := range 30_000 {
		switch i {
		case 17_000:
			b.WriteString("oops,a,0\n")
		case 23_000:
			b.WriteString("1,a\n")
		default:
			b.WriteString("1.5,abc,1\n")
		}
	}
	path := t.TempDir() + "/x.csv"
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Stream(context.Background(), path, Options{SkipBadRows: true, BatchRows: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows int64
	for s.Next() {
		if n := s.Record().NumRows(); n > 4096 {
			t.Errorf("a batch of %d rows", n)
		}
		rows += s.Record().NumRows()
	}
	bad, n := s.Skipped()
	if s.Err() != nil || rows != 29_998 || n != 2 || bad[0].Row != 17_001 || bad[1].Row != 23_001 ||
		s.Label() != "target" {
		t.Errorf("%v: %d rows, %d skipped: %v", s.Err(), rows, n, bad)
	}
	s, err = Stream(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Next() {
	}
	var br *BadRow
	if !errors.As(s.Err(), &br) || br.Row != 17_001 || br.Column != "x" {
		t.Errorf("got %v", s.Err())
	}
}
