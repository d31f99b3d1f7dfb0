// SPDX-License-Identifier: Apache-2.0

package plantext_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

func number(x float64) *float64 { return &x }

func decode(t *testing.T, text string) *plantext.Spec {
	t.Helper()
	s, err := plantext.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return s
}

// TestDecode: a text in, and the whole Spec out.
func TestDecode(t *testing.T) {
	t.Parallel()
	yes := true
	for _, c := range []struct {
		name, text string
		want       plantext.Spec
	}{
		{"version alone", "version: 1", plantext.Spec{Version: 1}},
		{"with a mark of its beginning", "---\nversion: 1\n", plantext.Spec{Version: 1}},
		{"JSON", `{"version": 1, "event": "order"}`, plantext.Spec{Version: 1, Event: "order"}},
		{"numbers as texts", "version: 1\nname: 5\nfields: [{name: 1, values: [1, 2.50, true]}]",
			plantext.Spec{Version: 1, Name: "5",
				Fields: []plantext.FieldSpec{{Name: "1", Values: []string{"1", "2.5", "true"}}}}},
		{"a date is a text", "fields: [{name: d, kind: time, earliest: 2000-01-01}]",
			plantext.Spec{Fields: []plantext.FieldSpec{{Name: "d", Kind: "time", Earliest: "2000-01-01"}}}},
		{"field", "fields:\n  - {name: x, min: 0, max: 1.5, outside: clip, required: true, optional: true, unit: " +
			"EUR,\n" +
			"     written: '1,0', sensitive: true, text: a}",
			plantext.Spec{Fields: []plantext.FieldSpec{{Name: "x", Min: number(0), Max: number(1.5), Outside: "clip",
				Required: true, Optional: true, Unit: "EUR", Written: "1,0", Sensitive: true, Text: "a"}}}},
		{"missing", "fields: [{name: a, missing: true}, {name: b, missing: false}, {name: c, missing: []},\n" +
			"  {name: d, missing: [NA, '', -999, 1.50, null, true]}]",
			plantext.Spec{Fields: []plantext.FieldSpec{{Name: "a", Missing: &plantext.MissingSpec{Allowed: true}},
				{Name: "b", Missing: &plantext.MissingSpec{}},
				{Name: "c", Missing: &plantext.MissingSpec{Allowed: true}},
				{Name: "d", Missing: &plantext.MissingSpec{Allowed: true,
					Marks: []string{"NA", "", "-999", "1.5", "null", "true"}}}}}},
		{"one input and many", "features: [{name: a, of: x}, {name: b, of: [x, y]}, {name: c, of: []}]",
			plantext.Spec{Features: []plantext.FeatureSpec{{Name: "a", Of: plantext.Names{"x"}},
				{Name: "b", Of: plantext.Names{"x", "y"}}, {Name: "c", Of: plantext.Names{}}}}},
		{"one condition and many", "windows: [{name: v, where: {field: x, above: 0}},\n" +
			"  {name: w, where: [{field: x, at_least: 1, at_most: 2}, {field: s, is: [a], not: [b], missing: true}]}]",
			plantext.Spec{Windows: []plantext.WindowSpec{
				{Name: "v", Where: plantext.Conditions{{Field: "x", Above: number(0)}}},
				{Name: "w", Where: plantext.Conditions{{Field: "x", AtLeast: number(1), AtMost: number(2)},
					{Field: "s", Is: []string{"a"}, Not: []string{"b"}, Missing: &yes}}}}}},
		{"events is on", "fields: [{name: x, events: [a]}]\nwindows: [{name: w, events: [a, b]}]",
			plantext.Spec{Fields: []plantext.FieldSpec{{Name: "x", On: []string{"a"}}},
				Windows: []plantext.WindowSpec{{Name: "w", On: []string{"a", "b"}}}}},
		{"lookup", "lookups: [{name: l, rows: [{key: a, from: 2024-01-01, value: 1}, {key: a}]}]",
			plantext.Spec{Lookups: []plantext.LookupSpec{{Name: "l", Rows: []plantext.LookupRow{
				{Key: "a", From: "2024-01-01", Value: number(1)}, {Key: "a"}}}}}},
		{"the rest",
			"label: {event: default, match: [b], horizon: 90d}\nclean: {duplicates: [a], outliers: {share: 0.1}}\n" +
				"groups: [{name: g, code: c, text: t}]\nderived: [{name: d, kernel: clip, of: x, bounds: [0, 1]}]",
			plantext.Spec{Label: &plantext.LabelSpec{Event: "default", Match: []string{"b"}, Horizon: "90d"},
				Clean:  &plantext.CleanSpec{Duplicates: []string{"a"}, Outliers: &plantext.OutlierSpec{Share: 0.1}},
				Groups: []plantext.GroupSpec{{Name: "g", Code: "c", Text: "t"}},
				Derived: []plantext.DerivedSpec{{Name: "d", Kernel: "clip", Of: plantext.Names{"x"},
					Bounds: []float64{0, 1}}}}},
	} {
		if got := decode(t, c.text).WithDefaults(); !sameSpec(got, &c.want) {
			t.Errorf("%s: got  %s\nwant %s", c.name, asJSON(got), asJSON(&c.want))
		}
	}
}

