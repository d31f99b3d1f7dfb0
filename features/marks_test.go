// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// arrayOf makes an Arrow array of values of one type.
func arrayOf(t *testing.T, typ arrow.DataType, cells ...string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	for _, s := range cells {
		if err := b.AppendValueFromString(s); err != nil {
			t.Fatal(err)
		}
	}
	return b.NewArray()
}

// tableOf makes a record of named arrays.
func tableOf(names []string, arrays ...arrow.Array) arrow.Record {
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		fields[i] = arrow.Field{Name: name, Type: arrays[i].DataType(), Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(arrays[0].Len()))
}

// featuresOf computes the vectors of one row in every way: from the table, from
// the row as an event, and from an event of these values that is admitted, read,
// or, if the values have the fields' kinds, only validated.
func featuresOf(
	t *testing.T, p *features.Plan, rec arrow.Record, row int, values ...assay.Field,
) map[string][]float64 {
	t.Helper()
	at, out := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), map[string][]float64{}
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatalf("the table: %v", err)
	}
	for _, c := range m.Columns {
		out["table"] = append(out["table"], c[row])
	}
	vector := func(way string, ev *assay.Event) {
		t.Helper()
		v, err := p.Vector(nil, ev, p.NewState())
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		out[way] = v.Values
	}
	ev, err := p.EventOf(rec, row, "a", at)
	if err != nil {
		t.Fatalf("the row as an event: %v", err)
	}
	vector("row as an event", &ev)
	as := slices.Clone(ev.Fields)
	if err := p.Admit(&ev); err != nil || !reflect.DeepEqual(ev.Fields, as) {
		t.Errorf("admitted, the row's event is %v, was %v (%v)", ev.Fields, as, err)
	}
	event := func() *assay.Event {
		return &assay.Event{ID: "a", Kind: "application", Time: at, Fields: slices.Clone(values)}
	}
	if p.Validate(event()) == nil {
		vector("validated", event())
	}
	once := event()
	if err := p.Admit(once); err != nil {
		t.Fatalf("admitted: %v", err)
	}
	vector("admitted", once)
	twice := *once
	twice.Fields = slices.Clone(once.Fields)
	if err := p.Admit(&twice); err != nil || !reflect.DeepEqual(twice, *once) {
		t.Errorf("admitted again, the event is %v, was %v (%v)", twice.Fields, once.Fields, err)
	}
	ev = *event()
	read, err := p.Read(nil, &ev)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	v, err := p.VectorOf(nil, read, &ev, p.NewState())
	if err != nil {
		t.Fatal(err)
	}
	out["read"] = v.Values
	return out
}

// sameEverywhere checks that every way gives the wanted vector.
func sameEverywhere(t *testing.T, got map[string][]float64, want ...float64) {
	t.Helper()
	for way, values := range got {
		if fmt.Sprint(values) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", way, values, want)
		}
	}
}

