// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

const boundedPlan = `
version: 1
time: at
fields:
  - {name: due, kind: time, earliest: 2015-01-01, latest: "2030-12-31T12:00:00Z"%s}
features:
  - {name: left, kernel: days_between, of: [event.time, due]}
`

// dues are times around the bounds of boundedPlan; the last three are beyond
// what any plan accepts.
var dues = []string{"2015-01-01", "2014-12-31T23:59:59Z", "2030-12-31T12:00:00Z", "2030-12-31T12:00:01Z", "2024-05-01",
	"1899-12-31", "2201-01-01", "9999-12-31"}

func timesPlan(t *testing.T, outside string) *features.Plan {
	t.Helper()
	spec, err := features.ParseSpec(fmt.Appendf(nil, boundedPlan, outside))
	if err != nil {
		t.Fatal(err)
	}
	table := timesTable(t, arrow.BinaryTypes.String, "2024-05-01", "2024-05-02")
	plan, _, err := features.Fit(context.Background(), spec, table, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan, err = features.LoadPlan(plan.Frozen()); err != nil {
		t.Fatal(err)
	}
	return plan
}

// timesTable is a table of events on 2024-01-01 whose due times have a given type.
func timesTable(t *testing.T, typ arrow.DataType, due ...string) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "at", Type: arrow.BinaryTypes.String}, {Name: "due", Type: typ},
	}, nil))
	defer b.Release()
	for _, s := range due {
		b.Field(0).(*array.StringBuilder).Append("2024-01-01")
		switch f := b.Field(1).(type) {
		case *array.TimestampBuilder:
			f.Append(arrow.Timestamp(instantOf(t, s).UnixMicro()))
		case *array.StringBuilder:
			f.Append(s)
		}
	}
	return b.NewRecord()
}

func instantOf(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		at, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestTimesOutside: times beyond earliest and latest are treated the same in tables
// of texts and of typed times, and in events with either.
func TestTimesOutside(t *testing.T) {
	t.Parallel()
	const first, last = "2015-01-01", "2030-12-31T12:00:00Z"
	for _, c := range []struct {
		outside string
		want    []string // what each of dues is read as: "" is missing, "-" refused
	}{
		{"", []string{first, "-", last, "-", "2024-05-01", "-", "-", "-"}},
		{", outside: reject", []string{first, "-", last, "-", "2024-05-01", "-", "-", "-"}},
		{", outside: missing", []string{first, "", last, "", "2024-05-01", "", "", ""}},
		{", required: true, outside: missing", []string{first, "-", last, "-", "2024-05-01", "-", "-", "-"}},
		{", outside: clip", []string{first, first, last, last, "2024-05-01", first, last, last}},
		{", outside: flag", []string{first, dues[1], last, dues[3], "2024-05-01", "-", "-", "-"}},
	} {
		t.Run(c.outside, func(t *testing.T) {
			plan := timesPlan(t, c.outside)
			for i, due := range dues {
				want := math.NaN()
				if s := c.want[i]; s != "" && s != "-" {
					want = instantOf(t, s).Sub(instantOf(t, "2024-01-01")).Hours() / 24
				}
				for how, read := range readings(t, plan, due) {
					got, err := read()
					switch {
					case c.want[i] == "-":
						if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), "due") {
							t.Errorf("%s, %s: %v, %v, want an error that names the field", due, how, got, err)
						}
					case err != nil || math.Abs(got-want) > 1e-9 || (got != got) != (want != want):
						t.Errorf("%s, %s: %v, %v, want %v", due, how, got, err, want)
					}
				}
			}
		})
	}
}

// readings computes the one feature of a plan for a time in every way.
func readings(t *testing.T, plan *features.Plan, due string) map[string]func() (float64, error) {
	table := func(typ arrow.DataType) func() (float64, error) {
		return func() (float64, error) {
			m, err := plan.Matrix(context.Background(), timesTable(t, typ, due))
			if err != nil {
				return 0, err
			}
			return m.Columns[0][0], nil
		}
	}
	event := func(v assay.Value, read bool) func() (float64, error) {
		return func() (float64, error) {
			ev := assay.Event{ID: "e", Kind: "application", Time: instantOf(t, "2024-01-01")}
			ev.Fields = []assay.Field{{Name: "due", Value: v}}
			if err := plan.Admit(&ev); err != nil {
				return 0, err
			}
			if !read {
				v, err := plan.Vector(nil, &ev, nil)
				return v.Values[0], err
			}
			values, err := plan.Read(nil, &ev)
			if err != nil {
				return 0, err
			}
			x, err := plan.VectorOf(nil, values, &ev, nil)
			return x.Values[0], err
		}
	}
	return map[string]func() (float64, error){
		"a column of texts":     table(arrow.BinaryTypes.String),
		"a column of times":     table(arrow.FixedWidthTypes.Timestamp_us),
		"an event with a text":  event(assay.TextValue(due), false),
		"an event with a time":  event(assay.InstantValue(instantOf(t, due)), false),
		"an event read at once": event(assay.InstantValue(instantOf(t, due)), true),
		"a row as an event": func() (float64, error) {
			ev, err := plan.EventOf(timesTable(t, arrow.FixedWidthTypes.Timestamp_us, due), 0, "e", time.Time{})
			if err != nil {
				return 0, err
			}
			return event(ev.Fields[0].Value, false)()
		},
	}
}

