// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

const spellingsPlan = `
version: 1
fields:
  - {name: own, kind: flag}
  - {name: code, kind: text}
  - {name: amount}
features:
  - {name: own}
  - {name: code, min_count: 1}
  - {name: amount}
`

// TestSpellings: one table as pandas, polars, DuckDB and Arrow write it gives
// the same vectors, to the bit, with the values that the script which wrote the
// files recorded. The plan is the same, whichever file it was fitted on.
func TestSpellings(t *testing.T) {
	t.Parallel()
	truth := spelledTruth(t)
	spec, err := features.ParseSpec([]byte(spellingsPlan))
	if err != nil {
		t.Fatal(err)
	}
	var digest assay.Digest
	for _, name := range []string{"pandas.csv", "floats.csv", "ints.csv", "upper.csv", "polars.csv", "duckdb.csv",
		"pandas.parquet", "polars.parquet", "duckdb.parquet", "arrow.arrow"} {
		t.Run(name, func(t *testing.T) {
			rec := readSpelled(t, name)
			p, _, err := features.Fit(context.Background(), spec, rec, nil)
			if err != nil {
				t.Fatal(err)
			}
			if digest == (assay.Digest{}) {
				digest = p.Digest()
			}
			if p.Digest() != digest {
				t.Errorf("the plan is another than that of pandas.csv")
			}
			m, err := p.Matrix(context.Background(), rec)
			if err != nil {
				t.Fatal(err)
			}
			for c := range m.Columns {
				for i, x := range m.Columns[c] {
					if math.Float64bits(x) != math.Float64bits(truth[c][i]) {
						t.Fatalf("row %d, feature %d: %v, want %v", i+1, c, x, truth[c][i])
					}
				}
			}
			rowsAreEvents(t, p, rec, truth)
		})
	}
}

func readSpelled(t *testing.T, name string) arrow.Record {
	t.Helper()
	f, err := datasets.Read(context.Background(), filepath.Join("testdata", "spellings", name),
		datasets.Options{Text: []string{"code"}})
	if err != nil {
		t.Fatal(err)
	}
	return f.Record
}

// spelledTruth reads the values that the script recorded.
func spelledTruth(t *testing.T) (columns [3][]float64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "spellings", "true.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(b))[1:] {
		cells := strings.Split(line, ",")
		bits, err := hex.DecodeString(cells[2])
		if err != nil {
			t.Fatal(err)
		}
		own, _ := strconv.ParseFloat(cells[0], 64)
		code, _ := strconv.ParseFloat(cells[1], 64)
		for c, x := range []float64{own, code, math.Float64frombits(binary.BigEndian.Uint64(bits))} {
			columns[c] = append(columns[c], x)
		}
	}
	return columns
}

// rowsAreEvents: the events of the rows give the same vectors, however the
// caller spells their values.
func rowsAreEvents(t *testing.T, p *features.Plan, rec arrow.Record, truth [3][]float64) {
	t.Helper()
	rows, err := p.Rows(rec)
	if err != nil {
		t.Fatal(err)
	}
	for i := range truth[0] {
		ev, err := rows.Event(i, "e", at)
		if err != nil {
			t.Fatal(err)
		}
		own, code := ev.Fields[0].Value.Flag(), ev.Fields[1].Value.Text()
		number, _ := strconv.ParseFloat(code, 64)
		for _, owns := range []assay.Value{ev.Fields[0].Value,
			assay.TextValue(strings.ToUpper(strconv.FormatBool(own))), assay.NumberValue(truth[0][i])} {
			for _, codes := range []assay.Value{ev.Fields[1].Value, assay.TextValue(code + ".0"),
				assay.NumberValue(number)} {
				sent := assay.Event{ID: "e", Kind: "application", Time: at, Fields: []assay.Field{
					{Name: "own", Value: owns}, {Name: "code", Value: codes},
					{Name: "amount", Value: assay.NumberValue(truth[2][i])}}}
				values, err := p.Read(nil, &sent)
				if err != nil {
					t.Fatal(err)
				}
				v, err := p.VectorOf(nil, values, &sent, nil)
				if err != nil {
					t.Fatal(err)
				}
				for c := range truth {
					if math.Float64bits(v.Values[c]) != math.Float64bits(truth[c][i]) {
						t.Fatalf("event %d with %v and %v, feature %d: %v, want %v", i+1, owns, codes, c,
							v.Values[c], truth[c][i])
					}
				}
				if !slices.Equal(sent.Fields, ev.Fields) {
					t.Fatalf("event %d with %v and %v is recorded as %v, the row as %v", i+1, owns, codes,
						sent.Fields, ev.Fields)
				}
			}
		}
	}
}