// fitted fits a plan of the text on all rows of a table, and loads it again.
func fitted(t *testing.T, text string, rec arrow.Record) *features.Plan {
	t.Helper()
	spec, err := features.ParseSpec([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := features.Fit(context.Background(), spec, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = features.LoadPlan(p.Frozen()); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMarksHoldInAnySpelling: a mark for missing values works in any spelling, in
// the dictionary that training learns, in tables and in events.
func TestMarksHoldInAnySpelling(t *testing.T) {
	t.Parallel()
	text, nan := arrow.BinaryTypes.String, math.NaN()
	words := []string{"1", "1.0", "1.00", "2", "2.0", "3", "TRUE", "true", "True"}
	for _, c := range []struct {
		mark  string
		learn string // what training learns of words
		cell  assay.Value
		typ   arrow.DataType
		want  float64
	}{
		{`"1"`, "2 3 true", assay.TextValue("1.0"), text, nan},
		{`"1"`, "2 3 true", assay.TextValue("1.00"), text, nan},
		{`"1"`, "2 3 true", assay.TextValue("1"), text, nan},
		{`"1"`, "2 3 true", assay.NumberValue(1), arrow.PrimitiveTypes.Float64, nan},
		{`"1"`, "2 3 true", assay.NumberValue(1), arrow.PrimitiveTypes.Int64, nan},
		{`"1"`, "2 3 true", assay.TextValue("2.0"), text, 0},
		{`"1"`, "2 3 true", assay.TextValue("01"), text, 3}, // another text
		{`"1.0"`, "2 3 true", assay.TextValue("1"), text, nan},
		{`"1.0"`, "2 3 true", assay.NumberValue(1), arrow.PrimitiveTypes.Float64, nan},
		{`"TRUE"`, "1 2 3", assay.TextValue("true"), text, nan},
		{`"TRUE"`, "1 2 3", assay.FlagValue(true), arrow.FixedWidthTypes.Boolean, nan},
		{`"true"`, "1 2 3", assay.TextValue("True"), text, nan},
		{`"true"`, "1 2 3", assay.TextValue("1.0"), text, 0},
	} {
		cell := c.cell.Text()
		switch c.cell.Kind {
		case assay.Number:
			cell = fmt.Sprint(c.cell.Number())
		case assay.Flag:
			cell = fmt.Sprint(c.cell.Flag())
		}
		t.Run(fmt.Sprintf("%s/%s %s", c.mark, c.typ, cell), func(t *testing.T) {
			plan := fmt.Sprintf(`
version: 1
fields: [{name: code, kind: text, missing: [%s]}]
features: [{name: code, min_count: 1}]
`, c.mark)
			p := fitted(t, plan, tableOf([]string{"code"}, arrayOf(t, text, words...)))
			if got := strings.Join(p.Features()[0].Categories, " "); got != c.learn+" other" {
				t.Errorf("training learned %s, want %s other", got, c.learn)
			}
			rec := tableOf([]string{"code"}, arrayOf(t, c.typ, cell))
			got := featuresOf(t, p, rec, 0, assay.Field{Name: "code", Value: c.cell})
			if c.want == c.want {
				delete(got, "validated") // Admit is what spells a text that has a value
			}
			sameEverywhere(t, got, c.want)
			u, err := p.Unseen(rec)
			if err != nil {
				t.Fatal(err)
			}
			rows := 1
			if c.want != c.want {
				rows = 0
			}
			if len(u) != 1 || u[0].Rows != rows {
				t.Errorf("unseen: %+v, want %d rows with a value", u, rows)
			}
		})
	}
}

// TestMarksHoldAgainstThePlansSpelling: a mark also covers a text that the plan
// itself spells differently. Admitting an event again still changes nothing, and
// table and event agree.
func TestMarksHoldAgainstThePlansSpelling(t *testing.T) {
	t.Parallel()
	names, text, nan := []string{"code"}, arrow.BinaryTypes.String, math.NaN()
	for _, c := range []struct {
		mark, values string
		learn        []string
		want         map[string]float64
	}{
		{"1", `"1.0", "2.0"`, []string{"1", "1.0", "2", "2.0"},
			map[string]float64{"1": nan, "1.0": nan, "1.00": nan, "2": 0, "2.0": 0, "2.00": 0}},
		{"true", `"true", "false"`, []string{"1", "0"},
			map[string]float64{"1": nan, "1.0": nan, "TRUE": nan, "true": nan, "0": 0, "False": 0}},
	} {
		p := fitted(t, `
version: 1
fields: [{name: code, kind: text, missing: ["`+c.mark+`"], values: [`+c.values+`]}]
features: [{name: code, min_count: 1}]
`, tableOf(names, arrayOf(t, text, c.learn...)))
		for cell, want := range c.want {
			rec := tableOf(names, arrayOf(t, text, cell))
			got := featuresOf(t, p, rec, 0, assay.Field{Name: "code", Value: assay.TextValue(cell)})
			sameEverywhere(t, got, want)
			if _, ok := got["validated"]; want != want && !ok {
				t.Errorf("%q, which means no value, has to be one of the allowed values", cell)
			}
		}
	}
}

// TestMarksHoldInWindows: a mark for missing values is neither a key nor a value of
// a condition, in any spelling.
func TestMarksHoldInWindows(t *testing.T) {
	t.Parallel()
	text := arrow.BinaryTypes.String
	names := []string{"time", "merchant", "code"}
	times := arrayOf(t, text, "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")
	rec := tableOf(names, times, arrayOf(t, text, "1.0", "1", "a", "a"), arrayOf(t, text, "2", "2", "1.0", "3"))
	p := fitted(t, `
version: 1
time: time
fields:
  - {name: merchant, kind: text, missing: ["1"]}
  - {name: code, kind: text, missing: ["1"]}
windows:
  - {name: seen, key: [merchant], length: 30d, on: [application]}
  - {name: blank, key: [merchant], length: 30d, on: [application], where: {field: code, missing: true}}
features:
  - {name: seen, window: seen, kernel: count}
  - {name: blank, window: blank, kernel: count}
`, rec)
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(m.Columns), "[[NaN NaN 0 1] [NaN NaN 0 1]]"; got != want {
		t.Errorf("the windows count %s, want %s", got, want)
	}
	st := p.NewState()
	for row, cells := range [][2]string{{"1.0", "2"}, {"1", "2"}, {"a", "1.0"}, {"a", "3"}} {
		at := time.Date(2026, 1, 1+row, 0, 0, 0, 0, time.UTC)
		ev := assay.Event{ID: fmt.Sprint(row), Kind: "application", Time: at, Fields: []assay.Field{
			{Name: "merchant", Value: assay.TextValue(cells[0])}, {Name: "code", Value: assay.TextValue(cells[1])},
		}}
		if err := p.Validate(&ev); err != nil { // not admitted: nothing has been spelled
			t.Fatal(err)
		}
		v, err := p.Vector(nil, &ev, st)
		if err != nil {
			t.Fatal(err)
		}
		sameEverywhere(t, map[string][]float64{fmt.Sprint("event ", row): v.Values},
			m.Columns[0][row], m.Columns[1][row])
		if err := p.Observe(&ev, st); err != nil {
			t.Fatal(err)
		}
	}
}

const markedKinds = `
version: 1
fields:
  - {name: x, missing: [NA, -999]}
  - {name: when, kind: time, missing: [never, 1900-01-01, 9999-12-31]}
  - {name: own, kind: flag, missing: [U]}
features:
  - {name: x}
  - {name: when, of: when, kernel: date_part, part: year}
  - {name: own}
`

// TestMarksOfTextColumns: in a column of texts, as in events, a mark that is not a
// number, time or flag means a missing value; and so does a mark that is one in a
// column of its own type.
func TestMarksOfTextColumns(t *testing.T) {
	t.Parallel()
	names, text := []string{"x", "when", "own"}, arrow.BinaryTypes.String
	p := fitted(t, markedKinds, tableOf(names,
		arrayOf(t, text, "1", "2"), arrayOf(t, text, "2020-01-01", "2021-01-01"), arrayOf(t, text, "0", "1")))
	nan := math.NaN()
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: text}
	for _, typ := range []arrow.DataType{text, arrow.BinaryTypes.LargeString, dictionary} {
		for _, c := range []struct {
			cells [3]string
			want  [3]float64
		}{
			{[3]string{"5", "2020-03-01", "1"}, [3]float64{5, 2020, 1}},
			{[3]string{"NA", "2020-03-01", "1"}, [3]float64{nan, 2020, 1}},
			{[3]string{"-999", "2020-03-01", "1"}, [3]float64{nan, 2020, 1}},
			{[3]string{"-999.0", "2020-03-01", "1"}, [3]float64{nan, 2020, 1}},
			{[3]string{"5", "never", "1"}, [3]float64{5, nan, 1}},
			{[3]string{"5", "1900-01-01", "1"}, [3]float64{5, nan, 1}},
			{[3]string{"5", "1900-01-01T00:00:00Z", "1"}, [3]float64{5, nan, 1}},
			{[3]string{"5", "2020-03-01", "U"}, [3]float64{5, 2020, nan}},
			{[3]string{"NA", "never", "U"}, [3]float64{nan, nan, nan}},
		} {
			var arrays []arrow.Array
			var values []assay.Field
			for i, s := range c.cells {
				arrays = append(arrays, arrayOf(t, typ, s))
				values = append(values, assay.Field{Name: names[i], Value: assay.TextValue(s)})
			}
			t.Run(fmt.Sprint(typ, c.cells), func(t *testing.T) {
				sameEverywhere(t, featuresOf(t, p, tableOf(names, arrays...), 0, values...), c.want[:]...)
			})
		}
	}
	for _, when := range []string{"1900-01-01", "9999-12-31"} {
		at, err := time.Parse(time.DateOnly, when)
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range []arrow.DataType{arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Timestamp_us} {
			rec := tableOf(names, arrayOf(t, arrow.PrimitiveTypes.Float64, "-999"), arrayOf(t, typ, when),
				arrayOf(t, arrow.FixedWidthTypes.Boolean, "true"))
			got := featuresOf(t, p, rec, 0, assay.Field{Name: "x", Value: assay.NumberValue(-999)},
				assay.Field{Name: "when", Value: assay.InstantValue(at)},
				assay.Field{Name: "own", Value: assay.FlagValue(true)})
			sameEverywhere(t, got, nan, nan, 1)
			ev := assay.Event{ID: "a", Kind: "application", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
				Fields: []assay.Field{{Name: "when", Value: assay.InstantValue(at)}}}
			if err := p.Admit(&ev); err != nil || ev.Fields[0].Value.Kind != assay.Missing {
				t.Errorf("%s is admitted as %v (%v), want no value", when, ev.Fields[0].Value, err)
			}
		}
	}
	// What is no mark is refused as before, and marks alone do not make a column one of other things.
	bad := tableOf(names,
		arrayOf(t, text, "5", "N/A"), arrayOf(t, text, "never", "2020-03-01"), arrayOf(t, text, "U", "U"))
	_, err := p.Matrix(context.Background(), bad)
	if err == nil || !strings.Contains(err.Error(), `row 2, column "x": is no number`) {
		t.Errorf("N/A, which is no mark of x: %v", err)
	}
	var none, numbers []string
	for range 70 { // more than are looked at to tell a column's kind
		none, numbers = append(none, "NA"), append(numbers, "NA")
	}
	numbers[69] = "7"
	for _, cells := range [][]string{none, numbers} {
		never, unknown := slices.Repeat([]string{"never"}, 70), slices.Repeat([]string{"U"}, 70)
		rec := tableOf(names, arrayOf(t, text, cells...), arrayOf(t, text, never...), arrayOf(t, text, unknown...))
		m, err := p.Matrix(context.Background(), rec)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Replace("[NaN x] NaN NaN", "x", strings.Replace(cells[69], "NA", "NaN", 1), 1)
		if got := fmt.Sprint(m.Columns[0][68:], m.Columns[1][69], m.Columns[2][69]); got != want {
			t.Errorf("70 rows of marks: %s, want %s", got, want)
		}
	}
}
