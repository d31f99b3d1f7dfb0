// SPDX-License-Identifier: Apache-2.0

package fieldvalue_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
)

// declarations are fields of every kind and with every rule.
var declarations = []string{
	"", ", required: true", ", min: 0, max: 10", ", min: 0, outside: clip", ", max: 10, outside: missing",
	", min: 0, max: 10, outside: flag", ", unit: share", ", unit: percent, outside: clip, required: true",
	", unit: count", ", values: ['1', '2.5']", ", missing: [-1, NA]", ", required: true, missing: false",
	", min: 0, max: 10, outside: missing, required: true",
	", kind: flag", ", kind: flag, required: true", ", kind: flag, missing: [unknown, 0]",
	", kind: text", ", kind: text, required: true", ", kind: text, values: [a, '1', 'true']",
	", kind: text, missing: [b, -1]", ", kind: text, missing: ['1.0', 'TRUE']",
	", kind: time", ", kind: time, required: true", ", kind: time, missing: [never, 2020-01-01]",
	", kind: time, earliest: 2000-01-01, latest: 2030-01-01",
	", kind: time, earliest: 2000-01-01, latest: 2030-01-01, outside: clip",
	", kind: time, earliest: 2000-01-01, outside: missing",
	", kind: time, earliest: 2000-01-01, outside: missing, required: true",
	", kind: time, latest: 2030-01-01, outside: flag",
}

// columns are cells of every Arrow type.
func columns(t *testing.T) []arrow.Array {
	t.Helper()
	p, texts := arrow.PrimitiveTypes, []string{"", null, "a", "b", "c", "1", "1.0", "01", "2.5", "-1", "-1.0", "11",
		"TRUE", "false", "NA", "unknown", "never", "1e400", "1e3", "9007199254740993", "2020-01-01",
		"2020-01-01T00:00:00Z", "1950-05-05", "2199-12-31", "2300-01-01", "0001-01-01"}
	numbers := []string{"0", "1", "2.5", "-1", "10", "11", "0.1", "9007199254740994", "NaN", "-0", null}
	whole := []string{"0", "1", "-1", "10", "11", "127", null}
	natural := []string{"0", "1", "10", "11", "255", null}
	times := []string{"2020-01-01", "1950-05-05", "1999-12-31", "2030-01-02", "2199-12-31", null}
	out := []arrow.Array{
		arrayOf(t, arrow.BinaryTypes.String, texts...), arrayOf(t, arrow.BinaryTypes.LargeString, texts...),
		arrayOf(t, arrow.BinaryTypes.StringView, texts...), arrayOf(t, words, texts...),
		arrayOf(t, p.Float64, numbers...), arrayOf(t, p.Float32, numbers...), arrayOf(t, reals, numbers...),
		arrayOf(t, arrow.FixedWidthTypes.Float16, "0", "1", "2.5", "-1", null),
		arrayOf(t, arrow.FixedWidthTypes.Boolean, "true", "false", null),
		arrayOf(t, arrow.Null, null, null),
		arrayOf(t, money, "1.00", "2.50", "-1.00", "0.10", "9007199254740993.00", null),
		arrayOf(t, large, "1.000", "-1.000", "123456789012345678901234567890.125", null),
		arrayOf(t, codes, whole...),
		arrayOf(t, arrow.FixedWidthTypes.Date32, times...), arrayOf(t, arrow.FixedWidthTypes.Date64, times...),
	}
	for _, typ := range []arrow.DataType{p.Int8, p.Int16, p.Int32, p.Int64} {
		out = append(out, arrayOf(t, typ, whole...))
	}
	for _, typ := range []arrow.DataType{p.Uint8, p.Uint16, p.Uint32, p.Uint64} {
		out = append(out, arrayOf(t, typ, natural...))
	}
	for _, unit := range arrow.TimeUnitValues {
		if unit != arrow.Nanosecond { // whose 64 bits hold no more than 1678 to 2262, as the others' cells do
			times = append(times, "2300-01-01")
		}
		for _, zone := range []string{"", "Asia/Tokyo"} {
			out = append(out, arrayOf(t, &arrow.TimestampType{Unit: unit, TimeZone: zone}, times...))
		}
		times = times[:6]
	}
	return out
}

