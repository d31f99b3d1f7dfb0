// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
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
		"x,target\n1,0\n2,1\n", "a,b\n1\n", "a\n\"unclosed", "\xef\xbb\xbfa,b\n1,\"x\ny\"\n", "a,a\n", "", ",\n", "a\n\xff\n", "a\r\n1e400\r\n0x1p3\r\n",
		"target\ngood\nbad\nperhaps\n", strings.Repeat("a,", 5000) + "\n", "x\n" + strings.Repeat("9", 2000) + "\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}

// claims returns a Parquet file whose footer claims a billion rows.
func claims(b []byte) []byte {
	out := bytes.Clone(b)
	n := binary.LittleEndian.Uint32(out[len(out)-8:])
	foot := out[len(out)-8-int(n) : len(out)-8]
	// The count 50 stands as a zigzag varint, 100, in one byte: a longer one
	// would move everything, so flip what looks like it.
	for i, c := range foot {
		if c == 100 {
			foot[i] = 127
		}
	}
	return out
}

func FuzzReadParquet(f *testing.F) {
	var b bytes.Buffer
	if err := WriteParquet(&b, mixed(50)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()-20])
	f.Add(claims(b.Bytes()))
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
	if s.Err() != nil || rows != 29_998 || n != 2 || bad[0].Row != 17_001 || bad[1].Row != 23_001 || s.Label() != "target" {
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