// sameSpec compares what was declared, with the default lateness set aside.
func sameSpec(a, b *plantext.Spec) bool {
	return reflect.DeepEqual(a, b.WithDefaults())
}

func asJSON(s *plantext.Spec) string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestDecodeErrors: what is no plan's text, with its place and a hint.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"empty", "",
			`plan: the text is empty; docs/plan.md shows a plan`},
		{"comment", "# a plan\n",
			`plan: the text is empty; docs/plan.md shows a plan`},
		{"two documents", "version: 1\n---\nversion: 1\n",
			`plan: 2 YAML documents, want one`},
		{"a list", "- version: 1\n",
			`plan: line 1, column 1: sequence was used where mapping is expected`},
		{"a text", "version\n",
			`plan: line 1, column 1: string was used where mapping is expected`},
		{"syntax", "version: 1\nfields: [\n",
			`plan: line 2, column 9: sequence end token ']' not found`},
		{"tab", "version: 1\nfields:\n\t- name: x\n",
			`plan: line 3, column 1: found character '	' that cannot start any token`},
		{"a byte for a number", "version: \xff\n",
			`plan: line 1, column 10: cannot unmarshal string into Go struct field Spec.Version of type int`},
		{"twice", "version: 1\nversion: 2\n",
			`plan: line 2, column 1: mapping key "version" already defined at [1:1]`},
		{"key", "version: 1\nfeilds: []\n",
			`plan: line 2, column 1: unknown field "feilds"; did you mean "fields"?; docs/plan.md lists the keys`},
		{"key without a near one", "version: 1\nzzzzzz: []\n",
			`plan: line 2, column 1: unknown field "zzzzzz"; docs/plan.md lists the keys`},
		{"key of a field", "version: 1\nfields:\n  - name: x\n    maximum: 5\n  - name: y\n    requierd: true\n",
			`plan: line 4, column 5: unknown field "maximum"; docs/plan.md lists the keys`},
		{"key of a condition", "windows: [{name: w, where: {field: x, abov: 1}}]\n",
			`plan: line 1, column 39: unknown field "abov"; did you mean "above"?; docs/plan.md lists the keys`},
		{"key of a condition in a list", "windows: [{name: w, where: [{field: x}, {feild: x}]}]\n",
			`plan: line 1, column 42: unknown field "feild"; did you mean "field"?; docs/plan.md lists the keys`},
		{"key of a row", "lookups: [{name: l, rows: [{key: a, form: 2024-01-01}]}]\n",
			`plan: line 1, column 37: unknown field "form"; did you mean "from"?; docs/plan.md lists the keys`},
		{"wrong type", "version: one\n",
			`plan: line 1, column 10: cannot unmarshal string into Go struct field Spec.Version of type int`},
		{"text for a flag", "fields: [{name: x, required: maybe}]\n",
			`plan: line 1, column 30: cannot unmarshal string into Go struct field Spec.Fields of type bool`},
		{"list for a text", "fields: [{name: [x]}]\n",
			`plan: line 1, column 17: cannot unmarshal []interface {} into Go struct field Spec.Fields of type string`},
		{"map for a list", "fields: {name: x}\n",
			`plan: line 1, column 9: mapping was used where sequence is expected`},
		{"map of inputs", "features: [{name: x, of: {a: b}}]\n",
			`plan: line 1, column 26: mapping was used where sequence is expected`},
		{"text for a number", "features: [{name: x, bounds: [low, 1]}]\n",
			`plan: line 1, column 31: cannot unmarshal string into Go struct field Spec.Features of type float64`},
		{"too large", "windows: [{name: w, members: 99999999999999999999}]\n",
			`plan: line 1, column 30: cannot unmarshal 99999999999999999999 into Go value of type int ( overflow )`},
		{"missing", "fields: [{name: x, missing: never}]\n",
			`plan: missing wants true, false, or a list of texts and numbers that mean no value`},
		{"missing of lists", "fields: [{name: x, missing: [[NA]]}]\n",
			`plan: missing wants texts and numbers in its list`},
		{"on and events of a field", "fields: [{name: x, on: [a], events: [b]}]\n",
			`plan: line 1, column 37 (fields[0].events): on and events are two names for the same; write one of them`},
		{"on and events of a window", "windows: [{name: w}, {name: v, on: [a], events: [a]}]\n",
			`plan: line 1, column 49 (windows[1].events): on and events are two names for the same; write one of them`},
		{"anchor", "version: 1\nfields: &f []\n",
			`plan: line 2, column 9: anchors, aliases, merge keys and tags are not allowed; write the value out`},
		{"alias", "version: 1\nfields: &f []\nfeatures: *f\n",
			`plan: line 2, column 9: anchors, aliases, merge keys and tags are not allowed; write the value out`},
		{"tag", "version: !!str 1\n",
			`plan: line 1, column 10: anchors, aliases, merge keys and tags are not allowed; write the value out`},
		{"merge", "version: 1\nlabel: {<<: {column: a}}\n",
			`plan: line 2, column 9: anchors, aliases, merge keys and tags are not allowed; write the value out`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := plantext.Decode([]byte(c.text))
			checkError(t, err, c.want)
		})
	}
}

