// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestMissingValues: where LightGBM's three kinds of missing values send each
// value, by a split at 0.5 whose left leaf is 1 and whose right leaf is 3.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	const left, right = 1.0, 3.0
	tiny, nan := models.ZeroThreshold, math.NaN()
	for name, c := range map[string]struct {
		missing     models.MissingType
		defaultLeft bool
		want        map[float64]float64
		ofNaN       float64
	}{
		"none: NaN is 0":                  {models.MissingNone, false, map[float64]float64{0: left, 1: right}, left},
		"none: the default has no effect": {models.MissingNone, true, map[float64]float64{0: left, 1: right}, left},
		"NaN goes right":                  {models.MissingNaN, false, map[float64]float64{0: left, 1: right}, right},
		"NaN goes left":                   {models.MissingNaN, true, map[float64]float64{0: left, 1: right}, left},
		"zero goes right": {models.MissingZero, false, map[float64]float64{0: right, tiny: right, -tiny: right,
			math.Copysign(0, -1): right, 2 * tiny: left, -2 * tiny: left, 1: right}, right},
		"zero goes left": {models.MissingZero, true, map[float64]float64{0: left, tiny: left, 2 * tiny: left, 1: right},
			left},
	} {
		decision := uint8(c.missing) << 2
		if c.defaultLeft {
			decision |= models.DecisionDefaultLeft
		}
		m := stump(0.5, decision)
		f := compile(t, m)
		c.want[math.Inf(-1)], c.want[math.Inf(1)], c.want[0.5], c.want[math.Nextafter(0.5, 1)] = left, right, left,
			right
		check := func(x, want float64) {
			t.Helper()
			batch := make([]float64, 20)
			f.Margins(batch, repeat([]float64{x, 0}, 20))
			if got := f.Margin([]float64{x, 0}); got != want || batch[0] != want || batch[19] != want {
				t.Errorf("%s: %v: leaf %v, in a batch %v and %v; want %v", name, x, got, batch[0], batch[19], want)
			}
		}
		for x, want := range c.want {
			check(x, want)
		}
		check(nan, c.ofNaN)
	}
}

func repeat(row []float64, n int) (rows []float64) {
	for range n {
		rows = append(rows, row...)
	}
	return rows
}

// TestCategoryValues: a set of the categories 0, 2 and 33 goes left; a value's
// fraction is cut off, and what is no category goes right.
func TestCategoryValues(t *testing.T) {
	t.Parallel()
	m := stump(0, models.DecisionCategorical)
	m.Features[0].Categorical = true
	m.Trees[0].CatBoundaries, m.Trees[0].CatBits = []int32{0, 2}, []uint32{1 | 1<<2, 1 << 1}
	f := compile(t, m)
	for x, want := range map[float64]float64{0: 1, 0.9: 1, -0.9: 1, 2: 1, 2.5: 1, 33: 1, 33.999: 1,
		1: 3, 3: 3, 32: 3, 34: 3,
		64: 3, 1e9: 3, 1 << 31: 3, 1 << 40: 3, -1: 3, -2: 3, math.Inf(1): 3, math.Inf(-1): 3} {
		batch := make([]float64, 16)
		f.Margins(batch, repeat([]float64{x, 0}, 16))
		if got := f.Margin([]float64{x, 0}); got != want || batch[15] != want {
			t.Errorf("%v: leaf %v, in a batch %v; want %v", x, got, batch[15], want)
		}
	}
	if got := f.Margin([]float64{math.NaN(), 0}); got != 3 {
		t.Errorf("a missing category: leaf %v, want 3", got)
	}
}

// TestCompileRefuses: what a walk could not end on, or not find, is refused by
// name, and with the number of the tree.
func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	shape := foresttest.Shape{Trees: 3, Leaves: 6, Features: 4, Categories: 9, Categorical: 0.5}
	for name, c := range map[string]struct {
		change func(m *models.Model)
		says   string
	}{
		"no feature":        {func(m *models.Model) { m.Features = nil }, "features"},
		"infinite start":    {func(m *models.Model) { m.Init = math.Inf(1) }, "initial score"},
		"infinite leaf":     {func(m *models.Model) { m.Trees[1].LeafValue[2] = math.Inf(-1) }, "tree 1"},
		"no leaf":           {func(m *models.Model) { m.Trees[1] = models.Tree{} }, "tree 1"},
		"a cycle":           {func(m *models.Model) { m.Trees[2].Left[1] = 0 }, "tree 2: node 1"},
		"a shared child":    {func(m *models.Model) { m.Trees[0].Right[0] = m.Trees[0].Left[0] }, "shares a child"},
		"a lost leaf":       {func(m *models.Model) { m.Trees[0].Left[4] = ^99 }, "leaf 99"},
		"a short array":     {func(m *models.Model) { m.Trees[0].Threshold = m.Trees[0].Threshold[1:] }, "4 nodes"},
		"a strange feature": {func(m *models.Model) { m.Trees[0].Feature[0] = 4 }, "feature 4 of 4"},
		"a negative one":    {func(m *models.Model) { m.Trees[0].Feature[0] = -1 }, "feature -1"},
		"an unknown test":   {func(m *models.Model) { m.Trees[0].Decision[0] = 12 }, "decision type 12"},
		"no such set": {func(m *models.Model) {
			m.Trees[0].Decision[0], m.Trees[0].Threshold[0] = models.DecisionCategorical, 77
		}, "categorical split 77"},
		"no threshold": {func(m *models.Model) {
			m.Trees[0].Decision[0], m.Trees[0].Threshold[0] = 0, math.NaN()
		}, "threshold of node 0 is NaN"},
	} {
		m := foresttest.Model(3, shape)
		compile(t, m)
		c.change(m)
		if _, err := forest.Compile(m); !errors.Is(err, models.ErrMalformed) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want ErrMalformed with %q", name, err, c.says)
		}
	}
}

// TestSizes: what a forest says of itself, and batches of no vector.
func TestSizes(t *testing.T) {
	t.Parallel()
	f := compile(t, foresttest.Model(1, foresttest.Shape{Trees: 7, Leaves: 4, Features: 3, Init: 0.5}))
	if f.Features() != 3 || f.Trees() != 7 {
		t.Errorf("%d features and %d trees, want 3 and 7", f.Features(), f.Trees())
	}
	f.Margins(nil, nil)
	f.ContributionsAll(nil, nil)
	for j, i := range f.Importances(nil) {
		if i.MeanAbs != 0 {
			t.Errorf("feature %d: a mean of %v over no row", j, i.MeanAbs)
		}
	}
}
