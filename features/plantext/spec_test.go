// SPDX-License-Identifier: Apache-2.0

package plantext_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
)

// filled sets every field of a value that can be written, each to another value,
// to a depth that reaches all of them.
func filled(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d: #", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 8)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), n)
		filled(v.Index(1), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Events" { // read as On
				filled(v.Field(i), n)
			}
		}
	}
}

// TestRoundTrips: a spec with every key set comes back from its YAML and from its
// JSON as it was.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	want, n := &plantext.Spec{}, 0
	filled(reflect.ValueOf(want).Elem(), &n)
	if n < 150 {
		t.Fatalf("%d values were set: some key is not reached", n)
	}
	text := want.YAML()
	if !bytes.HasPrefix(text, []byte("# A feature plan: ")) {
		t.Errorf("it begins with %.40q", text)
	}
	got, err := plantext.Decode(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !bytes.Equal(got.YAML(), text) {
		t.Errorf("written again, it is\n%s\nwant\n%s", got.YAML(), text)
	}
	if got = got.WithDefaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("YAML: got %s\nwant %s", asJSON(got), asJSON(want))
	}
	frozen, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var thawed plantext.Spec
	if err := json.Unmarshal(frozen, &thawed); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&thawed, want) {
		t.Errorf("JSON: got %s\nwant %s", asJSON(&thawed), frozen)
	}
}

