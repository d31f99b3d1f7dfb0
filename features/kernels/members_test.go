// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// reading is what a window says of members with these sums and numbers of events, in the order of their hashes.
func reading(sums, counts map[string]float64) *window.Reading {
	list := func(weights map[string]float64) (out []window.MemberSum, total float64) {
		for m, w := range weights {
			out, total = append(out, window.MemberSum{Member: window.Hash(m), Weight: w}), total+w
		}
		slices.SortFunc(out, func(a, b window.MemberSum) int {
			if a.Member < b.Member {
				return -1
			}
			return 1
		})
		return out, total
	}
	r := &window.Reading{Seen: true}
	r.Sums, r.Sum = list(sums)
	r.Counts, r.Count = list(counts)
	return r
}

// read reads a kernel whose members are the categories texts.
func read(t *testing.T, kernel string, r *window.Reading, spec plantext.FeatureSpec, texts ...string) float64 {
	t.Helper()
	k := mustNamed(t, kernel)
	l := &Learned{Spec: &spec}
	l.BindMembers(texts)
	return k.Read(r, 0, l)
}

// TestConcentration: edges of the kernels over sums of members.
func TestConcentration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kernel string
		sums   map[string]float64
		k      int
		want   float64
	}{
		{"hhi", map[string]float64{"a": 5}, 0, 1},
		{"hhi", map[string]float64{"a": 5, "b": 5, "c": 5, "d": 5}, 0, 0.25},
		{"hhi", map[string]float64{"a": 0, "b": 0}, 0, nan},
		{"hhi", map[string]float64{"a": 1, "b": -2}, 0, nan},
		{"hhi", map[string]float64{"a": 3, "b": -1}, 0, 2.5}, // (3/2)^2 + (-1/2)^2
		{"entropy", map[string]float64{"a": 5}, 0, 0},
		{"entropy", map[string]float64{"a": 5, "b": 0}, 0, 0},
		{"entropy", map[string]float64{"a": 2, "b": 2, "c": 2}, 0, math.Log(3)},
		{"entropy", map[string]float64{"a": 3, "b": -1}, 0, nan},
		{"entropy", map[string]float64{"a": -3, "b": 1}, 0, nan},
		{"top_share", map[string]float64{"a": 1, "b": 2, "c": 5}, 0, 5. / 8},
		{"top_share", map[string]float64{"a": 1, "b": 2, "c": 5}, 2, 7. / 8},
		{"top_share", map[string]float64{"a": 1, "b": 2, "c": 5}, 9, 1},
		{"top_share", map[string]float64{"a": 3, "b": -1}, 1, 1.5},
		{"top_share", map[string]float64{"a": 0}, 1, nan},
	} {
		r := reading(c.sums, nil)
		before := slices.Clone(r.Sums)
		if got := read(t, c.kernel, r, plantext.FeatureSpec{K: c.k}); !near(got, c.want) {
			t.Errorf("%s with k = %d of %v: %v, want %v", c.kernel, c.k, c.sums, got, c.want)
		}
		if !slices.Equal(r.Sums, before) {
			t.Errorf("%s leaves the reading's sums in another order", c.kernel)
		}
	}
}

// TestCountOf: names that are listed twice count once, names that nobody has count nothing.
func TestCountOf(t *testing.T) {
	t.Parallel()
	counts := map[string]float64{"a": 3, "b": 2, "c": 5}
	for _, c := range []struct {
		is   []string
		want float64
	}{
		{[]string{"a"}, 3}, {[]string{"a", "a"}, 3}, {[]string{"c", "b"}, 7}, {[]string{"z"}, 0},
		{[]string{"a", "z", "b", "c"}, 10},
	} {
		spec := plantext.FeatureSpec{Is: c.is}
		if got := read(t, "count_of", reading(nil, counts), spec); got != c.want {
			t.Errorf("count_of %q is %v, want %v", c.is, got, c.want)
		}
		if got := read(t, "share_of", reading(nil, counts), spec); got != c.want/10 {
			t.Errorf("share_of %q is %v, want %v", c.is, got, c.want/10)
		}
	}
}

