// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

var nan = math.NaN()

// fit fits a kernel over texts to raw codes, and verifies what it learned.
func fit(t *testing.T, kernel string, spec plantext.FeatureSpec, texts [][]string, in ...[]float64) *Learned {
	t.Helper()
	k := mustNamed(t, kernel)
	l := &Learned{Spec: &spec}
	if err := k.Fit(&Fitting{Spec: &spec, Learned: l, In: in, Texts: texts}); err != nil {
		t.Fatalf("%s: %v", kernel, err)
	}
	var sizes []int
	for _, dictionary := range texts {
		sizes = append(sizes, len(dictionary))
	}
	if err := k.Verify(l, sizes); err != nil {
		t.Fatalf("%s: what Fit learned is refused: %v", kernel, err)
	}
	return l
}

// apply returns what a kernel makes of columns.
func apply(t *testing.T, kernel string, l *Learned, in ...[]float64) []float64 {
	t.Helper()
	k := mustNamed(t, kernel)
	out := make([]float64, len(in[0]))
	k.Apply(out, in, l)
	return out
}

func same(a, b float64) bool { return a == b || a != a && b != b }

// TestFitCategory: the most frequent texts are kept, in the dictionary's order, and the rest are pooled.
func TestFitCategory(t *testing.T) {
	t.Parallel()
	texts := [][]string{{"a", "b", "c", "d"}} // seen 1, 3, 2 and 3 times
	in := []float64{1, 3, 2, 0, 1, 3, nan, 1, 3, 2, Unknown, Unknown}
	for _, c := range []struct {
		spec       plantext.FeatureSpec
		categories []string
		counts     []int64
		codes      []float64 // of a, b, c, d, an unknown text and none
	}{
		{plantext.FeatureSpec{MinCount: 1}, []string{"a", "b", "c", "d"}, []int64{1, 3, 2, 3, 2},
			[]float64{0, 1, 2, 3, 4, nan}},
		{plantext.FeatureSpec{MinCount: 2}, []string{"b", "c", "d"}, []int64{3, 2, 3, 3},
			[]float64{3, 0, 1, 2, 3, nan}},
		{plantext.FeatureSpec{MinCount: 1, MaxCategories: 2}, []string{"b", "d"}, []int64{3, 3, 5},
			[]float64{2, 0, 2, 1, 2, nan}},
		{plantext.FeatureSpec{MinCount: 1, MaxCategories: 1}, []string{"b"}, []int64{3, 8},
			[]float64{1, 0, 1, 1, 1, nan}}, // of equals the first
		{plantext.FeatureSpec{}, []string{}, []int64{11}, []float64{0, 0, 0, 0, 0, nan}}, // none is seen 20 times
	} {
		l := fit(t, "category", c.spec, texts, in)
		if !slices.Equal(l.Categories, c.categories) || !slices.Equal(l.Counts, c.counts) {
			t.Errorf("%+v: categories %q with counts %v, want %q with %v", c.spec, l.Categories, l.Counts,
				c.categories, c.counts)
		}
		if got := apply(t, "category", l, []float64{0, 1, 2, 3, Unknown, nan}); !slices.EqualFunc(got, c.codes, same) {
			t.Errorf("%+v: codes %v, want %v", c.spec, got, c.codes)
		}
		if got := apply(t, "category", l, []float64{99}); got[0] != float64(len(c.categories)) {
			t.Errorf("%+v: a raw code beyond the table becomes %v, want the last category", c.spec, got[0])
		}
	}
}

