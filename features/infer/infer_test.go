// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

// tableRows is enough for texts to be identifiers and numbers to be row numbers.
const tableRows = 120

// column is a column of a test's table; its cells are as Arrow writes them as
// texts, "(null)" for none.
type column struct {
	name string
	kind arrow.DataType
	cell func(row int) string
}

func table(t *testing.T, rows int, columns ...column) arrow.Record {
	t.Helper()
	var fields []arrow.Field
	var arrays []arrow.Array
	for _, c := range columns {
		b := array.NewBuilder(memory.DefaultAllocator, c.kind)
		for i := range rows {
			if err := b.AppendValueFromString(c.cell(i)); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		fields = append(fields, arrow.Field{Name: c.name, Type: c.kind, Nullable: true})
		arrays = append(arrays, b.NewArray())
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(rows))
}

var (
	number  = arrow.PrimitiveTypes.Float64
	integer = arrow.PrimitiveTypes.Int64
	text    = arrow.BinaryTypes.String
	boolean = arrow.FixedWidthTypes.Boolean
)

// among returns cells that repeat the given ones.
func among(cells ...string) func(int) string {
	return func(row int) string { return cells[row%len(cells)] }
}

func numbered(format string) func(int) string {
	return func(row int) string { return fmt.Sprintf(format, row) }
}

// described is a field's kind, whether it is required, and its marks.
func described(f plantext.FieldSpec) string {
	s := "number"
	if f.Kind != "" {
		s = f.Kind
	}
	if f.Required {
		s += " required"
	}
	if f.Missing != nil {
		s += fmt.Sprintf(" missing%v", f.Missing.Marks)
	}
	return s
}

// TestColumns: a table of one column, and a number that keeps the plan from
// being empty, gives the field that docs/plan.md promises, or the column is left
// out and the report says why.
func TestColumns(t *testing.T) {
	t.Parallel()
	shuffled := func(row int) string { return fmt.Sprint(7 + row*37%tableRows) }
	for _, c := range []struct {
		what  string
		kind  arrow.DataType
		cell  func(int) string
		field string // "" if the column is left out
		why   string
	}{
		{"numbers", number, among("1.5", "2", "-3"), "number required", ""},
		{"numbers with gaps", number, among("1.5", "(null)"), "number", ""},
		{"NaN is no value", number, among("1.5", "NaN"), "number", ""},
		{"whole numbers", integer, among("10", "20", "20"), "number required", ""},
		{"a constant", number, among("7"), "number required", ""},
		{"booleans", boolean, among("true", "false"), "flag required", ""},
		{"booleans with gaps", boolean, among("true", "(null)"), "flag", ""},
		{"texts of booleans", text, among("TRUE", "False", "true"), "flag required", ""},
		{"texts of booleans with gaps", text, among("true", "", "false"), "flag", ""},
		{"0 and 1 are numbers", integer, among("0", "1"), "number required", ""},
		{"texts of 0 and 1 are categories", text, among("0", "1", "2"), "text required", ""},
		{"true and another text", text, among("true", "maybe"), "text required", ""},
		{"categories", text, among("rent", "own", "rent"), "text required", ""},
		{"categories with empty cells", text, among("rent", ""), "text", ""},
		{"categories with marks", text, among("rent", "NA", "own", "?"), "text missing[? NA]", ""},
		{"a mark among flags", text, among("true", "NA"), "text missing[NA]", ""},
		{"other marks are texts", text, among("rent", "none", "-"), "text required", ""},
		{"one text", text, among("EUR"), "text required", ""},
		{"half of the texts occur once", text, func(row int) string { return fmt.Sprint("c", row/2) },
			"text required", ""},
		{"decimals", &arrow.Decimal128Type{Precision: 10, Scale: 2}, among("1.25", "3.50"), "number required", ""},
		{"numbers that repeat", integer, func(row int) string { return fmt.Sprint(row / 2) }, "number required", ""},
		{"sparse distinct numbers", integer, func(row int) string { return fmt.Sprint(row * 37 % 5000 * row) },
			"number required", ""},
		{"a third of a range", integer, func(row int) string { return fmt.Sprint(3 * (row * 37 % tableRows)) },
			"number required", ""},
		{"fractions that count up", number, func(row int) string { return fmt.Sprint(float64(row) + 0.5) },
			"number required", ""},
		{"row numbers with a gap", integer, func(row int) string {
			if row == 50 {
				return "(null)"
			}
			return fmt.Sprint(row)
		}, "number", ""},

		{"identifiers", text, numbered("customer-%d"), "", "texts, most of which occur once"},
		{"identifiers with empty cells", text, func(row int) string {
			if row%10 == 0 {
				return ""
			}
			return fmt.Sprint("id", row)
		}, "", "texts, most of which occur once"},
		{"row numbers", integer, numbered("%d"), "", "row numbers"},
		{"row numbers as doubles", number, numbered("%d"), "", "row numbers"},
		{"row numbers in steps", integer, func(row int) string { return fmt.Sprint(1000 + 10*row) }, "", "row numbers"},
		{"shuffled row numbers", integer, shuffled, "", "row numbers, not in order"},
		{"half of shuffled row numbers", integer, func(row int) string {
			return fmt.Sprint(2 * (row * 37 % tableRows))
		}, "",
			"row numbers, not in order"},
		{"row numbers that count down", integer, func(row int) string { return fmt.Sprint(500 - row) }, "",
			"row numbers, not in order"},
		{"dates", arrow.FixedWidthTypes.Date32, among("2024-02-29", "2023-01-01"), "", "times"},
		{"times", arrow.FixedWidthTypes.Timestamp_us, among("2024-02-29 12:00:00"), "", "times"},
		{"no values", number, among("(null)"), "", "no values"},
		{"no texts", text, among("(null)"), "", "no values"},
		{"bytes", arrow.BinaryTypes.Binary, among("AAAA"), "", "values of type binary, which no field can hold"},
		{"lengths of time", arrow.FixedWidthTypes.Duration_s, among("5s"), "",
			"values of type duration[s], which no field can hold"},
	} {
		spec, left, err := FromTable(table(t, tableRows, column{"x", c.kind, c.cell},
			column{"other", number, among("1", "2")}), "")
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if c.field == "" {
			if len(left) != 1 || left[0] != (LeftOut{"x", c.why}) || len(spec.Fields) != 1 {
				t.Errorf("%s: left out %v, want x: %s", c.what, left, c.why)
			}
			continue
		}
		if len(left) != 0 || len(spec.Fields) != 2 || spec.Features[0].Name != "x" {
			t.Errorf("%s: left out %v, fields %v", c.what, left, spec.Fields)
		} else if got := described(spec.Fields[0]); got != c.field {
			t.Errorf("%s: %s, want %s", c.what, got, c.field)
		}
	}
}

// TestFewRows: in fewer than 100 rows, numbers may count up and texts differ by
// chance; the columns are kept.
func TestFewRows(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]int{leastRows - 1: 2, leastRows: 0} {
		spec, left, err := FromTable(table(t, rows, column{"n", integer, numbered("%d")},
			column{"id", text, numbered("id%d")}, column{"x", number, among("1", "5")}), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.Fields) != want+1 || len(left) != 2-want {
			t.Errorf("%d rows: fields %v, left out %v", rows, spec.Fields, left)
		}
	}
}

