// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

const labelPlan = `
version: 1
time: time
kind: kind
entities: [loan]
label: {event: default, match: [loan], horizon: 10d}
fields: [{name: x}]
features: [{name: x}]
`

// cells makes a table of texts; empty ones are missing.
func cells(t testing.TB, names []string, rows [][]string) arrow.Record {
	t.Helper()
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}
	for _, n := range names {
		fields = append(fields, arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, r := range rows {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		for c, s := range r {
			if s == "" {
				b.Field(c + 1).AppendNull()
			} else {
				b.Field(c + 1).(*array.StringBuilder).Append(s)
			}
		}
	}
	rec := b.NewRecord()
	t.Cleanup(rec.Release)
	return rec
}

func spec(t testing.TB, yaml string) *plantext.Spec {
	t.Helper()
	s, err := features.ParseSpec([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLabelsAgainstDuckDB compares the labels of a log in which many events have
// the same time with those that testdata/labels.py computed by SQL.
func TestLabelsAgainstDuckDB(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/labels.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	o, err := features.ReadOutcomes(spec(t, labelPlan), cells(t, lines[0], lines[1:]))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i, row := range o.Rows {
		got := ""
		if y := o.Labels[i]; y == y {
			got = fmt.Sprint(y)
		}
		if want := lines[1+row][3]; got != want {
			t.Errorf("row %d is %q, want %q", row, got, want)
		}
		seen[got]++
	}
	if seen["0"] < 20 || seen["1"] < 20 || seen[""] < 20 || o.Open+o.Unmatched != seen[""] ||
		o.Stray == 0 || o.SameDay == 0 {
		t.Errorf("%v, %d open, %d unmatched, %d stray, %d on the same day: the log tries too little", seen, o.Open,
			o.Unmatched, o.Stray, o.SameDay)
	}
}

// TestOwnDay: a bad event on the day of the application is its outcome if it comes
// after the application, by time and then by row, and otherwise its history.
func TestOwnDay(t *testing.T) {
	t.Parallel()
	end := []string{"2024-03-01", "application", "z"}
	for name, c := range map[string]struct {
		rows    [][]string
		label   float64
		sameDay int
	}{
		"same time, later row": {[][]string{{"2024-01-05", "application", "a"},
			{"2024-01-05", "default", "a"}, end}, 1, 0},
		"same time, earlier row": {[][]string{{"2024-01-05", "default", "a"}, {"2024-01-05", "application", "a"},
			end}, 0, 1},
		"later time, earlier row": {[][]string{{"2024-01-05T12:00:00Z", "default", "a"},
			{"2024-01-05", "application", "a"}, end}, 1, 0},
		"midnight, later row": {[][]string{{"2024-01-05T12:00:00Z", "application", "a"},
			{"2024-01-05", "default", "a"}, end}, 0, 1},
		"the day before": {[][]string{{"2024-01-04T23:59:59Z", "default", "a"},
			{"2024-01-05", "application", "a"}, end}, 0, 0},
		"the horizon's last": {[][]string{{"2024-01-05", "application", "a"},
			{"2024-01-15", "default", "a"}, end}, 1, 0},
		"beyond the horizon": {[][]string{{"2024-01-05", "application", "a"},
			{"2024-01-15T00:00:01Z", "default", "a"}, end}, 0, 0},
		"of another loan": {[][]string{{"2024-01-05", "application", "a"},
			{"2024-01-06", "default", "b"}, end}, 0, 0},
		"no loan": {[][]string{{"2024-01-05", "application", ""}, {"2024-01-06", "default", "b"}, end},
			math.NaN(), 0},
		"no loan at the bad event": {[][]string{{"2024-01-05", "application", "a"}, {"2024-01-06", "default", ""}, end},
			0, 0},
		"an unknown kind ends nothing": {[][]string{{"2024-01-05", "application", "a"}, {"2024-01-06", "default", "a"},
			{"2124-01-06", "visit", "a"}}, math.NaN(), 0},
	} {
		o, err := features.ReadOutcomes(spec(t, labelPlan), cells(t, []string{"time", "kind", "loan"}, c.rows))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := o.Labels[0]; got != c.label && (got == got || c.label == c.label) || o.SameDay != c.sameDay {
			t.Errorf("%s: %v with %d of the same day, want %v with %d", name, got, o.SameDay, c.label, c.sameDay)
		}
	}
}

// TestLabelKindIsKnown: the event that makes the label can be recorded, though
// no window and no field names its kind.
func TestLabelKindIsKnown(t *testing.T) {
	t.Parallel()
	s := spec(t, labelPlan)
	rec := cells(t, []string{"time", "kind", "loan"},
		[][]string{{"2024-01-05", "application", "a"}, {"2024-01-06", "default", "a"}, {"2024-03-01", "payment", ""},
			{"2024-03-01", "default", "b"}})
	p, _, err := features.Fit(t.Context(), s, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "", "does not know this kind", ""} {
		ev, err := p.EventOf(rec, i, fmt.Sprint("e", i), time2024)
		if err == nil {
			err = p.Validate(&ev)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("row %d: %v, want %q", i, err, want)
		}
	}
}

// TestLabelColumnOfALog: in a log of several kinds, only the labels of the scored
// kind are read.
func TestLabelColumnOfALog(t *testing.T) {
	t.Parallel()
	s := spec(t, strings.Replace(labelPlan, "{event: default, match: [loan], horizon: 10d}", "{column: y}", 1))
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64},
		{Name: "time", Type: arrow.BinaryTypes.String}, {Name: "kind", Type: arrow.BinaryTypes.String},
		{Name: "loan", Type: arrow.BinaryTypes.String}, {Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, kind := range []string{"application", "payment", "application", "payment", "application"} {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		for c, s := range []string{"2024-01-05", kind, "a"} {
			b.Field(c + 1).(*array.StringBuilder).Append(s)
		}
		b.Field(4).(*array.Float64Builder).AppendValues([]float64{float64(i % 4 / 2)}, []bool{i != 1 && i != 4})
	}
	rec := b.NewRecord()
	defer rec.Release()
	o, err := features.ReadOutcomes(s, rec)
	if err != nil || fmt.Sprint(o.Rows, o.Labels, o.Open, o.Ignored) != "[0 2 4] [0 1 NaN] 1 1" {
		t.Fatalf("%+v, %v", o, err)
	}
	_, r, err := features.Fit(t.Context(), s, rec, nil)
	if err != nil || r.Rows != 2 || r.Open != 1 {
		t.Errorf("fitted on %d rows, %d open, %v, want 2 and 1", r.Rows, r.Open, err)
	}
}
