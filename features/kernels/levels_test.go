// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

func TestReadLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind assay.ValueKind
		text string
		want float64
		says string
	}{
		{assay.Flag, "false", 0, ""},
		{assay.Flag, "true", 1, ""},
		{assay.Flag, "1", 0, "want false or true"},
		{assay.Flag, "True", 0, "want false or true"},
		{assay.Flag, "", 0, "want false or true"},
		{assay.Number, "-2.5e3", -2500, ""},
		{assay.Number, "0", 0, ""},
		{assay.Number, "true", 0, "want a finite number"},
		{assay.Number, "", 0, "want a finite number"},
		{assay.Number, "1e999", 0, "want a finite number"},
		{assay.Number, "Inf", 0, "want a finite number"},
		{assay.Number, "NaN", 0, "want a finite number"},
	} {
		got, err := ReadLevel(c.kind, c.text)
		switch {
		case c.says == "" && (err != nil || got != c.want):
			t.Errorf("%q is %v (%v), want %v", c.text, got, err, c.want)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: error %v, want one that says %q", c.text, err, c.says)
		}
	}
}

// TestLevels: a number's code is its place in the list, in whatever order the list is.
func TestLevels(t *testing.T) {
	t.Parallel()
	listed := []string{"30", "-1", "0", "7.5", "1e3"}
	l := NewLevels(assay.Number, listed)
	const other = 99
	for code, text := range listed {
		x, err := ReadLevel(assay.Number, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Code(x, other); got != float64(code) {
			t.Errorf("%s has the code %v, want %d", text, got, code)
		}
		for _, neighbour := range []float64{math.Nextafter(x, 1e9), math.Nextafter(x, -1e9)} {
			if got := l.Code(neighbour, other); got != other {
				t.Errorf("%v, which is not listed, has the code %v", neighbour, got)
			}
		}
	}
	if got := l.Code(math.Copysign(0, -1), other); got != 2 {
		t.Errorf("a negative zero has the code %v, want that of 0", got)
	}
	for _, x := range []float64{math.Inf(1), math.Inf(-1)} {
		if got := l.Code(x, other); got != other {
			t.Errorf("%v has the code %v", x, got)
		}
	}
	if got := l.Code(nan, other); got == got {
		t.Errorf("a missing value has the code %v", got)
	}
	flags := NewLevels(assay.Flag, []string{"true", "false"})
	if flags.Code(1, other) != 0 || flags.Code(0, other) != 1 {
		t.Error("the codes of flags are not their places in the list")
	}
}

// TestListedNumbers: a list of numbers has its codes and counts, and unlisted numbers become what the plan says.
func TestListedNumbers(t *testing.T) {
	t.Parallel()
	in := []float64{3, 8, 8, 5, nan, 3, 3, 4}
	for unknown, want := range map[string][]float64{
		"":        {1, 0, 0, 2, nan, 1, 1, 2},
		"other":   {1, 0, 0, 2, nan, 1, 1, 2},
		"missing": {1, 0, 0, nan, nan, 1, 1, nan},
	} {
		spec := &plantext.FeatureSpec{Categories: []string{"8", "3"}, Unknown: unknown}
		l := &Learned{Spec: spec, Levels: NewLevels(assay.Number, spec.Categories)}
		if err := fitCategory(&Fitting{Spec: spec, Learned: l, In: [][]float64{in}}); err != nil {
			t.Fatal(err)
		}
		if err := verifyCategory(l, nil); err != nil {
			t.Errorf("unknown %q: %v", unknown, err)
		}
		if want := []int64{2, 3, 2}; !slices.Equal(l.Counts, want) || l.Table != nil {
			t.Errorf("unknown %q: counts %v, want %v; table %v", unknown, l.Counts, want, l.Table)
		}
		if got := apply(t, "category", l, in); !slices.EqualFunc(got, want, same) {
			t.Errorf("unknown %q: codes %v, want %v", unknown, got, want)
		}
	}
}

// TestListedTexts: a list of texts has its codes, and keeps texts that no training row has.
func TestListedTexts(t *testing.T) {
	t.Parallel()
	spec := plantext.FeatureSpec{Categories: []string{"south", "north", "nowhere"}, Unknown: "missing"}
	dictionary := [][]string{{"east", "north", "south"}}
	l := fit(t, "category", spec, dictionary, []float64{0, 1, 1, 2, nan, Unknown})
	if want := []int64{1, 2, 0, 2}; !slices.Equal(l.Counts, want) {
		t.Errorf("counts %v, want %v", l.Counts, want)
	}
	want := []float64{nan, 1, 0, nan, nan}
	if got := apply(t, "category", l, []float64{0, 1, 2, Unknown, nan}); !slices.EqualFunc(got, want, same) {
		t.Errorf("codes %v, want %v", got, want)
	}
	l.Spec.Categories = []string{"north", "south", "nowhere"}
	if verifyCategory(l, []int{3}) == nil {
		t.Error("a dictionary in another order than the plan's list was accepted")
	}
}

// TestLookupShapes: tables without keys, without dates, and with neither.
func TestLookupShapes(t *testing.T) {
	t.Parallel()
	spans := [][2]int32{{0, 2}, {2, 2}, {2, 3}} // the second key has no row
	for _, c := range []struct {
		name     string
		table    LookupTable
		in, want []float64
		times    []float64
	}{
		{"dates alone", LookupTable{Dated: true, From: []int64{10, 20, 30}, Values: []float64{1, 2, 3}}, nil,
			[]float64{nan, 1, 1, 2, 3, nan}, []float64{9, 10, 19, 20, 1e15, nan}},
		{"keys alone", LookupTable{Keyed: true, From: []int64{0, 0, 0}, Values: []float64{1, 2, 3}, ByCode: spans},
			[]float64{0, 1, 2, 3, Unknown, nan}, []float64{2, nan, 3, nan, nan, nan}, nil},
		{"both", LookupTable{Keyed: true, Dated: true, From: []int64{10, 20, 5}, Values: []float64{1, nan, 3},
			ByCode: spans}, []float64{0, 0, 0, 1, 2, 2, nan}, []float64{nan, 1, nan, nan, nan, 3, nan},
			[]float64{9, 19, 20, 20, 4, 5, 20}},
		{"no rows", LookupTable{Dated: true}, nil, []float64{nan}, []float64{5}},
	} {
		var in [][]float64
		for _, column := range [][]float64{c.in, c.times} {
			if column != nil {
				in = append(in, column)
			}
		}
		got := apply(t, "lookup", &Learned{Lookup: &c.table}, in...)
		if !slices.EqualFunc(got, c.want, same) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