// TestEmptyKeysAreLeftOut: what is not declared is not written.
func TestEmptyKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	s := plantext.Spec{Version: 1, Fields: []plantext.FieldSpec{{Name: "x"}},
		Features: []plantext.FeatureSpec{{Name: "x"}}}
	_, text, _ := strings.Cut(string(s.YAML()), "\n")
	if want := "version: 1\nfields:\n  - name: x\nfeatures:\n  - name: x\n"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if got, want := asJSON(&s), `{"version":1,"fields":[{"name":"x"}],"features":[{"name":"x"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestShortForms: one condition, one mark and the flag of missing have forms
// without a list, which plans were frozen with.
func TestShortForms(t *testing.T) {
	t.Parallel()
	x := plantext.WhereSpec{Field: "x", Above: number(1)}
	for want, v := range map[string]any{
		`{"field":"x","above":1}`:                           plantext.Conditions{x},
		`[{"field":"x","above":1},{"field":"x","above":1}]`: plantext.Conditions{x, x},
		`true`:       plantext.MissingSpec{Allowed: true},
		`false`:      plantext.MissingSpec{},
		`["NA","1"]`: plantext.MissingSpec{Allowed: true, Marks: []string{"NA", "1"}},
	} {
		b, err := json.Marshal(v)
		if err != nil || string(b) != want {
			t.Errorf("%#v is written as %s, %v, want %s", v, b, err, want)
		}
		again := reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(b, again.Interface()); err != nil || !reflect.DeepEqual(again.Elem().Interface(), v) {
			t.Errorf("%s is read as %#v, %v", b, again.Elem(), err)
		}
	}
	for _, bad := range []string{`[1]`, `{"field":5}`, `"x"`} {
		if json.Unmarshal([]byte(bad), new(plantext.Conditions)) == nil {
			t.Errorf("%s is a list of conditions", bad)
		}
	}
	for _, bad := range []string{`[1]`, `"x"`, `1`} {
		if json.Unmarshal([]byte(bad), new(plantext.MissingSpec)) == nil {
			t.Errorf("%s says whether a value may be missing", bad)
		}
	}
}

// TestDefaults: what a spec means where it says nothing.
func TestDefaults(t *testing.T) {
	t.Parallel()
	s := decode(t,
		"version: 1\nfields: [{name: n}, {name: s, kind: text}, {name: f, kind: flag}, {name: t, kind: time},\n"+
			"  {name: r, required: true}, {name: m, required: true, missing: true}, {name: k, missing: false},\n"+
			"  {name: p, on: [payment, refund]}]\nfeatures: [{name: n}, {name: s}, {name: both, kernel: sum, of: [n, "+
			"f]},\n"+
			"  {name: u, monotone: increasing}, {name: d, monotone: decreasing, categories: [a]}, {name: w, window: "+
			"v}]\n")
	kinds, missing, scored := "", "", ""
	for i := range s.Fields {
		f := &s.Fields[i]
		kinds += fmt.Sprint(f.ValueKind(), " ")
		missing += fmt.Sprint(f.AllowsMissing(), " ")
		scored += fmt.Sprint(s.Carries(f, "application"), " ")
	}
	kernels, inputs, signs := "", "", ""
	for i := range s.Features {
		f := &s.Features[i]
		kernels += s.KernelName(f) + " "
		inputs += fmt.Sprint(s.Inputs(f), " ")
		signs += fmt.Sprint(f.MonotoneSign(), f.Listed(), " ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"scored kind", s.ScoredKind(), "application"},
		{"kinds", kinds, "number text flag time number number number number "},
		{"may be missing", missing, "true true true true false true false true "},
		{"on the scored kind", scored, "true true true true true true true false "},
		{"kernels", kernels, "passthrough category sum passthrough passthrough passthrough "},
		{"inputs", inputs, "[n] [s] [n f] [u] [d] [] "},
		{"signs and lists", signs, "0 false 0 false 0 false 1 false -1 true 0 false "},
		{"names", strings.Join(s.InputNames(), " "), "n s f t r m k p n s both u d w"},
		{"fields", s.FieldList(), "n, s, f, t, r, m, k, p"},
		{"lateness without windows", s.WithDefaults().Lateness, ""},
	} {
		if strings.TrimSpace(c.got) != strings.TrimSpace(c.want) {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if p := &s.Fields[7]; !s.Carries(p, "refund") || s.Carries(p, "order") {
		t.Error("field p is on payments and refunds alone")
	}
	s.Event, s.Windows = "order", []plantext.WindowSpec{{Name: "v"}}
	if d := s.WithDefaults(); d.Lateness != plantext.DefaultLateness || s.Lateness != "" || d.ScoredKind() != "order" {
		t.Errorf("with windows: %q; the spec itself: %q", d.Lateness, s.Lateness)
	}
	if s.Lateness = "1h"; s.WithDefaults().Lateness != "1h" {
		t.Error("the default replaces what the plan says")
	}
	long := plantext.Spec{Fields: make([]plantext.FieldSpec, 31)}
	if list := long.FieldList(); !strings.HasSuffix(list, ", ...") || strings.Count(list, ",") != 30 {
		t.Errorf("31 fields are listed as %s", list)
	}
}

// TestReferences: what names refer to.
func TestReferences(t *testing.T) {
	t.Parallel()
	s := decode(t, "version: 1\nfields: [{name: a}, {name: b}, {name: c, kind: text}]\n"+
		"derived: [{name: d, kernel: ratio, of: [a, b]}, {name: e, kernel: sum, of: [d, a, event.time]}]\n"+
		"lookups: [{name: keyed, file: k.csv, key: k, value: v}, {name: dated, rows: [{from: 2024-01-01}]},\n"+
		"  {name: both, rows: [{key: x, from: 2024-01-01}]}]\n"+
		"windows: [{name: w, key: [buyer], value: e, member: c, where: {field: d, above: 0}, zone: Europe/Berlin}]\n"+
		"features: [{name: c, table: keyed}, {name: f, table: dated}, {name: g, table: both, of: c},\n"+
		"  {name: h, table: both, of: [c, a]}, {name: i, table: none, of: b}, {name: j, zone: UTC},\n"+
		"  {name: k, zone: Asia/Tokyo}, {name: l, zone: Europe/Berlin}]\n")
	var inputs []string
	for i := range 5 {
		inputs = append(inputs, fmt.Sprint(s.Inputs(&s.Features[i])))
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"field", s.FieldIndex("c"), 2}, {"no field", s.FieldIndex("d"), -1},
		{"feature", s.FeatureIndex("g"), 2}, {"derived", s.DerivedIndex("e"), 1},
		{"no derived", s.DerivedIndex("a"), -1},
		{"window", s.WindowIndex("w"), 0}, {"lookup", s.LookupIndex("both"), 2},
		{"no lookup", s.LookupIndex("none"), -1},
		{"fields of d", s.FieldsOfDerived("d"), []string{"a", "b"}},
		{"fields of e", s.FieldsOfDerived("e"), []string{"a", "b", "a"}},
		{"fields of a field", s.FieldsOfDerived("a"), []string(nil)},
		{"what w reads", s.WindowReads(0), []string{"buyer", "e", "c", "a", "b", "a", "d", "a", "b"}},
		{"inputs of lookups", inputs, []string{"[c]", "[event.time]", "[c event.time]", "[c a]", "[b]"}},
		{"zones", s.ZoneNames(), []string{"Asia/Tokyo", "Europe/Berlin"}},
		{"feature of a derived value", s.Derived[0].Feature(),
			&plantext.FeatureSpec{Name: "d", Kernel: "ratio", Of: plantext.Names{"a", "b"}}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	marks := plantext.FieldSpec{Missing: &plantext.MissingSpec{Marks: []string{"NA"}}}
	marks.MissingMarks()[0] = "changed"
	if got := marks.MissingMarks(); !slices.Equal(got, []string{"NA"}) {
		t.Errorf("a caller has changed the marks to %v", got)
	}
}

// TestRowsSince: from when the row of a lookup holds.
func TestRowsSince(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]int64{
		"": eventtime.All.First, "1970-01-01": 0, "1970-01-01T00:00:01Z": 1e6, "2201-01-01": -1, "soon": -1,
	} {
		us, ok := (&plantext.LookupRow{From: from}).Since()
		if ok != (want != -1) || ok && us != want {
			t.Errorf("%q: %d, %v, want %d", from, us, ok, want)
		}
	}
}

// TestShape: a window's length, hop and offset; a problem in each is reported.
func TestShape(t *testing.T) {
	t.Parallel()
	const day = 86_400e6
	for _, c := range []struct {
		w                   plantext.WindowSpec
		length, hop, offset int64
		problem             string
	}{
		{plantext.WindowSpec{Length: "30d"}, 30 * day, day, 0, ""},
		{plantext.WindowSpec{Length: "30d", Hop: "12h", Offset: "7d"}, 30 * day, day / 2, 7 * day, ""},
		{plantext.WindowSpec{Length: "1s"}, 1e6, 33333, 0, ""}, {plantext.WindowSpec{Length: "all"}, 0, 0, 0, ""},
		{plantext.WindowSpec{Length: "3", Offset: "1", Calendar: "month"}, 3, 0, 1, ""},
		{plantext.WindowSpec{Length: "4096h", Hop: "1h"}, 4096 * day / 24, day / 24, 0, ""},
		{plantext.WindowSpec{Length: "4096h", Hop: "1h", Offset: "1h"}, 0, 0, 0, "nor shorter than 1/4096"},
		{plantext.WindowSpec{Length: "1d", Hop: "2d"}, 0, 0, 0, "must not be longer than the window"},
		{plantext.WindowSpec{}, 0, 0, 0, "how long is the window?"},
		{plantext.WindowSpec{Length: "90"}, 0, 0, 0, `"90" is no length of time`},
		{plantext.WindowSpec{Length: "9d", Hop: "x"}, 0, 0, 0, `"x" is no length of time`},
		{plantext.WindowSpec{Length: "9d", Offset: "-1d"}, 0, 0, 0, `"-1d" is no length of time`},
		{plantext.WindowSpec{Length: "all", Offset: "1d"}, 0, 0, 0, "has no hop and no offset"},
		{plantext.WindowSpec{Length: "1", Calendar: "hour"}, 0, 0, 0, `calendar "hour" is not known`},
		{plantext.WindowSpec{Length: "1", Hop: "1d", Calendar: "day"}, 0, 0, 0, "has no hop"},
		{plantext.WindowSpec{Calendar: "day"}, 0, 0, 0, "how many of the calendar's units"},
		{plantext.WindowSpec{Length: "4097", Calendar: "day"}, 0, 0, 0, "want a whole number of at most 4096"},
		{plantext.WindowSpec{Length: "1", Offset: "-1", Calendar: "day"}, 0, 0, 0,
			"want a whole number of at most 4096"},
	} {
		length, hop, offset, err := c.w.Shape()
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%+v: got %v, want %s", c.w, err, c.problem)
			}
		} else if err != nil || length != c.length || hop != c.hop || offset != c.offset {
			t.Errorf("%+v: %d, %d, %d, %v", c.w, length, hop, offset, err)
		}
	}
}

func TestIsName(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"a": true, "días": true, "a b": true, strings.Repeat("x", assay.MaxNameBytes): true,
		"": false, " a": false, "a\n": false, "\xff": false, strings.Repeat("x", assay.MaxNameBytes+1): false,
	} {
		if plantext.IsName(s) != want {
			t.Errorf("%.20q is a name: %v, want %v", s, !want, want)
		}
	}
	if s := plantext.Shorten(strings.Repeat("ü", 41)); s != strings.Repeat("ü", 40)+"..." {
		t.Errorf("41 letters are cut to %s", s)
	}
	if s := strings.Repeat("ü", 40); plantext.Shorten(s) != s {
		t.Error("40 letters are cut")
	}
}

// FuzzDecode: a text is read, or refused with a *SpecError that is short; what
// was read is written as YAML that reads as the same spec.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"../../datasets/scf/plan.yaml", "../../datasets/credit/plan.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{"version: 1", "fields: [{name: x, missing: [NA, 1.5, null]}]", "a: &a [*a]",
		"windows: [{name: w, events: [a], where: {field: x, is: [a]}}]", "features: [{name: \"\\u0000\", of: ''}]",
		"lookups: [{name: l, rows: [{key: '1', from: 2024-01-01, value: 1e9}]}]", "---\n...\n", "name: |\n  a\n  b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := plantext.Decode(b)
		if err != nil {
			var se *plantext.SpecError
			if !errors.As(err, &se) || len(err.Error()) > 2000 {
				t.Fatalf("an error of another kind, or a long one: %v", err)
			}
			return
		}
		text := s.YAML()
		again, err := plantext.Decode(text)
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, text)
		}
		if !bytes.Equal(again.YAML(), text) {
			t.Fatalf("written twice, it differs:\n%s\n%s", text, again.YAML())
		}
	})
}
