// SPDX-License-Identifier: Apache-2.0

package fieldvalue_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
)

// TestNumberAndTextOfCells: what a cell of each Arrow type is as a number, and
// as a text.
func TestNumberAndTextOfCells(t *testing.T) {
	t.Parallel()
	p, b := arrow.PrimitiveTypes, arrow.BinaryTypes
	for _, c := range []struct {
		typ    arrow.DataType
		cell   string
		number float64
		text   string
	}{
		{p.Int8, "-128", -128, "-128"}, {p.Int16, "-300", -300, "-300"}, {p.Int32, "7", 7, "7"},
		{p.Int64, "9007199254740993", 9007199254740992, "9007199254740993"},
		{p.Int64, "-9223372036854775808", -9223372036854775808, "-9223372036854775808"},
		{p.Uint8, "255", 255, "255"}, {p.Uint16, "65535", 65535, "65535"},
		{p.Uint32, "4294967295", 4294967295, "4294967295"},
		{p.Uint64, "18446744073709551615", 18446744073709551615, "18446744073709551615"},
		{p.Float64, "1.10", 1.1, "1.1"}, {p.Float64, "12", 12, "12"}, {p.Float64, "-0", math.Copysign(0, -1), "0"},
		{p.Float64, "NaN", nan, ""}, {p.Float64, "1e-7", 1e-7, "0.0000001"},
		{p.Float32, "0.5", 0.5, "0.5"}, {arrow.FixedWidthTypes.Float16, "1.5", 1.5, "1.5"},
		{arrow.FixedWidthTypes.Boolean, "true", 1, "true"}, {arrow.FixedWidthTypes.Boolean, "false", 0, "false"},
		{money, "12.50", 12.5, "12.5"}, {money, "-0.05", -0.05, "-0.05"}, {money, "100.00", 100, "100"},
		{money, "0.00", 0, "0"}, {tens, "120", 120, "120"},
		{large, "-9007199254740993.000", -9007199254740992, "-9007199254740993"},
		{large, "123456789012345678901234567890.125", 123456789012345678901234567890.125,
			"123456789012345678901234567890.125"},
		{b.String, "1.0", 1, "1"}, {b.String, "TRUE", 1, "true"}, {b.String, "-1e3", -1000, "-1e3"},
		{b.LargeString, "0.1", 0.1, "0.1"}, {arrow.BinaryTypes.StringView, "007", 7, "007"},
		{words, "2.00", 2, "2"}, {codes, "9007199254740993", 9007199254740992, "9007199254740993"},
		{reals, "0.25", 0.25, "0.25"},
		{b.String, "", nan, ""},
	} {
		a := arrayOf(t, c.typ, c.cell, null)
		number, text := columnOf(t, fieldOf(t, ""), a), columnOf(t, fieldOf(t, ", kind: text"), a)
		if x, ok := number.Number(0); !ok || !same(x, c.number) {
			t.Errorf("%s %s is the number %v, %v, want %v", c.typ, c.cell, x, ok, c.number)
		}
		if s := text.Text(0); s != c.text {
			t.Errorf("%s %s is the text %q, want %q", c.typ, c.cell, s, c.text)
		}
		if got, want := number.Null(0), c.number != c.number; got != want {
			t.Errorf("%s %s as a number has no value: %v, want %v", c.typ, c.cell, got, want)
		}
		if got, want := text.Null(0), c.text == ""; got != want {
			t.Errorf("%s %s as a text has no value: %v, want %v", c.typ, c.cell, got, want)
		}
		x, ok := number.Number(1)
		if !ok || x == x || text.Text(1) != "" || !number.Null(1) || !text.Null(1) {
			t.Errorf("%s: a null has the number %v, the text %q", c.typ, x, text.Text(1))
		}
	}
}

// TestNegativeScale: a decimal of a negative scale counts in tens, hundreds, ...
func TestNegativeScale(t *testing.T) {
	t.Parallel()
	b := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 10, Scale: -2})
	defer b.Release()
	b.AppendNull()
	b.Append(decimal128.FromI64(-34))
	a := b.NewArray()
	if s := columnOf(t, fieldOf(t, ", kind: text"), a).Text(1); s != "-3400" {
		t.Errorf("-34 hundreds are %q", s)
	}
	if x, ok := columnOf(t, fieldOf(t, ""), a).Number(1); !ok || x != -3400 {
		t.Errorf("-34 hundreds are %v, %v", x, ok)
	}
}

// TestNoNumber: texts that are no number are told apart from missing ones.
func TestNoNumber(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"x", "1,5", "0x10", "Inf", "nan", "1_000", " 1", "--1", "e", "."} {
		c := columnOf(t, fieldOf(t, ""), arrayOf(t, arrow.BinaryTypes.String, "1", s))
		if x, ok := c.Number(1); ok {
			t.Errorf("%q is the number %v", s, x)
		}
		if c.Null(1) {
			t.Errorf("%q counts as missing", s)
		}
	}
}