// TestDefaultMinCount: a text seen 20 times is a category, one seen 19 times is not; its frequency is kept.
func TestDefaultMinCount(t *testing.T) {
	t.Parallel()
	in := slices.Concat(slices.Repeat([]float64{0}, 20), slices.Repeat([]float64{1}, 19), []float64{nan})
	texts := [][]string{{"often", "rare"}}
	if l := fit(t, "category", plantext.FeatureSpec{}, texts, in); !slices.Equal(l.Categories, []string{"often"}) {
		t.Errorf("the categories are %q", l.Categories)
	}
	if l := fit(t, "frequency", plantext.FeatureSpec{}, texts, in); !slices.Equal(l.Table, []float64{0.5, 19.0 / 40}) {
		t.Errorf("the frequencies are %v", l.Table)
	}
	l := fit(t, "frequency", plantext.FeatureSpec{MinCount: 20}, texts, in)
	want := []float64{0.5, 0, 0, nan}
	if got := apply(t, "frequency", l, []float64{0, 1, Unknown, nan}); !slices.EqualFunc(got, want, same) {
		t.Errorf("frequencies %v, want %v", got, want)
	}
}

// TestFitCross compares the categories of pairs, and their codes, with a count by a map.
func TestFitCross(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	texts := [][]string{{"a", "b", "c"}, {"u", "v", "w", "x"}}
	draw := func(n int) float64 {
		switch c := rng.IntN(n + 2); {
		case c == n:
			return Unknown
		case c > n:
			return nan
		default:
			return float64(c)
		}
	}
	var first, second []float64
	counts, filled := map[[2]float64]int64{}, int64(0)
	for range 300 {
		a, b := draw(3), draw(4)
		first, second = append(first, a), append(second, b)
		if a == a && b == b {
			filled++
		}
		if a >= 0 && b >= 0 {
			counts[[2]float64{a, b}]++
		}
	}
	const least = 11
	l := fit(t, "cross", plantext.FeatureSpec{MinCount: least}, texts, first, second)
	codes := apply(t, "cross", l, first, second)
	var kept int64
	for i, code := range codes {
		a, b := first[i], second[i]
		switch n := counts[[2]float64{a, b}]; {
		case a != a || b != b:
			if code == code {
				t.Fatalf("the pair of %v and %v becomes %v, want a missing value", a, b, code)
			}
		case a < 0 || b < 0 || n < least:
			if code != float64(len(l.Categories)) {
				t.Fatalf("the pair of %v and %v, seen %d times, becomes %v, want the last category", a, b, n, code)
			}
		default:
			kept++
			if want := texts[0][int(a)] + " & " + texts[1][int(b)]; l.Categories[int(code)] != want ||
				l.Counts[int(code)] != n {
				t.Fatalf("the pair %q becomes %q of %d rows, want %d", want, l.Categories[int(code)],
					l.Counts[int(code)], n)
			}
		}
	}
	if rest := l.Counts[len(l.Counts)-1]; rest != filled-kept || len(l.Categories) < 3 || len(l.Categories) > 11 {
		t.Errorf("%d rows are of the last category, want %d; %d categories", rest, filled-kept, len(l.Categories))
	}
	if got := apply(t, "cross", l, []float64{2, 7}, []float64{9, 0}); got[0] != *l.Other || got[1] != *l.Other {
		t.Errorf("raw codes beyond the dictionaries become %v, want the last category", got)
	}
}

// TestFitRefuses: training data from which nothing can be learned is an error that says why.
func TestFitRefuses(t *testing.T) {
	t.Parallel()
	few, many := [][]string{{"a", "b"}}, make([]string, 1<<11+1)
	for _, c := range []struct {
		kernel string
		f      Fitting
		says   string
	}{
		{"clip", Fitting{Spec: &plantext.FeatureSpec{Quantiles: []float64{0, 1}}, In: [][]float64{{nan, nan}}},
			"no training row has a value"},
		{"clip", Fitting{Spec: &plantext.FeatureSpec{Quantiles: []float64{0, 1}}, In: [][]float64{{}}},
			"no training row has a value"},
		{"cross", Fitting{Spec: &plantext.FeatureSpec{}, In: [][]float64{{}, {}}, Texts: [][]string{many, many}},
			"2049 x 2049 texts are too many to cross"},
		{"woe", Fitting{Spec: &plantext.FeatureSpec{}, In: [][]float64{{0, 1}}, Texts: few}, "no label column"},
		{"woe", Fitting{Spec: &plantext.FeatureSpec{}, In: [][]float64{{0, 1}}, Texts: few, Labels: []float64{0, 0}},
			"all good or all bad"},
		{"target_mean", Fitting{Spec: &plantext.FeatureSpec{}, In: [][]float64{{0, 1}}, Texts: few,
			Labels: []float64{1, 1}}, "all good or all bad"},
		// all rows have both outcomes; those outside of fold 0 do not
		{"target_mean", Fitting{Spec: &plantext.FeatureSpec{Folds: 2}, In: [][]float64{{0, 1, 0, 1}}, Texts: few,
			Labels: []float64{0, 1, 0, 1}}, "all good or all bad"},
	} {
		k := mustNamed(t, c.kernel)
		c.f.Learned = new(Learned)
		err := k.Fit(&c.f)
		if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.kernel, err, c.says)
		}
	}
}

