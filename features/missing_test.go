// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/infer"
)

const markedPlan = `
version: 1
fields:
  - {name: country, kind: text, missing: [NA, "?"]}
  - {name: other, kind: text}
  - {name: age, missing: [-999, unknown], min: 0, max: 120}
features:
  - {name: country, min_count: 1}
  - {name: other, min_count: 1}
  - {name: age}
`

// TestMissingMarks: the marks that a field lists mean a missing value in that field
// alone, in files and in events alike.
func TestMissingMarks(t *testing.T) {
	t.Parallel()
	spec, err := features.ParseSpec([]byte(markedPlan))
	if err != nil {
		t.Fatal(err)
	}
	f, err := datasets.ReadBytes(context.Background(), "t.csv",
		[]byte("country,other,age\nDE,NA,30\nNA,?,-999\n?,x,40\nFR,NA,-999\n"),
		datasets.Options{Text: []string{"country", "other"}, Number: []string{"age"}})
	if err != nil {
		t.Fatal(err)
	}
	plan, report, err := features.Fit(context.Background(), spec, f.Record, []int{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 0, 2} {
		if got := report.Fields[i]; got.Missing != want || got.Cleared+got.Clipped != 0 {
			t.Errorf("%s: %+v, want %d missing and none beyond its range", got.Name, got, want)
		}
	}
	if got := strings.Join(plan.Features()[0].Categories, " "); got != "DE FR other" {
		t.Errorf("the categories are %s, want DE FR other", got)
	}
	if plan, err = features.LoadPlan(plan.Frozen()); err != nil {
		t.Fatal(err)
	}
	m, err := plan.Matrix(context.Background(), f.Record)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][3]any{{"DE", "NA", 30.0}, {"NA", "?", -999.0}, {"?", "x", 40.0}, {"FR", "NA", -999.0}}
	for row, r := range rows {
		ev := assay.Event{ID: fmt.Sprint(row), Kind: "application", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
			Fields: []assay.Field{
				{Name: "country", Value: assay.TextValue(r[0].(string))},
				{Name: "other", Value: assay.TextValue(r[1].(string))},
				{Name: "age", Value: assay.NumberValue(r[2].(float64))},
			}}
		if err := plan.Validate(&ev); err != nil {
			t.Fatal(err)
		}
		v, err := plan.Vector(nil, &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := plan.Read(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plan.VectorOf(nil, read, &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		for j := range m.Columns {
			if x := m.Columns[j][row]; math.Float64bits(x) != math.Float64bits(v.Values[j]) ||
				math.Float64bits(x) != math.Float64bits(again.Values[j]) {
				t.Errorf("row %d, feature %d: %v from the file, %v and %v from the event", row, j, x,
					v.Values[j], again.Values[j])
			}
		}
		if got, want := m.Columns[0][row] != m.Columns[0][row], row == 1 || row == 2; got != want {
			t.Errorf("row %d: country is missing: %v, want %v", row, got, want)
		}
	}
	if _, err := features.ParseSpec([]byte(strings.Replace(markedPlan, "[NA, \"?\"]", "{NA: 1}", 1))); err == nil ||
		!strings.Contains(err.Error(), "missing wants true, false, or a list") {
		t.Errorf("a map: %v", err)
	}
}

// TestInferLeavesOut: an inferred plan has no field for columns from which a model
// would learn the order of the file, and reports which it left out.
func TestInferLeavesOut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("number,shuffled,amount,year,country,seen,target\n")
	for i := range 200 {
		country := []string{"DE", "FR", "NA"}[i%3]
		fmt.Fprintf(&b, "%d,%d,%d,%d,%s,%d,%d\n", 1000+i, i*77%211, i*i%1999, 1990+i%30, country, i%2, i%2)
	}
	f, err := datasets.ReadBytes(context.Background(), "t.csv", []byte(b.String()), datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	spec, left, err := infer.FromTable(f.Record, "target")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(left); got != "[{number row numbers} {shuffled row numbers, not in order}]" {
		t.Errorf("left out: %s", got)
	}
	var names []string
	for _, x := range spec.Fields {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "amount year country seen" {
		t.Errorf("fields: %s", got)
	}
	if got := fmt.Sprint(spec.Fields[2].MissingMarks()); got != "[NA]" {
		t.Errorf("marks of country: %s, want NA", got)
	}
}