// checkError asserts that err is a *plantext.SpecError with this whole text.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	var se *plantext.SpecError
	if !errors.As(err, &se) || !errors.Is(err, assay.ErrInvalid) {
		t.Fatalf("got %v, want a *plantext.SpecError that matches assay.ErrInvalid", err)
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// TestBombs: texts that would cost much more than their length are refused
// before they are decoded, with a short message.
func TestBombs(t *testing.T) {
	t.Parallel()
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'k'; i++ {
		prior := fmt.Sprintf("*%c", i-1)
		laughs += fmt.Sprintf("%c: &%c [%s]\n", i, i, strings.Repeat(prior+", ", 9)+prior)
	}
	for _, c := range []struct{ name, text, want string }{
		{"bytes", "name: " + strings.Repeat("x", 2<<20), "bytes"},
		{"lines", strings.Repeat("# x\n", 100_001), "lines"},
		{"nodes", "fields: [" + strings.Repeat("{name: x},", 70_000) + "]", "values"},
		{"depth of lists", "fields: " + strings.Repeat("[", 100_000), "nested more than 32 deep"},
		{"depth of maps", "fields: " + strings.Repeat("{a: ", 1000), "nested more than 32 deep"},
		{"keys", strings.Repeat("name: x\n", 300), "a map of more than 200 lines"},
		{"aliases", laughs, "stands for more than"},
		{"documents", strings.Repeat("---\nversion: 1\n", 1000), "more than one YAML document"},
	} {
		_, err := plantext.Decode([]byte(c.text))
		var se *plantext.SpecError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v, want ... %s ... in at most 500 bytes", c.name, err, c.want)
		}
	}
}

// TestErrorAt: the place in the text of what a path names, or of the nearest
// node above it that is there.
func TestErrorAt(t *testing.T) {
	t.Parallel()
	s := decode(t, "version: 1\nfields:\n  - name: x\n    values: [a, b]\n  - {name: y}\nlabel: {column: z}\n")
	for path, want := range map[string]string{
		"$.version":             "plan: line 1, column 10 (version): p 5; h",
		"$.fields[0]":           "plan: line 3, column 5 (fields[0]): p 5; h",
		"$.fields[0].values[1]": "plan: line 4, column 17 (fields[0].values[1]): p 5; h",
		"$.fields[0].values[7]": "plan: line 4, column 13 (fields[0].values[7]): p 5; h",
		"$.fields[1].min":       "plan: line 5, column 6 (fields[1].min): p 5; h",
		"$.label.column":        "plan: line 6, column 17 (label.column): p 5; h",
		"$.windows[3].key":      "plan: line 1, column 1 (windows[3].key): p 5; h",
		"":                      "plan: p 5; h",
	} {
		if got := s.ErrorAt(path, "h", "p %d", 5).Error(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	made := plantext.Spec{}
	if got := made.ErrorAt("$.fields", "", "p").Error(); got != "plan (fields): p" {
		t.Errorf("a spec that was not read: %s", got)
	}
}