// TestTimeOfCells: what a cell of each Arrow type is as a time.
func TestTimeOfCells(t *testing.T) {
	t.Parallel()
	f := fieldOf(t, ", kind: time, missing: [never, 1999-09-09]")
	zoned := func(u arrow.TimeUnit, zone string) arrow.DataType {
		return &arrow.TimestampType{Unit: u, TimeZone: zone}
	}
	for _, c := range []struct {
		typ        arrow.DataType
		cell, want string // want: "" no value, "refused" no time
	}{
		{arrow.BinaryTypes.String, "2024-02-29", "2024-02-29T00:00:00Z"},
		{arrow.BinaryTypes.LargeString, "2024-02-29T10:30:00+05:30", "2024-02-29T05:00:00Z"},
		{arrow.BinaryTypes.StringView, "2024-02-29 10:30:00", "2024-02-29T10:30:00Z"},
		{words, "2024-02-29T10:30:00.123456Z", "2024-02-29T10:30:00.123456Z"},
		{arrow.BinaryTypes.String, "2024-02-29T10:30:00.123456999Z", "2024-02-29T10:30:00.123456Z"},
		{arrow.BinaryTypes.String, "29.02.2024", "refused"}, {arrow.BinaryTypes.String, "2023-02-29", "refused"},
		{arrow.BinaryTypes.String, "", ""}, {arrow.BinaryTypes.String, "never", ""},
		{arrow.BinaryTypes.String, "1999-09-09T00:00:00Z", ""}, {words, "never", ""},
		{arrow.FixedWidthTypes.Date32, "2024-02-29", "2024-02-29T00:00:00Z"},
		{arrow.FixedWidthTypes.Date64, "1969-12-31", "1969-12-31T00:00:00Z"},
		{arrow.FixedWidthTypes.Date32, "1999-09-09", ""}, {arrow.FixedWidthTypes.Date32, null, ""},
		{zoned(arrow.Second, ""), "2024-02-29 10:30:00", "2024-02-29T10:30:00Z"},
		{zoned(arrow.Millisecond, "UTC"), "2024-02-29 10:30:00.123Z", "2024-02-29T10:30:00.123Z"},
		{zoned(arrow.Microsecond, "UTC"), "1965-02-28 10:30:00.123456Z", "1965-02-28T10:30:00.123456Z"},
		{zoned(arrow.Nanosecond, "UTC"), "2024-02-29 10:30:00.123456789Z", "2024-02-29T10:30:00.123456Z"},
		{zoned(arrow.Microsecond, "UTC"), null, ""},
	} {
		us, missing, ok := columnOf(t, f, arrayOf(t, c.typ, c.cell)).Micros(0)
		switch {
		case c.want == "refused":
			if ok || missing {
				t.Errorf("%s %s: %v, want it refused", c.typ, c.cell, time.UnixMicro(us).UTC())
			}
		case c.want == "":
			if !ok || !missing {
				t.Errorf("%s %s: missing %v, ok %v, want no value", c.typ, c.cell, missing, ok)
			}
		case !ok || missing || us != day(c.want).UnixMicro():
			t.Errorf("%s %s: %v, missing %v, ok %v, want %s", c.typ, c.cell, time.UnixMicro(us).UTC(), missing, ok,
				c.want)
		}
	}
}

// TestZoneOfTimestamps: a timestamp is a point in time, whatever the zone that
// its column is shown in.
func TestZoneOfTimestamps(t *testing.T) {
	t.Parallel()
	want := day("2024-07-01T08:00:00Z").UnixMicro()
	for _, zone := range []string{"", "UTC", "Europe/Berlin", "America/New_York", "+05:30"} {
		b := array.NewTimestampBuilder(memory.DefaultAllocator,
			&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone})
		b.Append(arrow.Timestamp(want))
		c := columnOf(t, fieldOf(t, ", kind: time"), b.NewArray())
		if us, missing, ok := c.Micros(0); us != want || missing || !ok {
			t.Errorf("zone %q: %d, %v, %v, want %d", zone, us, missing, ok, want)
		}
	}
}

