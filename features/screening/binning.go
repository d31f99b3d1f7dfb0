// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"slices"

	"github.com/assayrisk/assay/internal/bitmath"
)

// valuesAt returns the values of some rows of a column.
func valuesAt(x []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// binning puts values into bins: one for missing values, and one for each category
// or for each interval between quantiles.
type binning struct {
	edges       []float64 // the greatest value of each bin but the last
	categorical bool
}

// newBinning makes a bin of each category of x, or at most so many bins of about
// equally many rows. Equal values are always in the same bin.
func newBinning(x []float64, bins int, categorical bool) *binning {
	known := slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v != v })
	slices.Sort(known)
	b := &binning{categorical: categorical}
	if categorical {
		b.edges = slices.Compact(known)
		return b
	}
	for k := 1; k < bins && len(known) > 0; k++ {
		e := known[min(k*len(known)/bins, len(known)-1)]
		if len(b.edges) == 0 || e > b.edges[len(b.edges)-1] {
			b.edges = append(b.edges, e)
		}
	}
	return b
}

// binOf returns the bin of a value, 0 if it is missing.
func (b *binning) binOf(x float64) int {
	if x != x {
		return 0
	}
	i, _ := slices.BinarySearch(b.edges, x)
	return 1 + i
}

// count returns the sum of the weights w in each bin.
func (b *binning) count(x, w []float64) []float64 {
	n := make([]float64, len(b.edges)+2)
	for i, v := range x {
		n[b.binOf(v)] += w[i]
	}
	return n
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// informationValue returns the sum over bins of (share of bad - share of good) *
// weight of evidence, with half a row added to each count, and the number of bins.
// Neighbouring bins of a number are first merged until their bad rates never fall,
// and also until they never rise (pool adjacent violators); the greater of the two
// sums counts.
func (b *binning) informationValue(x, y []float64) (float64, int) {
	n, bad := b.count(x, ones(len(x))), b.count(x, y)
	if b.categorical {
		return sumOverBins(n, bad)
	}
	best, bins := 0.0, 1
	for _, sign := range [2]float64{1, -1} {
		mn, mb := []float64{n[0]}, []float64{bad[0]}
		for i := 1; i < len(n); i++ {
			if n[i] == 0 {
				continue
			}
			mn, mb = append(mn, n[i]), append(mb, bad[i])
			for k := len(mn) - 1; k > 1 && sign*(mb[k]/mn[k]-mb[k-1]/mn[k-1]) < 0; k-- {
				mn[k-1], mb[k-1] = mn[k-1]+mn[k], mb[k-1]+mb[k]
				mn, mb = mn[:k], mb[:k]
			}
		}
		if v, k := sumOverBins(mn, mb); v > best {
			best, bins = v, k
		}
	}
	return best, bins
}

// sumOverBins returns the information value of the bins that have rows, and their number.
func sumOverBins(n, bad []float64) (iv float64, bins int) {
	var all, allBad float64
	for i := range n {
		if n[i] > 0 {
			all, allBad, bins = all+n[i], allBad+bad[i], bins+1
		}
	}
	for i := range n {
		if n[i] > 0 {
			b := (bad[i] + 0.5) / (allBad + 0.5)
			g := (n[i] - bad[i] + 0.5) / (all - allBad + 0.5)
			iv += float64((b - g) * bitmath.Log(b/g))
		}
	}
	return iv, bins
}

// stabilityIndex returns the population stability index between two samples: the
// sum over bins of (share later - share before) * ln(share later / share before),
// with half a row added to each count.
func (b *binning) stabilityIndex(x, later []float64) float64 {
	p, q := b.count(x, ones(len(x))), b.count(later, ones(len(later)))
	var s float64
	for i := range p {
		if p[i] == 0 && q[i] == 0 {
			continue
		}
		a := (p[i] + 0.5) / (float64(len(x)) + 0.5)
		c := (q[i] + 0.5) / (float64(len(later)) + 0.5)
		s += float64((c - a) * bitmath.Log(c/a))
	}
	return s
}
