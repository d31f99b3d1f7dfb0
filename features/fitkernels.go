// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bitmath"
)

// Defaults of the kernels over texts.
const (
	defaultMinCount      = 20
	defaultMaxCategories = 254
	defaultSmoothing     = 10
	defaultFolds         = 5
	maxCategories        = 1<<16 - 1
)

func (f *FeatureSpec) minCount(kernel string) int {
	switch {
	case f.MinCount > 0:
		return f.MinCount
	case kernel == "frequency":
		return 1
	}
	return defaultMinCount
}

func (f *FeatureSpec) maxCategories() int {
	if f.MaxCategories > 0 {
		return f.MaxCategories
	}
	return defaultMaxCategories
}

// fitClip takes the bounds as given, or as quantiles of the training rows:
// the value at rank ceil(q*n), so that a bound is a value that occurred.
func fitClip(f *fitting) error {
	if len(f.spec.Bounds) == 2 {
		f.learned.Low, f.learned.High = &f.spec.Bounds[0], &f.spec.Bounds[1]
		return nil
	}
	var xs []float64
	for _, x := range f.in[0] {
		if x == x {
			xs = append(xs, x)
		}
	}
	if len(xs) == 0 {
		return fmt.Errorf("no training row has a value to take quantiles of: %w", assay.ErrInvalid)
	}
	slices.Sort(xs)
	at := func(q float64) *float64 {
		i := int(math.Ceil(q*float64(len(xs)))) - 1
		x := xs[min(max(i, 0), len(xs)-1)]
		return &x
	}
	f.learned.Low, f.learned.High = at(f.spec.Quantiles[0]), at(f.spec.Quantiles[1])
	return nil
}

// counts returns the training rows of each raw code.
func (f *fitting) counts() []int64 {
	n := make([]int64, len(f.texts[0]))
	for _, c := range f.in[0] {
		if c >= 0 {
			n[int(c)]++
		}
	}
	return n
}

// keepMost returns which of the counts are at least least, at most limit of
// them: the greatest, the earlier one first among equals.
func keepMost(counts []int64, least int64, limit int) []bool {
	keep := make([]bool, len(counts))
	var order []int
	for i, n := range counts {
		if n >= least {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return counts[order[a]] > counts[order[b]] })
	for _, i := range order[:min(limit, len(order))] {
		keep[i] = true
	}
	return keep
}

func fitCategory(f *fitting) error {
	if f.spec.listed() {
		return fitListed(f)
	}
	counts := f.counts()
	keep := keepMost(counts, int64(f.spec.minCount("category")), f.spec.maxCategories())
	l := f.learned
	l.Categories, l.Table = []string{}, make([]float64, len(counts))
	var kept int64
	for c, k := range keep {
		if k {
			l.Table[c] = float64(len(l.Categories))
			l.Categories = append(l.Categories, f.texts[0][c])
			l.Counts = append(l.Counts, counts[c])
			kept += counts[c]
		}
	}
	other := float64(len(l.Categories))
	for c, k := range keep {
		if !k {
			l.Table[c] = other
		}
	}
	l.Other = &other
	l.Counts = append(l.Counts, f.filled()-kept)
	return nil
}

// filled counts the training rows whose inputs all have a value.
func (f *fitting) filled() int64 {
	var n int64
	for j := range f.in[0] {
		ok := true
		for _, c := range f.in {
			ok = ok && c[j] == c[j]
		}
		if ok {
			n++
		}
	}
	return n
}

func fitCross(f *fitting) error {
	na, nb := len(f.texts[0]), len(f.texts[1])
	if na*nb > maxCross {
		return fmt.Errorf("%d x %d texts are too many to cross; raise min_count: %w", na, nb, assay.ErrInvalid)
	}
	counts := make([]int64, na*nb)
	for j, a := range f.in[0] {
		if b := f.in[1][j]; a >= 0 && b >= 0 {
			counts[int(a)*nb+int(b)]++
		}
	}
	l := f.learned
	l.Categories = []string{}
	var kept int64
	for i, k := range keepMost(counts, int64(f.spec.minCount("cross")), f.spec.maxCategories()) {
		if k {
			l.Categories = append(l.Categories, f.texts[0][i/nb]+" & "+f.texts[1][i%nb])
			l.Pairs = append(l.Pairs, int32(i/nb), int32(i%nb))
			l.Counts = append(l.Counts, counts[i])
			kept += counts[i]
		}
	}
	other := float64(len(l.Categories))
	l.Other = &other
	l.Counts = append(l.Counts, f.filled()-kept)
	return nil
}