// TestColumnErrors: a column that is absent, given twice or of a type that does
// not hold the kind.
func TestColumnErrors(t *testing.T) {
	t.Parallel()
	number, text, when := fieldOf(t, ""), fieldOf(t, ", kind: text"), fieldOf(t, ", kind: time")
	strs := arrayOf(t, arrow.BinaryTypes.String, "x", "y")
	f := arrow.Field{Name: "f", Type: arrow.BinaryTypes.String, Nullable: true}
	twice := array.NewRecord(arrow.NewSchema([]arrow.Field{f, f}, nil), []arrow.Array{strs, strs}, 2)
	other := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "g", Type: f.Type}}, nil), []arrow.Array{strs}, 2)
	for _, c := range []struct {
		field *fieldvalue.Field
		rec   arrow.Record
		want  string
	}{
		{number, other, "the table has no such column, and the plan requires it"},
		{number, twice, "the table has two columns of that name: rename one"},
		{number, record(strs), "the table's column is of type utf8, the plan wants a number"},
		{number, record(arrayOf(t, arrow.FixedWidthTypes.Date32, "2024-01-01")),
			"the table's column is of type date32, the plan wants a number"},
		{fieldOf(t, ", kind: flag"), record(strs), "the table's column is of type utf8, the plan wants a flag"},
		{text, record(arrayOf(t, arrow.FixedWidthTypes.Date64, "2024-01-01")),
			"the table's column is of type date64, the plan wants a text"},
		{when, record(arrayOf(t, arrow.PrimitiveTypes.Int64, "5")),
			"the table's column is of type int64, the plan wants a time"},
	} {
		_, err := c.field.ColumnIn(c.rec, true)
		var fe *assay.FieldError
		if !errors.As(err, &fe) || fe.Field != "f" || fe.Problem != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	c, err := number.ColumnIn(other, false)
	if err != nil || c.Array != nil || !c.Null(1) || c.Text(0) != "" {
		t.Errorf("a column that may be absent: %+v, %v", c, err)
	}
	if _, missing, ok := c.Micros(0); !missing || !ok {
		t.Error("an absent column has a time")
	}
	if _, err := when.ColumnIn(record(arrayOf(t, arrow.PrimitiveTypes.Int64, null, null)), true); err != nil {
		t.Errorf("a column without any value, of whatever type: %v", err)
	}
}

// TestTextsAsNumbers: a column of texts can be one of numbers if one of its first
// texts is a number, or if none has a value.
func TestTextsAsNumbers(t *testing.T) {
	t.Parallel()
	cells := func(n int, s string, more ...string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = s
		}
		return append(out, more...)
	}
	for _, c := range []struct {
		name  string
		cells []string
		ok    bool
	}{
		{"no cells", nil, true}, {"empty ones", cells(200, ""), true}, {"nulls", cells(5, null), true},
		{"marks", cells(100, "NA"), true}, {"marks, then a text", cells(100, "NA", "x"), false},
		{"a number after 63 texts", cells(63, "x", "1"), true},
		{"a number after 64 texts", cells(64, "x", "1"), false},
	} {
		a := arrayOf(t, arrow.BinaryTypes.String, c.cells...)
		if _, err := fieldOf(t, ", missing: [NA]").ColumnIn(record(a), true); (err == nil) != c.ok {
			t.Errorf("%s: %v, want it accepted: %v", c.name, err, c.ok)
		}
	}
}

// TestColumnOfNoField: a column that is no field of the plan keeps its texts.
func TestColumnOfNoField(t *testing.T) {
	t.Parallel()
	c, err := fieldvalue.ColumnOf(record(arrayOf(t, arrow.BinaryTypes.String, "1.0", "TRUE")), "f", assay.Text, true)
	if err != nil || c.Text(0) != "1.0" || c.Text(1) != "TRUE" {
		t.Errorf("%q, %q, %v", c.Text(0), c.Text(1), err)
	}
	if _, err := fieldvalue.ColumnOf(record(arrayOf(t, words, "x")), "f", assay.Number, true); err == nil {
		t.Error("a dictionary of words is a column of numbers")
	}
}

// TestLossy: codes that came as floating-point numbers beyond 2^53.
func TestLossy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ  arrow.DataType
		cell string
		want bool
	}{
		{arrow.PrimitiveTypes.Float64, "9007199254740992", false},
		{arrow.PrimitiveTypes.Float64, "9007199254740994", true},
		{arrow.PrimitiveTypes.Float64, "-9007199254740994", true},
		{arrow.PrimitiveTypes.Float64, "NaN", false}, {arrow.PrimitiveTypes.Float64, "+Inf", true},
		{reals, "9007199254740994", true}, {reals, "5", false},
		{arrow.PrimitiveTypes.Int64, "9007199254740993", false}, {money, "9007199254740993.00", false},
		{arrow.BinaryTypes.String, "9007199254740993", false},
	} {
		column := columnOf(t, fieldOf(t, ", kind: text"), arrayOf(t, c.typ, c.cell))
		if got := column.Lossy(0); got != c.want {
			t.Errorf("%s %s is lossy: %v, want %v", c.typ, c.cell, got, c.want)
		}
		_, rowErr := fieldOf(t, ", kind: text").Cell(column, 0)
		if (rowErr != nil) != c.want {
			t.Errorf("%s %s as a cell: %v", c.typ, c.cell, rowErr)
		}
	}
}