// TestTimesOutsideReport: the fit report counts times out of range as it counts
// numbers, and the error for a refused time states the range.
func TestTimesOutsideReport(t *testing.T) {
	t.Parallel()
	for outside, want := range map[string]features.FieldReport{
		"missing": {Name: "due", Missing: 6, Cleared: 6},
		"clip":    {Name: "due", Clipped: 6}, "flag": {Name: "due", Flagged: 3},
	} {
		spec, err := features.ParseSpec(fmt.Appendf(nil, boundedPlan, ", outside: "+outside))
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range []arrow.DataType{arrow.BinaryTypes.String, arrow.FixedWidthTypes.Timestamp_us} {
			_, report, err := features.Fit(context.Background(), spec, timesTable(t, typ, append(dues, dues[1])...),
				nil)
			if err != nil {
				t.Fatal(err)
			}
			if outside == "flag" && report.Rejected != 3 || outside != "flag" && report.Rejected != 0 {
				t.Errorf("%s: %d rows rejected", outside, report.Rejected)
			}
			if report.Fields[0] != want {
				t.Errorf("%s: %+v, want %+v", outside, report.Fields[0], want)
			}
		}
	}
	_, err := readings(t, timesPlan(t, ""), "2014-12-31T23:59:59Z")["a column of times"]()
	if err == nil || !strings.Contains(err.Error(), "want 2015-01-01T00:00:00Z to 2030-12-31T12:00:00Z") {
		t.Errorf("%v, want the range", err)
	}
	f := timesPlan(t, "").Fields()[0]
	if !f.Earliest.Equal(instantOf(t, "2015-01-01")) || !f.Latest.Equal(instantOf(t, "2030-12-31T12:00:00Z")) {
		t.Errorf("the field lies between %v and %v", f.Earliest, f.Latest)
	}
}

// TestTimesOutsideBeforeWindows: the rule for times out of range also applies to
// the derived values of a window.
func TestTimesOutsideBeforeWindows(t *testing.T) {
	t.Parallel()
	day := func(s string) assay.Field {
		return assay.Field{Name: "due", Value: assay.InstantValue(instantOf(t, s))}
	}
	events := facts([]assay.Field{day("2020-01-11")}, []assay.Field{day("9999-12-31")},
		[]assay.Field{day("2020-01-21")})
	for outside, want := range map[string]float64{"missing": 21, "clip": 31} {
		got := reading(t, `
fields: [{name: due, kind: time, on: [fact], earliest: 2020-01-01, latest: 2020-01-31, outside: `+outside+`}]
derived: [{name: day, kernel: date_part, of: due, part: day}]
windows: [{name: w, key: [k], on: [fact], length: 90d, value: day}]
features: [{name: f, kernel: max, window: w}]
`, events)
		if got != want {
			t.Errorf("outside: %s: %v, want %v", outside, got, want)
		}
	}
}

// TestTimeRangeErrors: bounds that no time can satisfy are refused, and the error names them.
func TestTimeRangeErrors(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"kind: time, earliest: soon":                           "(fields[0].earliest)",
		"kind: time, latest: 9999-12-31":                       "between the years 1900 and 2200",
		"kind: time, earliest: 2020-01-02, latest: 2020-01-01": "earliest is later than latest",
		"kind: time, min: 3":                                   "a time has earliest and latest",
		"earliest: 2020-01-01":                                 "a number has min and max",
		"kind: text, outside: clip":                            "outside is for numbers and times",
	} {
		_, err := features.ParseSpec(fmt.Appendf(nil, `
version: 1
fields: [{name: x, %s}]
features: [{name: f, kernel: missing, of: x}]
`, field))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", field, err, want)
		}
	}
}