// TestCellsAgreeWithEvents: a cell that is read for training (Cell) and the same
// cell as an event's value (CellAsValue, Validate, Value) give the same number,
// to the bit, or are both refused.
func TestCellsAgreeWithEvents(t *testing.T) {
	t.Parallel()
	arrays := columns(t)
	read, refused := 0, 0
	for _, declaration := range declarations {
		f := fieldOf(t, declaration)
		for _, a := range arrays {
			c, err := f.ColumnIn(record(a), true)
			if err != nil {
				continue // TestColumnErrors
			}
			for row := range a.Len() {
				x, rowErr := f.Cell(&c, row)
				v, err := f.CellAsValue(&c, row)
				if err == nil {
					err = f.Validate(v)
				}
				at := declaration + " " + a.DataType().String() + " " + a.ValueStr(row)
				if (rowErr == nil) != (err == nil) {
					t.Errorf("%s: the cell gives %v, %v; the event %v, %v", at, x, rowErr, v, err)
					continue
				}
				if rowErr != nil {
					refused++
					continue
				}
				read++
				if y := f.ValueOrNaN(v); !same(x, y) {
					t.Errorf("%s: %v as a cell, %v as an event", at, x, y)
				}
				checkValue(t, at, f, v, x)
			}
		}
	}
	if read < 2000 || refused < 300 {
		t.Errorf("%d cells were read and %d refused: too few to say anything", read, refused)
	}
}

// checkValue checks what the other ways say of a value that the field takes as x.
func checkValue(t *testing.T, at string, f *fieldvalue.Field, v assay.Value, x float64) {
	t.Helper()
	if again, ok := f.Canonical(v); !ok || again != v {
		// a number that means no value stays in the row's event, and is dropped from one that is sent
		if !ok || again.Kind != assay.Missing || x == x {
			t.Errorf("%s: the canonical form of %v is %v, %v", at, v, again, ok)
		}
	}
	if y, ok := f.PlainValue(&v); ok && !same(x, y) {
		t.Errorf("%s: PlainValue gives %v, want %v", at, y, x)
	}
}

// TestEventsAgreeWithCells: a value that an event carries, once in canonical
// form, and a cell of the column that holds such values give the same number or
// are both refused.
func TestEventsAgreeWithCells(t *testing.T) {
	t.Parallel()
	type pair struct {
		value assay.Value
		cell  arrow.Array
	}
	pairs := []pair{
		{assay.FlagValue(true), arrayOf(t, arrow.FixedWidthTypes.Boolean, "true")},
		{assay.FlagValue(false), arrayOf(t, arrow.FixedWidthTypes.Boolean, "false")},
		{assay.Value{}, arrayOf(t, arrow.Null, null)},
	}
	for _, x := range []struct {
		number float64
		cell   string
	}{{0, "0"}, {1, "1"}, {2.5, "2.5"}, {-1, "-1"}, {11, "11"}, {9007199254740992, "9007199254740992"},
		{9007199254740994, "9007199254740994"}} {
		pairs = append(pairs, pair{assay.NumberValue(x.number), arrayOf(t, arrow.PrimitiveTypes.Float64, x.cell)})
	}
	for _, s := range []string{"", "a", "b", "c", "1", "1.0", "01", "2.5", "-1", "-1.0", "11", "TRUE", "False", "NA",
		"unknown", "never", "1e400", "2020-01-01", "2020-01-01T00:00:00Z", "1950-05-05", "2300-01-01"} {
		pairs = append(pairs, pair{assay.TextValue(s), arrayOf(t, arrow.BinaryTypes.String, s)})
	}
	for _, s := range []string{"2020-01-01", "1950-05-05", "2030-01-02", "2300-01-01"} {
		pairs = append(pairs, pair{assay.InstantValue(day(s + "T00:00:00Z")),
			arrayOf(t, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, s)})
	}
	for _, declaration := range declarations {
		f := fieldOf(t, declaration)
		for _, p := range pairs {
			c, columnErr := f.ColumnIn(record(p.cell), true)
			v, ok := f.Canonical(p.value)
			accepted := ok && f.Validate(v) == nil
			if columnErr != nil {
				if accepted && v.Kind != assay.Missing {
					t.Errorf("%s takes %v from events, and no such column: %v", declaration, p.value, columnErr)
				}
				continue
			}
			x, rowErr := f.Cell(&c, 0)
			switch {
			case accepted != (rowErr == nil):
				t.Errorf("%s: event %v gives %v, accepted %v; the cell %v, %v", declaration, p.value,
					v, accepted, x, rowErr)
			case accepted && !same(x, f.ValueOrNaN(v)):
				t.Errorf("%s: event %v gives %v, the cell %v", declaration, p.value, f.ValueOrNaN(v), x)
			}
			if again, still := f.Canonical(v); ok && (!still || again != v) {
				t.Errorf("%s: the canonical form of %v, %v, becomes %v", declaration, p.value, v, again)
			}
		}
	}
}

