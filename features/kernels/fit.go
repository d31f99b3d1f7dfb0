// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/bitmath"
)

// Defaults of the kernels over texts.
const (
	defaultMinCount      = 20
	defaultMaxCategories = 254
	defaultSmoothing     = 10
	defaultFolds         = 5
	MaxCategories        = 1<<16 - 1
)

func MinCount(f *plantext.FeatureSpec, kernel string) int {
	switch {
	case f.MinCount > 0:
		return f.MinCount
	case kernel == "frequency":
		return 1
	}
	return defaultMinCount
}

func maxCategoriesOf(f *plantext.FeatureSpec) int {
	if f.MaxCategories > 0 {
		return f.MaxCategories
	}
	return defaultMaxCategories
}

// fitClip takes the bounds as given, or as quantiles of the training rows:
// the value at rank ceil(q*n), so that a bound is a value that occurred.
func fitClip(f *Fitting) error {
	if len(f.Spec.Bounds) == 2 {
		f.Learned.Low, f.Learned.High = &f.Spec.Bounds[0], &f.Spec.Bounds[1]
		return nil
	}
	var xs []float64
	for _, x := range f.In[0] {
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
	f.Learned.Low, f.Learned.High = at(f.Spec.Quantiles[0]), at(f.Spec.Quantiles[1])
	return nil
}

// counts returns the training rows of each raw code.
func (f *Fitting) counts() []int64 {
	n := make([]int64, len(f.Texts[0]))
	for _, c := range f.In[0] {
		if c >= 0 {
			n[int(c)]++
		}
	}
	return n
}

// keepMostFrequent returns which of the counts are at least least, but at most limit:
// the greatest, and among equals the first.
func keepMostFrequent(counts []int64, least int64, limit int) []bool {
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

func fitCategory(f *Fitting) error {
	if f.Spec.Listed() {
		return fitListed(f)
	}
	counts := f.counts()
	keep := keepMostFrequent(counts, int64(MinCount(f.Spec, "category")), maxCategoriesOf(f.Spec))
	l := f.Learned
	l.Categories, l.Table = []string{}, make([]float64, len(counts))
	var kept int64
	for c, k := range keep {
		if k {
			l.Table[c] = float64(len(l.Categories))
			l.Categories = append(l.Categories, f.Texts[0][c])
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
func (f *Fitting) filled() int64 {
	var n int64
	for j := range f.In[0] {
		ok := true
		for _, c := range f.In {
			ok = ok && c[j] == c[j]
		}
		if ok {
			n++
		}
	}
	return n
}

func fitCross(f *Fitting) error {
	na, nb := len(f.Texts[0]), len(f.Texts[1])
	if na*nb > maxCross {
		return fmt.Errorf("%d x %d texts are too many to cross; raise min_count: %w", na, nb, assay.ErrInvalid)
	}
	counts := make([]int64, na*nb)
	for j, a := range f.In[0] {
		if b := f.In[1][j]; a >= 0 && b >= 0 {
			counts[int(a)*nb+int(b)]++
		}
	}
	l := f.Learned
	l.Categories = []string{}
	var kept int64
	for i, k := range keepMostFrequent(counts, int64(MinCount(f.Spec, "cross")), maxCategoriesOf(f.Spec)) {
		if k {
			l.Categories = append(l.Categories, f.Texts[0][i/nb]+" & "+f.Texts[1][i%nb])
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

func fitFrequency(f *Fitting) error {
	counts, rows, zero := f.counts(), float64(len(f.In[0])), 0.0
	f.Learned.Table, f.Learned.Other = make([]float64, len(counts)), &zero
	for c, n := range counts {
		if n >= int64(MinCount(f.Spec, "frequency")) {
			f.Learned.Table[c] = float64(n) / rows
		}
	}
	return nil
}

func fitWOE(f *Fitting) error        { return f.encode(woe) }
func fitTargetMean(f *Fitting) error { return f.encode(targetMean) }

// outcomeCounts counts the rows and bad rows of each raw code; the last entry pools
// the texts that are too rare for an entry of their own.
type outcomeCounts struct{ n, bad []float64 }

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

// encode fits a target encoding on all training rows, and computes the value that
// each training row gets from the folds that it is not in. Row j is in fold
// j mod folds.
func (f *Fitting) encode(value func(n, bad, all, badAll, s float64) float64) error {
	if f.Labels == nil {
		return fmt.Errorf("the kernel learns from labels, and the table has no label column: %w", assay.ErrInvalid)
	}
	s := f.Spec.Smoothing
	if s == 0 {
		s = defaultSmoothing
	}
	folds := f.Spec.Folds
	if folds == 0 {
		folds = defaultFolds
	}
	least := float64(MinCount(f.Spec, "woe"))
	table := func(skip int) ([]float64, float64, error) {
		t := outcomeCounts{make([]float64, len(f.Texts[0])+1), make([]float64, len(f.Texts[0])+1)}
		var all, badAll float64
		for j, y := range f.Labels {
			if skip >= 0 && j%folds == skip {
				continue
			}
			all, badAll = all+1, badAll+y
			c := f.In[0][j]
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
	f.Learned.Table, f.Learned.Other = full, &other
	f.OutOfFold = make([]float64, len(f.Labels))
	for k := range folds {
		tab, other, err := table(k)
		if err != nil {
			return err
		}
		l := &Learned{Table: tab, Other: &other}
		for j := k; j < len(f.Labels); j += folds {
			applyTable(f.OutOfFold[j:j+1], [][]float64{f.In[0][j : j+1]}, l)
		}
	}
	return nil
}