// TestPlanReadsBack: the plan names its label, has no field of it, keeps the
// table's order, and is the same after it was written and read.
func TestPlanReadsBack(t *testing.T) {
	t.Parallel()
	spec, left, err := FromTable(table(t, tableRows, column{"grade", text, among("A", "B", "NA")},
		column{"id", text, numbered("a%d")}, column{"bad", integer, among("0", "1")},
		column{"a name, with: signs", number, among("1", "(null)")}, column{"owner", text, among("true", "false")}),
		"bad")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Label == nil || spec.Label.Column != "bad" || spec.FieldIndex("bad") >= 0 || spec.FeatureIndex("bad") >= 0 {
		t.Errorf("label %v, fields %v", spec.Label, spec.Fields)
	}
	if !slices.Equal(left, []LeftOut{{"id", "texts, most of which occur once"}}) {
		t.Errorf("left out: %v", left)
	}
	again, err := plantext.Decode(spec.YAML())
	if err != nil {
		t.Fatalf("%v in\n%s", err, spec.YAML())
	}
	var names []string
	for i, f := range again.Fields {
		names = append(names, f.Name)
		if described(f) != described(spec.Fields[i]) {
			t.Errorf("%s: %s, before it was written %s", f.Name, described(f), described(spec.Fields[i]))
		}
	}
	if got := strings.Join(names, "|"); got != "grade|a name, with: signs|owner" {
		t.Errorf("fields %s", got)
	}
}

// TestRefusals: a table that cannot make a plan is refused with the column and
// the reason.
func TestRefusals(t *testing.T) {
	t.Parallel()
	x := column{"x", number, among("1", "2")}
	for _, c := range []struct {
		what    string
		columns []column
		label   string
		want    string
	}{
		{"no such label", []column{x}, "bad", `field "bad": the table has no such column to be the label`},
		{"only the label", []column{x}, "x", "the table has no column that can be a feature"},
		{"only identifiers", []column{{"id", text, numbered("a%d")}, {"n", integer, numbered("%d")}}, "",
			"the table has no column that can be a feature"},
		{"only missing values", []column{{"gone", number, among("(null)")}}, "",
			"the table has no column that can be a feature"},
		{"no columns", nil, "", "the table has no column that can be a feature"},
		{"blanks around a name", []column{{" x", number, among("1")}}, "",
			`field " x": the column's name cannot be a field's name; rename it`},
		{"the time of events", []column{{plantext.EventTime, number, among("1")}}, "",
			`field "` + plantext.EventTime + `": the column's name cannot be a field's name; rename it`},
		{"two columns of a name", []column{x, x}, "", `x`},
	} {
		_, _, err := FromTable(table(t, tableRows, c.columns...), c.label)
		if err == nil || !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
	// What was left out is reported even if nothing remains.
	_, left, err := FromTable(table(t, tableRows, column{"id", text, numbered("a%d")}, column{"", number, among("1")}),
		"")
	if err == nil || !slices.Equal(left, []LeftOut{{"id", "texts, most of which occur once"},
		{"", "a column without a name"}}) {
		t.Errorf("left out %v, %v", left, err)
	}
}

// TestGaps: nulls, NaN and empty texts are gaps, marks of a plan are not.
func TestGaps(t *testing.T) {
	t.Parallel()
	got := Gaps(table(t, 10, column{"full", number, among("1")}, column{"null", number, among("1", "(null)")},
		column{"nan", number, among("1", "NaN")}, column{"empty", text, among("a", "")},
		column{"mark", text, among("a", "NA")}, column{"none", boolean, among("(null)")}))
	if want := []string{"null", "nan", "empty", "none"}; !slices.Equal(got, want) {
		t.Errorf("gaps in %v, want %v", got, want)
	}
	if got := Gaps(table(t, 0, column{"x", number, nil})); !slices.Equal(got, []string{"x"}) {
		t.Errorf("a table without rows vouches for %v", got)
	}
}