// TestForgottenMembersAreMissing: a window whose members were all forgotten says nothing of them, and one without
// events says what the table of kernels promises.
func TestForgottenMembersAreMissing(t *testing.T) {
	t.Parallel()
	spec := plantext.FeatureSpec{Is: []string{"a"}, K: 2}
	empty := &window.Reading{}
	empty.Share = nan
	forgotten := &window.Reading{Seen: true, Count: 4, Sum: 10}
	for kernel, want := range map[string]float64{"top_share": nan, "hhi": nan, "entropy": nan, "count_of": 0,
		"share_of": nan, "mode": nan, "latest_text": nan, "earliest_text": nan} {
		if got := read(t, kernel, empty, spec, "a"); !same(got, want) {
			t.Errorf("%s of a window without events is %v, want %v", kernel, got, want)
		}
		if kernel == "latest_text" || kernel == "earliest_text" {
			continue // panes hold these members, nothing forgets them
		}
		if got := read(t, kernel, forgotten, spec, "a"); got == got {
			t.Errorf("%s of forgotten members is %v, want a missing value", kernel, got)
		}
	}
}

// TestMode: the member of most events; of equals the one with the smaller hash; of no category the last code.
func TestMode(t *testing.T) {
	t.Parallel()
	first, second := "a", "b"
	if window.Hash(second) < window.Hash(first) {
		first, second = second, first
	}
	for _, c := range []struct {
		counts map[string]float64
		want   float64
	}{
		{map[string]float64{first: 1, second: 2}, 1},
		{map[string]float64{first: 2, second: 2}, 0},
		{map[string]float64{first: 2, second: 2, "x": 3}, 2}, // x has no category
	} {
		if got := read(t, "mode", reading(nil, c.counts), plantext.FeatureSpec{}, first, second); got != c.want {
			t.Errorf("the mode of %v has the code %v, want %v", c.counts, got, c.want)
		}
	}
	r := &window.Reading{Seen: true}
	r.FirstMember, r.LastMember = window.Hash("b"), window.Hash("x")
	if got := read(t, "earliest_text", r, plantext.FeatureSpec{}, "a", "b"); got != 1 {
		t.Errorf("the earliest member has the code %v, want 1", got)
	}
	if got := read(t, "latest_text", r, plantext.FeatureSpec{}, "a", "b"); got != 2 {
		t.Errorf("a member without a category has the code %v, want 2", got)
	}
}

// TestFitMember: members that training rows read too seldom are pooled, in the column as well.
func TestFitMember(t *testing.T) {
	t.Parallel()
	k := mustNamed(t, "mode")
	texts := []string{"a", "b", "c", "never"}
	f := &Fitting{Spec: &plantext.FeatureSpec{MinCount: 2}, Texts: [][]string{texts},
		Out: []float64{2, 0, nan, 2, 1, 0, 2}}
	f.Learned = &Learned{Spec: f.Spec}
	if err := k.Fit(f); err != nil {
		t.Fatal(err)
	}
	if err := k.Verify(f.Learned, nil); err != nil {
		t.Errorf("what Fit learned is refused: %v", err)
	}
	if l := f.Learned; !slices.Equal(l.Categories, []string{"a", "c"}) || !slices.Equal(l.Counts, []int64{2, 3, 1}) {
		t.Errorf("categories %q with counts %v", l.Categories, l.Counts)
	}
	if want := []float64{1, 0, nan, 1, 2, 0, 1}; !slices.EqualFunc(f.Out, want, same) {
		t.Errorf("the column becomes %v, want %v", f.Out, want)
	}
	for text, want := range map[string]float64{"a": 0, "c": 1, "b": 2, "never": 2, "a stranger": 2} {
		if got := f.Learned.memberCode(window.Hash(text), true); got != want {
			t.Errorf("%q has the code %v, want %v", text, got, want)
		}
	}
	if got := f.Learned.memberCode(window.Hash("a"), false); got == got {
		t.Errorf("a window without events has the code %v", got)
	}
}