// TestCanonicalValues: what a value becomes under each kind of field, and what
// is refused.
func TestCanonicalValues(t *testing.T) {
	t.Parallel()
	spec, err := features.ParseSpec([]byte(`
version: 1
fields:
  - {name: flag, kind: flag}
  - {name: number}
  - {name: text, kind: text}
  - {name: own, kind: text, values: ["True", "False"]}
  - {name: when, kind: time}
features:
  - {name: number}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := features.Fit(context.Background(), spec, oneNumber(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := assay.TextValue("refused")
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	text, number, flag := assay.TextValue, assay.NumberValue, assay.FlagValue
	for _, c := range []struct {
		field      string
		sent, want assay.Value
	}{
		{"flag", text("True"), flag(true)}, {"flag", text("FALSE"), flag(false)}, {"flag", number(1), flag(true)},
		{"flag", text("0.0"), flag(false)},
		{"flag", number(2), refused}, {"flag", text("yes"), refused}, {"flag", text(""), assay.Value{}},
		{"number", text("1e3"), number(1000)}, {"number", flag(true), number(1)},
		{"number", text("-0.5"), number(-0.5)}, {"number", text("TRUE"), number(1)},
		{"number", text("0x10"), refused}, {"number", text("NaN"), refused}, {"number", text("1_000"), refused},
		{"number", text("1e999"), refused},
		{"number", text("1,5"), refused}, {"number", assay.InstantValue(day), refused},
		{"text", number(12), text("12")}, {"text", number(1.5), text("1.5")}, {"text", text("12.0"), text("12")},
		{"text", text("-3.00"), text("-3")},
		{"text", text("012.0"), text("012.0")}, {"text", text("1.10"), text("1.10")}, {"text", text("01"), text("01")},
		{"text", text("-0.0"), text("0")},
		{"text", text("1e0"), text("1e0")}, {"text", text(".0"), text(".0")}, {"text", flag(true), text("true")},
		{"text", text("FALSE"), text("false")},
		{"text", text("truer"), text("truer")}, {"text", number(1e17), refused}, {"text", number(math.Inf(1)), refused},
		{"own", text("true"), text("True")}, {"own", flag(false), text("False")}, {"own", number(1), text("True")},
		{"own", text("perhaps"), refused},
		{"when", text("2024-02-29"), assay.InstantValue(day)}, {"when", text("2024-02-29T00:00:00Z"),
			assay.InstantValue(day)}, {"when", text("29.2.2024"), refused},
	} {
		ev := assay.Event{ID: "e", Kind: "application", Time: at, Fields: []assay.Field{{Name: c.field, Value: c.sent}}}
		if c.field != "number" {
			ev.Fields = append(ev.Fields, assay.Field{Name: "number", Value: number(1)})
		}
		err := p.Admit(&ev)
		var fe *assay.FieldError
		switch {
		case c.want == refused:
			if !errors.As(err, &fe) || fe.Field != c.field {
				t.Errorf("%s %v: %v, want it refused", c.field, c.sent, err)
			}
		case err != nil || ev.Fields[0].Value != c.want:
			t.Errorf("%s %v: %v, %v, want %v", c.field, c.sent, ev.Fields[0].Value, err, c.want)
		}
	}
}

// oneNumber is a table of one column.
func oneNumber(t *testing.T, values ...float64) arrow.Record {
	t.Helper()
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "number", Type: arrow.PrimitiveTypes.Float64}}, nil),
		[]arrow.Array{b.NewArray()}, int64(len(values)))
}

// TestDecimalCells: in a number field a decimal is the nearest float64, in a text field
// its digits.
func TestDecimalCells(t *testing.T) {
	t.Parallel()
	b := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 38, Scale: 3})
	for _, s := range []string{"0.001", "-12.340", "9007199254740993.000", "12345678901234567890123456789012345.678",
		"-0.100", "7.000"} {
		x, err := decimal128.FromString(s, 38, 3)
		if err != nil {
			t.Fatal(err)
		}
		b.Append(x)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "number", Type: &arrow.Decimal128Type{Precision: 38, Scale: 3}}},
		nil)
	rec := array.NewRecord(schema, []arrow.Array{b.NewArray()}, 6)
	for kind, want := range map[string][]assay.Value{
		"number": {assay.NumberValue(0.001), assay.NumberValue(-12.34), assay.NumberValue(9007199254740992),
			assay.NumberValue(1.2345678901234568e34),
			assay.NumberValue(-0.1), assay.NumberValue(7)},
		"text": {assay.TextValue("0.001"), assay.TextValue("-12.34"), assay.TextValue("9007199254740993"),
			assay.TextValue("12345678901234567890123456789012345.678"),
			assay.TextValue("-0.1"), assay.TextValue("7")},
	} {
		spec, err := features.ParseSpec([]byte("version: 1\nfields: [{name: number, kind: " + kind +
			"}]\nfeatures: [{name: number}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := features.Fit(context.Background(), spec, rec, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			ev, err := p.EventOf(rec, i, "e", at)
			if err != nil || ev.Fields[0].Value != w {
				t.Errorf("%s %d: %v, %v, want %v", kind, i, ev.Fields, err, w)
			}
		}
	}
}