// TestEncodingOfRareTexts: texts that are all too rare share one value, which unknown texts get as well.
func TestEncodingOfRareTexts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"woe", "target_mean"} {
		k := mustNamed(t, name)
		f := Fitting{Spec: &plantext.FeatureSpec{Smoothing: 1, Folds: 2}, Learned: new(Learned),
			Texts: [][]string{{"a", "b"}}, In: [][]float64{{0, 1, 0, 1, nan, Unknown}},
			Labels: []float64{1, 0, 0, 1, 1, 0}}
		if err := k.Fit(&f); err != nil {
			t.Fatal(err)
		}
		want := (2 + 0.5) / (5 + 1.0) // five rows have a text, two of them are bad
		if name == "woe" {
			want = math.Log((2 + 0.5) / (3 + 1) / ((3 + 0.5) / (3 + 1)))
		}
		for _, got := range append(slices.Clone(f.Learned.Table), *f.Learned.Other) {
			if math.Abs(got-want) > 1e-15 {
				t.Errorf("%s: a rare text gets %v, want %v", name, got, want)
			}
		}
		if x := f.OutOfFold[4]; x == x {
			t.Errorf("%s: a row without a text gets %v, want a missing value", name, x)
		}
	}
}

// TestLearnedSurvivesJSON: what a file holds of a fitted kernel gives the same bits as the kernel that was fitted.
func TestLearnedSurvivesJSON(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 9))
	dictionary := []string{"a", "b", "c", "d", "e"}
	for _, k := range All() {
		if k.Fit == nil || k.Member {
			continue
		}
		f := &Fitting{Spec: &plantext.FeatureSpec{MinCount: 9, Folds: 2}, Learned: new(Learned)}
		if k.Name == "clip" {
			f.Spec = &plantext.FeatureSpec{Quantiles: []float64{0.2, 0.8}}
		}
		sizes := []int{len(dictionary), len(dictionary)}[:k.MaxInputs]
		for range k.MaxInputs {
			var column []float64
			for range 200 {
				column = append(column, float64(rng.IntN(7)-1))
			}
			for i, c := range column {
				if c == 5 {
					column[i] = nan
				}
			}
			f.In, f.Texts = append(f.In, column), append(f.Texts, dictionary)
		}
		for range 200 {
			f.Labels = append(f.Labels, float64(rng.IntN(2)))
		}
		f.Learned.Spec = f.Spec
		if err := k.Fit(f); err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		if err := k.Verify(f.Learned, sizes); err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		b, err := json.Marshal(f.Learned)
		if err != nil {
			t.Fatal(err)
		}
		read := &Learned{Spec: f.Spec}
		if err := json.Unmarshal(b, read); err != nil {
			t.Fatal(err)
		}
		if err := k.Verify(read, sizes); err != nil {
			t.Fatalf("%s: what was read is refused: %v\n%s", k.Name, err, b)
		}
		want, got := apply(t, k.Name, f.Learned, f.In...), apply(t, k.Name, read, f.In...)
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("%s: after JSON %v, want %v", k.Name, fmt.Sprint(got), want)
		}
	}
}
