// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"slices"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
)

// awkward returns a column with ties, missing values, infinities and zeros of
// both signs, and labels.
func awkward(n int, seed uint64) (label, x []float64) {
	r := Random(seed)
	label, x = make([]float64, n), make([]float64, n)
	for i := range x {
		switch r.Below(8) {
		case 0:
			x[i] = math.NaN()
		case 1:
			x[i] = math.Inf(1 - 2*r.Below(2))
		case 2:
			x[i] = math.Copysign(0, r.Normal())
		case 3:
			x[i] = math.Round(r.Normal())
		default:
			x[i] = r.Normal()
		}
		if r.Unit() < 0.3 {
			label[i] = 1
		}
	}
	return label, x
}

// TestColumnSortedOnce: every figure that is read off the sorted column is what
// a walk over the rows gives.
func TestColumnSortedOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 7, 500, 5000} {
		label, x := awkward(n, uint64(n))
		_, train := awkward(n/2+1, uint64(n)+1)
		c := MeasureVariable(label, nil, nil, Data{Values: x, Train: train})

		cuts := Cuts(x, nil, 10)
		names := IntervalNames(cuts, numfmt.Plain)
		want := make([]WOEBin, len(names))
		var known []float64
		for i, v := range x {
			b := &want[Bin(cuts, v)]
			if label[i] == 1 {
				b.Bad++
			} else {
				b.Good++
			}
			if !math.IsNaN(v) {
				known = append(known, v)
			}
		}
		for k := range want {
			want[k].Name = names[k]
		}
		w := evidence(want, 0.5)
		if len(w.Bins) != len(c.Binned.Bins) || w.IV != c.Binned.IV && !(math.IsNaN(w.IV) && math.IsNaN(c.Binned.IV)) {
			t.Errorf("%d rows: %d bins with IV %v, want %d with %v", n, len(c.Binned.Bins),
				c.Binned.IV, len(w.Bins), w.IV)
		}
		for k := range min(len(w.Bins), len(c.Binned.Bins)) {
			if a, b := w.Bins[k], c.Binned.Bins[k]; a.Name != b.Name || a.Bad != b.Bad || a.Good != b.Good {
				t.Errorf("%d rows: bin %d is %+v, want %+v", n, k, b, a)
			}
		}
		slices.Sort(known)
		if c.Distinct != len(slices.Compact(slices.Clone(known))) {
			t.Errorf("%d rows: %d distinct values", n, c.Distinct)
		}
		if len(known) > 0 && (c.Low != known[0] || c.High != known[len(known)-1]) {
			t.Errorf("%d rows: from %v to %v, want %v to %v", n, c.Low, c.High, known[0], known[len(known)-1])
		}
		cuts = Cuts(train, nil, 10)
		expected, actual := make([]float64, len(cuts)+2), make([]float64, len(cuts)+2)
		for _, v := range train {
			expected[Bin(cuts, v)]++
		}
		for _, v := range x {
			actual[Bin(cuts, v)]++
		}
		if psi := PSI(expected, actual, 0.5, 0.5); psi != c.PSI && !(math.IsNaN(psi) && math.IsNaN(c.PSI)) ||
			!slices.Equal(expected, c.Expected) {
			t.Errorf("%d rows: PSI %v of %v, want %v of %v", n, c.PSI, c.Expected, psi, expected)
		}
	}
}

func TestFarValues(t *testing.T) {
	t.Parallel()
	label, x := awkward(3000, 3)
	for i, v := range x {
		if math.IsInf(v, 0) {
			x[i] = 9 * v / math.Abs(v) // a fence needs finite quartiles, and 9 is beyond it
			if math.IsNaN(x[i]) {
				x[i] = 9
			}
		}
	}
	c := MeasureVariable(label, nil, nil, Data{Values: x})
	sorted := SortedValues(x)
	q1, q3 := Quantile(sorted, 0.25), Quantile(sorted, 0.75)
	want := 0
	for _, v := range x {
		if v < q1-3*(q3-q1) || v > q3+3*(q3-q1) {
			want++
		}
	}
	if c.Far != want || want == 0 {
		t.Errorf("%d far values, want %d (and some)", c.Far, want)
	}
}
