// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/assayrisk/assay"
)

// TestEmbeddedDigests reads every embedded set, which checks its SHA-256, and
// compares the counts of rows, features and bad events with the published ones.
func TestEmbeddedDigests(t *testing.T) {
	bad := map[string]int{"credit_data": 1254, "lending_club": 517}
	for _, info := range List() {
		if !info.Embedded {
			continue
		}
		f, err := Read(context.Background(), info.Name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Digest != info.SHA256 {
			t.Errorf("%s: digest %s, want %s", info.Name, f.Digest, info.SHA256)
		}
		n := int(f.Record.NumCols())
		if int(f.Record.NumRows()) != info.Rows || n != info.Features+1 {
			t.Errorf("%s: %d x %d, want %d x %d", info.Name, f.Record.NumRows(), n, info.Rows, info.Features+1)
		}
		if f.Label != "target" || f.Record.ColumnName(n-1) != "target" {
			t.Errorf("%s: label %q, last column %q, want target", info.Name, f.Label, f.Record.ColumnName(n-1))
		}
		sum := 0
		for _, y := range f.Record.Column(n - 1).(*array.Float64).Float64Values() {
			sum += int(y)
		}
		if sum != bad[info.Name] {
			t.Errorf("%s: %d bad events, want %d", info.Name, sum, bad[info.Name])
		}
	}
}

func TestSplit(t *testing.T) {
	s, err := Split("credit_data")
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, p := range s {
		n[p]++
	}
	if len(s) != 4454 || n["train"] != 2672 || n["val"] != 891 || n["test"] != 891 {
		t.Errorf("split has %d rows: %v", len(s), n)
	}
	if _, err := Split("nothing"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("Split of an unknown set: %v, want ErrNotFound", err)
	}
	b, err := os.ReadFile("../../shared/data/credit_data_mlbookcamp_split.txt")
	if err != nil {
		t.Skip("../shared is absent: the split is not compared with its source")
	}
	if got := strings.Join(s, "\n"); got != strings.TrimSpace(string(b)) {
		t.Error("the embedded split differs from its source")
	}
}

func TestReadCSVTypes(t *testing.T) {
	const in = "\xef\xbb\xbfamount,city,code,target\n10.5,Graz,7,0\n,\"St. \"\"P\"\"\",8,1\nNA,,9,\n"
	f, err := ReadBytes(context.Background(), "x.csv", []byte(in), Options{Text: []string{"code"}})
	if err != nil {
		t.Fatal(err)
	}
	got := f.Record.Schema().String()
	for i, want := range []string{"float64", "utf8", "utf8", "float64"} {
		if k := f.Record.Column(i).DataType().Name(); k != want {
			t.Errorf("column %d is %s, want %s (%s)", i, k, want, got)
		}
	}
	if f.Label != "target" || f.Record.NumRows() != 3 {
		t.Errorf("label %q, %d rows", f.Label, f.Record.NumRows())
	}
	if a := f.Record.Column(0); a.IsNull(0) || !a.IsNull(1) || !a.IsNull(2) {
		t.Error("amount: want one value, then two nulls")
	}
	if s := f.Record.Column(1).(*array.String).Value(1); s != `St. "P"` {
		t.Errorf("city is %q", s)
	}
	if !f.Record.Column(3).IsNull(2) {
		t.Error("an empty label must be null")
	}
}

func TestBadRows(t *testing.T) {
	many := strings.Repeat("1,a\n", 30)
	for _, c := range []struct {
		name, in, column, problem string
		row                       int
	}{
		{"wrong type", "x,s\n" + many + "oops,a\n", "x", "not a finite number", 31},
		{"infinite", "x,s\n" + many + "inf,a\n", "x", "not a finite number", 31},
		{"ragged", "x,s\n" + many + "1\n", "", "1 cells, the header has 2", 31},
		{"quote", "x,s\n" + many + "1,a\"b\n", "", "not CSV", 31},
		{"utf8", "x,s\n" + many + "1,\xff\n", "s", "UTF-8", 31},
		{"huge cell", "x,s\n" + many + "1," + strings.Repeat("a", 70_000) + "\n", "s", "a cell of 70000 bytes", 31},
		{"label", "target,s\n" + many + "7,a\n", "target", "not a label", 31},
		{"empty", "", "", "the file is empty", 0},
		{"no name", "x,\n1,2\n", "", "header cell 2 is empty", 0},
		{"twice", "x,x\n1,2\n", "", "twice", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadBytes(context.Background(), "x.csv", []byte(c.in), Options{})
			var bad *BadRow
			if !errors.As(err, &bad) || !errors.Is(err, assay.ErrInvalid) {
				t.Fatalf("got %v, want a BadRow", err)
			}
			if bad.Row != c.row || bad.Column != c.column || !strings.Contains(bad.Problem, c.problem) ||
				bad.File != "x.csv" {
				t.Errorf("got %v", bad)
			}
			if strings.Contains(err.Error(), "oops") {
				t.Error("the error repeats the value")
			}
			if c.row == 0 {
				return
			}
			f, err := ReadBytes(context.Background(), "x.csv", []byte(c.in), Options{SkipBadRows: true})
			if err != nil {
				t.Fatal(err)
			}
			if f.Record.NumRows() != 30 || f.SkippedRows != 1 || len(f.Skipped) != 1 {
				t.Errorf("%d rows, %d skipped, want 30 and 1", f.Record.NumRows(), f.SkippedRows)
			}
		})
	}
}

// TestOpenQuote gives a quotation mark that is never closed: the reader must
// stop by its bound instead of taking the file into one cell.
func TestOpenQuote(t *testing.T) {
	for _, head := range []string{"x,s\n1,\"", "x,s\n\"", "x,s\n1,0\n2,1\n\"", "\""} {
		for _, rest := range []string{"abc\n", "abcd"} {
			in := head + strings.Repeat(rest, 2<<20)
			_, err := ReadBytes(context.Background(), "x.csv", []byte(in), Options{SkipBadRows: true})
			if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), "quotation mark") {
				t.Errorf("%q...: %v", head, err)
			}
		}
	}
}

func TestReadNotFound(t *testing.T) {
	_, err := Read(context.Background(), filepath.Join(t.TempDir(), "no.csv"), Options{})
	if !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "credit_data") {
		t.Errorf("got %v, want ErrNotFound that lists the sets", err)
	}
}

func TestLabelWords(t *testing.T) {
	f, err := ReadBytes(context.Background(), "x.csv", []byte("v,Outcome\n1,paid back\n2,charged off\n"),
		Options{Label: "Outcome", Bad: "charged off"})
	if err != nil {
		t.Fatal(err)
	}
	if y := f.Record.Column(1).(*array.Float64).Float64Values(); f.Label != "Outcome" || y[0] != 0 || y[1] != 1 {
		t.Errorf("label %q, values %v", f.Label, y)
	}
	_, err = ReadBytes(context.Background(), "x.csv", []byte("v\n1\n"), Options{Label: "Outcome"})
	if !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("an absent label: %v, want ErrInvalid", err)
	}
}

// TestCodecs reads a file compressed in a way that is not supported (LZ4, as
// pyarrow's write_table(..., compression="lz4") writes it) and is told so.
func TestCodecs(t *testing.T) {
	_, err := Read(t.Context(), filepath.Join("testdata", "lz4.parquet"), Options{})
	var bad *BadRow
	if !errors.As(err, &bad) || !strings.Contains(bad.Problem, "LZ4") {
		t.Errorf("%v, want a problem that names LZ4", err)
	}
}