func fitFrequency(f *fitting) error {
	counts, rows, zero := f.counts(), float64(len(f.in[0])), 0.0
	f.learned.Table, f.learned.Other = make([]float64, len(counts)), &zero
	for c, n := range counts {
		if n >= int64(f.spec.minCount("frequency")) {
			f.learned.Table[c] = float64(n) / rows
		}
	}
	return nil
}

func fitWOE(f *fitting) error        { return f.encode(woe) }
func fitTargetMean(f *fitting) error { return f.encode(targetMean) }

// tally counts the rows and bad rows of each raw code; the last entry pools
// the texts that are too rare for an entry of their own.
type tally struct{ n, bad []float64 }

// woe is the weight of evidence of n rows of which bad are bad, among all rows
// of which badAll are bad, smoothed by s rows at the bad rate p.
func woe(n, bad, all, badAll, s float64) float64 {
	p := badAll / all
	b := (bad + float64(s*p)) / (badAll + s)
	g := (n - bad + float64(s*(1-p))) / (all - badAll + s)
	return bitmath.Log(b / g)
}

func targetMean(n, bad, all, badAll, s float64) float64 {
	return (bad + float64(s*(badAll/all))) / (n + s)
}

// encode fits a target encoding on all training rows, and computes what each
// training row would get from the folds that it is not in. Row j is in fold
// j mod folds.
func (f *fitting) encode(value func(n, bad, all, badAll, s float64) float64) error {
	if f.labels == nil {
		return fmt.Errorf("the kernel learns from labels, and the table has no label column: %w", assay.ErrInvalid)
	}
	s := f.spec.Smoothing
	if s == 0 {
		s = defaultSmoothing
	}
	folds := f.spec.Folds
	if folds == 0 {
		folds = defaultFolds
	}
	least := float64(f.spec.minCount("woe"))
	table := func(skip int) ([]float64, float64, error) {
		t := tally{make([]float64, len(f.texts[0])+1), make([]float64, len(f.texts[0])+1)}
		var all, badAll float64
		for j, y := range f.labels {
			if skip >= 0 && j%folds == skip {
				continue
			}
			all, badAll = all+1, badAll+y
			c := f.in[0][j]
			if c != c {
				continue
			}
			k := int(c)
			if k < 0 {
				k = len(t.n) - 1
			}
			t.n[k], t.bad[k] = t.n[k]+1, t.bad[k]+y
		}
		if badAll == 0 || badAll == all {
			return nil, 0, fmt.Errorf("the training rows are all good or all bad: %w", assay.ErrInvalid)
		}
		last := len(t.n) - 1
		for k := range last {
			if t.n[k] < least {
				t.n[last], t.bad[last] = t.n[last]+t.n[k], t.bad[last]+t.bad[k]
			}
		}
		out := make([]float64, last)
		other := value(t.n[last], t.bad[last], all, badAll, s)
		for k := range out {
			out[k] = other
			if t.n[k] >= least {
				out[k] = value(t.n[k], t.bad[k], all, badAll, s)
			}
		}
		return out, other, nil
	}
	full, other, err := table(-1)
	if err != nil {
		return err
	}
	f.learned.Table, f.learned.Other = full, &other
	f.outOfFold = make([]float64, len(f.labels))
	for k := range folds {
		tab, other, err := table(k)
		if err != nil {
			return err
		}
		l := &learned{Table: tab, Other: &other}
		for j := k; j < len(f.labels); j += folds {
			applyTable(f.outOfFold[j:j+1], [][]float64{f.in[0][j : j+1]}, l)
		}
	}
	return nil
}