// TestRowErrors: an error of a cell names its row and column, and says what the
// cell should have been; it never repeats the value.
func TestRowErrors(t *testing.T) {
	t.Parallel()
	const noTime = "not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z"
	const required = "has no value, and the plan requires one"
	text, day32 := arrow.BinaryTypes.String, arrow.FixedWidthTypes.Date32
	for _, c := range []struct {
		declaration string
		typ         arrow.DataType
		first, cell string
		want        string
	}{
		{"", text, "1", "x7", "is no number: want digits with a decimal point, as in -1234.5"},
		{"", text, "1", "1e400", "is no number: want digits with a decimal point, as in -1234.5"},
		{"", arrow.PrimitiveTypes.Float64, "1", "+Inf", "must be a finite number"},
		{", min: 0, max: 10", text, "1", "77", "out of range: want 0 to 10"},
		{", min: 0", text, "1", "-77", "out of range: want 0 or more"},
		{", max: 0.5", text, "0", "77", "out of range: want 0.5 or less"},
		{", unit: share", text, "1", "77", "out of range: want 0 to 1"},
		{", values: ['1', '2']", text, "1", "77", "the number is not one of the values that the plan allows"},
		{", required: true", text, "1", "", required},
		{", required: true", arrow.PrimitiveTypes.Int64, "1", null, required},
		{", max: 1, outside: missing, required: true", text, "1", "77", required},
		{", kind: flag", text, "1", "77", "a flag wants true or false, 1 or 0"},
		{", kind: flag", text, "true", "yes77", "a flag wants true or false, 1 or 0"},
		{", kind: text, values: [a]", text, "a", "b77", "the text is not one of the values that the plan allows"},
		{", kind: text", text, "a", strings.Repeat("77", assay.MaxTextBytes), "the text is too long"},
		{", kind: text", arrow.PrimitiveTypes.Float64, "1", "90071992547409977",
			"the code came as a floating-point number beyond 2^53, where digits are lost: bring it as text or as " +
				"int64"},
		{", kind: text, required: true", text, "a", "", required},
		{", kind: time", text, "2020-01-01", "77", noTime},
		{", kind: time", day32, "2020-01-01", "1877-07-07", "must lie between the years 1900 and 2200"},
		{", kind: time, earliest: 2000-01-01, latest: 2020-12-31", day32, "2020-01-01", "1977-07-07",
			"out of range: want 2000-01-01T00:00:00Z to 2020-12-31T00:00:00Z"},
		{", kind: time, outside: flag, latest: 2100-01-01", day32, "2020-01-01", "1877-07-07",
			"must lie between the years 1900 and 2200"},
		{", kind: time, required: true", day32, "2020-01-01", null, required},
	} {
		f := fieldOf(t, c.declaration)
		column := columnOf(t, f, arrayOf(t, c.typ, c.first, c.cell))
		if _, err := f.Cell(column, 0); err != nil {
			t.Errorf("%s %s: %v", c.declaration, c.first, err)
		}
		_, err := f.Cell(column, 1)
		if want := `row 2, column "f": ` + c.want; err == nil || err.Error() != want || !err.Is(assay.ErrInvalid) {
			t.Errorf("%s %s: got %v, want %s", c.declaration, c.typ, err, want)
		} else if err.Row != 1 || err.Column != "f" || strings.Contains(err.Error(), "77") {
			t.Errorf("%s %s: %+v", c.declaration, c.typ, err)
		}
	}
}
