// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/features/plantext"
)

// windowPlan is the beginning of the plans of these tests.
const windowPlan = `
version: 1
time: time
id: id
kind: kind
lateness: 0s
entities: [k]
`

// facts are events of one key, a day apart from 1 January 2024, and an
// application after them.
func facts(fields ...[]assay.Field) []assay.Event {
	day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var out []assay.Event
	for i, f := range append(fields, nil) {
		e := assay.Event{ID: string(rune('a' + i)), Kind: "fact", Time: day.AddDate(0, 0, i),
			Entities: []assay.Entity{{Role: "k", ID: "a"}}, Fields: f}
		if i == len(fields) {
			e.Kind = "application"
		}
		out = append(out, e)
	}
	return out
}

func n(name string, x float64) assay.Field {
	return assay.Field{Name: name, Value: assay.NumberValue(x)}
}

func text(name, s string) assay.Field {
	return assay.Field{Name: name, Value: assay.TextValue(s)}
}

// reading returns the first feature of the log's application, computed offline,
// and online after a restart.
func reading(t *testing.T, plan string, events []assay.Event) float64 {
	t.Helper()
	s, err := features.ParseSpec([]byte(windowPlan + plan))
	if err != nil {
		t.Fatal(err)
	}
	w := &featurestest.World{Name: t.Name(), Spec: s, Events: events}
	p, m := w.Fit(t)
	if again, err := features.LoadPlan(p.Frozen()); err != nil || again.Digest() != p.Digest() {
		t.Fatalf("the frozen plan is not read again: %v", err)
	} else {
		p = again
	}
	st := p.NewState()
	for i := range events {
		if err := p.Validate(&events[i]); err != nil {
			t.Fatal(err)
		}
		if i < len(events)-1 {
			if err := p.Observe(&events[i], st); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := st.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if st = p.NewState(); st.Restore(b) != nil {
		t.Fatal("the snapshot is not read again")
	}
	v, err := p.Vector(nil, &events[len(events)-1], st)
	if err != nil {
		t.Fatal(err)
	}
	if x := m.Columns[0][m.Rows-1]; math.Float64bits(x) != math.Float64bits(v.Values[0]) {
		t.Fatalf("%v offline, %v online", x, v.Values[0])
	}
	return v.Values[0]
}

// TestOutsideBeforeWindows: the `outside` rule of a field also applies to a window's
// value, to its conditions, and to what is derived from the field.
func TestOutsideBeforeWindows(t *testing.T) {
	t.Parallel()
	events := facts([]assay.Field{n("v", -999)}, []assay.Field{n("v", 10)}, []assay.Field{n("v", 5000)})
	for _, c := range []struct {
		outside, kernel, window string
		want                    float64
	}{
		{"missing", "window_sum", "value: v", 10}, {"clip", "window_sum", "value: v", 1010},
		{"flag", "window_sum", "value: v", 4011},
		{"missing", "count", "where: {field: v, below: 2000}", 1},
		{"clip", "count", "where: {field: v, below: 2000}", 3},
		{"flag", "count", "where: {field: v, below: 2000}", 2},
		{"missing", "count", "where: {field: v, missing: true}", 2},
		{"missing", "window_sum", "value: twice", 20}, {"clip", "window_sum", "value: twice", 2020},
	} {
		plan := `
fields: [{name: v, on: [application, fact], min: 0, max: 1000, outside: ` + c.outside + `}]
derived: [{name: twice, kernel: sum, of: [v, v]}]
windows: [{name: w, key: [k], on: [fact], length: 90d, ` + c.window + `}]
features: [{name: f, kernel: ` + c.kernel + `, window: w}]
`
		if got := reading(t, plan, events); got != c.want {
			t.Errorf("outside: %s, %s over %s: %v, want %v", c.outside, c.kernel, c.window, got, c.want)
		}
	}
}

// TestTextsAreTexts: NA, null and blanks are ordinary texts as keys, as members and
// in conditions; only the empty text is missing.
func TestTextsAreTexts(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"NA", "null", " ", "NaN"} {
		events := facts([]assay.Field{text("s", s)}, []assay.Field{text("s", "x")}, nil, []assay.Field{text("s", s)})
		events[len(events)-1].Fields = []assay.Field{text("s", s)}
		for window, want := range map[string]float64{
			"key: [s]": 2, "key: [k], where: {field: s, is: ['" + s + "']}": 2, "key: [k], where: {field: s, not: ['" +
				s + "']}": 1,
			"key: [k], where: {field: s, missing: true}": 1, "key: [k], where: {field: s, missing: false}": 3,
		} {
			plan := `
fields: [{name: s, kind: text, on: [application, fact]}]
windows: [{name: w, on: [fact], length: 90d, ` + window + `}]
features: [{name: f, kernel: count, window: w}]
`
			if got := reading(t, plan, events); got != want {
				t.Errorf("%q, %s: counted %v, want %v", s, window, got, want)
			}
		}
	}
}

// TestTextsFromWindows reads a window's members as categories and by a target
// encoding.
func TestTextsFromWindows(t *testing.T) {
	t.Parallel()
	var events []assay.Event
	day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 60 {
		channel := []string{"web", "branch", "phone"}[i%3]
		for kind, at := range []time.Time{day.AddDate(0, 0, 3*i), day.AddDate(0, 0, 3*i+1)} {
			e := assay.Event{ID: string(rune(2*i+kind)) + "x", Kind: []string{"fact", "application"}[kind], Time: at,
				Entities: []assay.Entity{{Role: "k", ID: "a"}}}
			if kind == 0 {
				e.Fields = []assay.Field{text("channel", channel)}
			} else {
				e.Fields = []assay.Field{n("y", float64(i%3/2))} // bad after the telephone
			}
			events = append(events, e)
		}
	}
	s, err := features.ParseSpec([]byte(windowPlan + `
fields: [{name: channel, kind: text, on: [fact]}, {name: amount}, {name: y}]
windows: [{name: w, key: [k], on: [fact], member: channel, length: 30d}]
features:
  - {name: last, kernel: latest_text, window: w, min_count: 5}
  - {name: risk, kernel: target_mean, of: last, min_count: 1, smoothing: 0.001}
`))
	if err != nil {
		t.Fatal(err)
	}
	w := &featurestest.World{Name: "channels", Spec: s, Events: events}
	rec, err := features.EventTable(s, w.Each)
	if err != nil {
		t.Fatal(err)
	}
	s.Label, s.Fields = &plantext.LabelSpec{Column: "y"}, s.Fields[:2]
	p, _, err := features.Fit(t.Context(), s, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := p.Features()[0]; !f.Categorical || strings.Join(f.Categories, " ") != "branch phone web other" {
		t.Errorf("the categories are %q", f.Categories)
	}
	m, err := p.Matrix(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Rows {
		code, risk := []float64{2, 0, 1}[i%3], float64(i%3/2)
		if m.Columns[0][i] != code || math.Abs(m.Columns[1][i]-risk) > 0.001 {
			t.Fatalf("row %d: category %v and risk %v, want %v and %v", i, m.Columns[0][i], m.Columns[1][i], code, risk)
		}
	}
}

// TestConditionsAreWrittenAsRead: a single condition is written without a list, in
// YAML and in a frozen plan, as before there were lists.
func TestConditionsAreWrittenAsRead(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"{field: v, above: 0}", "[{field: v, at_least: 1}, {field: s, not: [x]}]"} {
		s, err := features.ParseSpec([]byte(windowPlan + `
fields: [{name: v, on: [fact, application]}, {name: s, kind: text, on: [fact]}]
windows: [{name: w, key: [k], on: [fact], length: 90d, where: ` + where + `}]
features: [{name: f, kernel: count, window: w}]
`))
		if err != nil {
			t.Fatal(err)
		}
		again, err := features.ParseSpec(s.YAML())
		if err != nil {
			t.Fatalf("%v\n%s", err, s.YAML())
		}
		a, _ := json.Marshal(s)
		b, _ := json.Marshal(again)
		list := strings.Contains(string(a), `"where":[`)
		if string(a) != string(b) || list != strings.HasPrefix(where, "[") {
			t.Errorf("%s is written as %s and then %s", where, a, b)
		}
	}
}

// TestSensitiveWindows: a feature over a window of a sensitive field is
// sensitive.
func TestSensitiveWindows(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(windowPlan + `
fields: [{name: v, on: [fact, application]}, {name: origin, kind: text, on: [fact], sensitive: true}]
derived: [{name: has, kernel: missing, of: origin}]
windows:
  - {name: plain, key: [k], on: [fact], length: 90d}
  - {name: member, key: [k], on: [fact], member: origin, length: 90d}
  - {name: chosen, key: [k], on: [fact], where: {field: has, below: 1}, length: 90d}
features:
  - {name: a, kernel: count, window: plain}
  - {name: b, kernel: distinct, window: member}
  - {name: c, kernel: count, window: chosen}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := (&featurestest.World{Name: "sensitive", Spec: s, Events: facts([]assay.Field{text("origin", "x")})}).Fit(t)
	for i, want := range []bool{false, true, true} {
		if f := p.Features()[i]; f.Sensitive != want {
			t.Errorf("%s: sensitive %v, want %v", f.Name, f.Sensitive, want)
		}
	}
}

// TestWindowMistakes: windows that cannot be intended are refused, and the error
// says what to do.
func TestWindowMistakes(t *testing.T) {
	t.Parallel()
	head := "fields: [{name: v, on: [fact, application]}, {name: s, kind: text, on: [fact]}, {name: other, on: " +
		"[application]}]\n"
	window := func(w, f string) string {
		return head + "windows: [{name: w, key: [k], on: [fact], " + w + "}]\nfeatures: [{name: f, window: w, " + f +
			"}]\n"
	}
	for plan, want := range map[string]string{
		window("length: 90d, where: {field: s, above: 1}",
			"kernel: count"): "a text wants `is`, `not` or `missing`",
		window("length: 90d, where: [{field: v}]", "kernel: count"): "a number " +
			"`above`, `below`",
		window("length: 90d, where: {field: v, missing: true, above: 1}", "kernel: count"): "satisfies nothing else",
		window("length: 90d, where: {field: nothing, above: 1}", "kernel: count"): "names no " +
			"field and no derived value",
		window("length: 90d, offset: 30d, member: s", "kernel: distinct"): "knows the " +
			"latest events alone",
		window("length: all, offset: 30d", "kernel: count"): "no hop and " +
			"no offset",
		window("length: '1', calendar: fortnight", "kernel: count"): "want day, " +
			"week, month, quarter or year",
		window("length: '0', calendar: month", "kernel: count"): "how many of " +
			"the calendar's units",
		window("length: 90d, zone: Europe/Berlin", "kernel: count"): "a time zone " +
			"is of a calendar",
		window("length: 90d, value: v, samples: 9999", "kernel: median"): "between 1 " +
			"and 4096",
		window("length: 90d, value: v", "kernel: quantile"): "quantile " +
			"wants a share",
		window("length: 90d, value: v", "kernel: nth_latest, k: 9999"): "k must lie " +
			"between",
		window("length: 90d, member: s", "kernel: count_of"): "name the " +
			"members to count",
		window("length: 90d, member: s", "kernel: mode, monotone: increasing"): "a category " +
			"has no order",
		window("length: 90d, value: s", "kernel: mean"): "names no " +
			"derived value, and no field",
		window("length: 90d, value: other",
			"kernel: mean"): "do not carry field \"other\"",
		head + "derived: [{name: d, kernel: woe, of: s}]\nfeatures: [{name: v}]\n": "no kernel " +
			"that computes a number from one event",
		head + "derived: [{name: d, kernel: ratio, of: [v, e]}]\nfeatures: [{name: v}]\n": "no derived " +
			"value that is declared before",
		head + "derived: [{name: v, kernel: log1p, of: v}]\nfeatures: [{name: v}]\n": "declared " +
			"twice",
		head + "derived: [{name: d, kernel: log1p, of: s}]\nfeatures: [{name: v}]\n": "does not " +
			"take \"s\"",
		head + "derived: [{name: d, kernel: clip, of: v, quantiles: [0, 1]}]\nfeatures: [{name: v}]\n": "quantiles",
	} {
		_, err := features.ParseSpec([]byte(windowPlan + plan))
		if err == nil || !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngives %v, want ... %s ...", plan, err, want)
		}
	}
	s, err := features.ParseSpec(
		[]byte(windowPlan + window("length: 1, calendar: month, zone: Europe/Nowhere", "kernel: count")))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := features.EventTable(s, (&featurestest.World{Events: facts(nil)}).Each)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := features.Fit(t.Context(), s, rec, nil); !errors.Is(err, assay.ErrInvalid) ||
		!strings.Contains(err.Error(), "Europe/Nowhere") {
		t.Errorf("a zone that is not known: %v", err)
	}
}
