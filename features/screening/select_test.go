// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// twoColumns is a matrix of 100 rows, a feature that ranks the bad rows last and
// its negative, and labels that are bad from row 60 on.
func twoColumns() (*features.Matrix, []features.FeatureInfo, []float64) {
	m := &features.Matrix{Rows: 100, Columns: [][]float64{make([]float64, 100), make([]float64, 100)}}
	labels := make([]float64, 100)
	for i := range 100 {
		m.Columns[0][i], m.Columns[1][i] = float64(i), -float64(i)
		if i >= 60 {
			labels[i] = 1
		}
	}
	return m, []features.FeatureInfo{{Name: "up"}, {Name: "down"}}, labels
}

func TestSelectRefusals(t *testing.T) {
	t.Parallel()
	m, infos, labels := twoColumns()
	for _, c := range []struct {
		what   string
		infos  []features.FeatureInfo
		labels []float64
		train  []int
		want   string
	}{
		{"a name too few", infos[:1], labels, span(0, 100), "1 features, 2 columns; 100 labels, 100 rows"},
		{"a label too few", infos, labels[:99], span(0, 100), "2 features, 2 columns; 99 labels, 100 rows"},
		{"all good", infos, labels, span(0, 60), "the training rows are all good or all bad"},
		{"all bad", infos, labels, span(60, 100), "the training rows are all good or all bad"},
		{"no rows", infos, labels, nil, "the training rows are all good or all bad"},
	} {
		_, err := Select(c.infos, m, c.labels, c.train, nil, Config{})
		if !errors.Is(err, assay.ErrInvalid) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
}

// TestSelectUnlabelled: rows without a label count neither for the information
// value nor for the share of missing values.
func TestSelectUnlabelled(t *testing.T) {
	t.Parallel()
	m, infos, labels := twoColumns()
	want, err := Select(infos, m, labels, span(10, 90), nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if i < 10 || i >= 90 {
			labels[i], m.Columns[0][i] = math.NaN(), math.NaN()
		}
	}
	got, err := Select(infos, m, labels, span(0, 100), nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].IV != want[i].IV || got[i].Missing != 0 || got[i].PSI == got[i].PSI {
			t.Errorf("%+v, without the rows %+v", got[i], want[i])
		}
	}
}

// TestSelectLimits: each limit alone decides, at its value, and the reason
// names it. A feature that ranks rows the other way round is a copy, too.
func TestSelectLimits(t *testing.T) {
	t.Parallel()
	m, infos, labels := twoColumns()
	for _, c := range []struct {
		config Config
		later  []int
		up     string // why "up" is not kept
		down   string
	}{
		{Config{}, nil, "", "ranks rows as up does"},
		{Config{MaxCorrelation: 1.01}, nil, "", ""},
		{Config{MinIV: 1000}, nil, "information value below 1000", "information value below 1000"},
		{Config{MinIV: -1, MaxCorrelation: 2}, span(0, 20), "its distribution moved: stability index above 0.25",
			"its distribution moved: stability index above 0.25"},
		{Config{MaxPSI: 100, MaxCorrelation: 2}, span(0, 20), "", ""},
		{Config{MaxPSI: 1e-9}, span(0, 100), "", "ranks rows as up does"},
	} {
		scores, err := Select(infos, m, labels, span(0, 100), c.later, c.config)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{c.up, c.down} {
			if s := scores[i]; s.Why != want || s.Keep != (want == "") {
				t.Errorf("%+v: %s kept: %v, %q; want %q", c.config, s.Name, s.Keep, s.Why, want)
			}
		}
		if s := scores[1]; c.config.MaxCorrelation == 0 && (s.Group != 0 || math.Abs(s.Correlation+1) > 1e-12) {
			t.Errorf("%+v: group %d, correlation %v; want 0 and -1", c.config, s.Group, s.Correlation)
		}
	}
}

// TestSelectConstant: a constant tells nothing, correlates with nothing, and is
// not an error.
func TestSelectConstant(t *testing.T) {
	t.Parallel()
	m, infos, labels := twoColumns()
	for i := range 100 {
		m.Columns[1][i] = 5
	}
	scores, err := Select(infos, m, labels, span(0, 100), nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if s := scores[1]; s.IV != 0 || s.Bins != 1 || s.Group != 1 || s.Correlation != 1 || s.Keep {
		t.Errorf("the constant: %+v", s)
	}
}

// TestWrite pins the table that people read: the best feature first, a dash
// where no later rows were given.
func TestWrite(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Write(&b, []Score{
		{Name: "weak", IV: 0.0042, Bins: 2, PSI: 0.0101, Group: 1, Why: "information value below 0.01"},
		{Name: "strong", IV: 0.51, Bins: 7, Missing: 0.125, PSI: math.NaN(), Keep: true},
	}); err != nil {
		t.Fatal(err)
	}
	const want = "feature  IV     bins  missing  PSI    group  keep  why not\n" +
		"strong   0.510  7     12.5 %   -      0      yes   \n" +
		"weak     0.004  2     0.0 %    0.010  1      no    information value below 0.01\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestDropByGainStops: what Select dropped is not tried, one feature is always
// left, a metric that falls by the tolerance is borne, and an error or the end
// of the context ends the search.
func TestDropByGainStops(t *testing.T) {
	t.Parallel()
	scores := []Score{{Name: "a", IV: 3, Keep: true}, {Name: "b", IV: 1, Keep: true}, {Name: "c", IV: 2},
		{Name: "d", IV: 2, Keep: true}}
	var tried [][]int
	keep, err := DropByGain(t.Context(), scores, 0, func(_ context.Context, keep []int) (float64, error) {
		tried = append(tried, keep)
		return 0.5, nil
	})
	if want := [][]int{{0, 1, 3}, {0, 3}, {0}}; err != nil || !slices.Equal(keep, []int{0}) ||
		!slices.EqualFunc(tried, want, slices.Equal) {
		t.Errorf("kept %v after %v, %v; want the best alone after %v", keep, tried, err, want)
	}
	perFeature := func(_ context.Context, keep []int) (float64, error) { return float64(len(keep)) / 4, nil }
	for tolerance, want := range map[float64]int{0.24: 3, 0.25: 2} { // the best metric so far is not lowered
		if keep, err := DropByGain(t.Context(), scores, tolerance, perFeature); err != nil || len(keep) != want {
			t.Errorf("tolerance %v: kept %v, %v; want %d features", tolerance, keep, err, want)
		}
	}
	broken := errors.New("no folds")
	if _, err := DropByGain(t.Context(), scores, 0, func(_ context.Context, keep []int) (float64, error) {
		if len(keep) < 3 {
			return 0, broken
		}
		return 1, nil
	}); !errors.Is(err, broken) {
		t.Errorf("got %v, want the metric's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := DropByGain(ctx, scores, 0, func(context.Context, []int) (float64, error) {
		cancel()
		return 1, nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
