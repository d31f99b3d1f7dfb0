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
	r := random(seed)
	label, x = make([]float64, n), make([]float64, n)
	for i := range x {
		switch r.below(8) {
		case 0:
			x[i] = math.NaN()
		case 1:
			x[i] = math.Inf(1 - 2*r.below(2))
		case 2:
			x[i] = math.Copysign(0, r.normal())
		case 3:
			x[i] = math.Round(r.normal())
		default:
			x[i] = r.normal()
		}
		if r.unit() < 0.3 {
			label[i] = 1
		}
	}
	return label, x
}

// TestColumnSortedOnce: every figure that is read off the sorted column is what
// a walk over the rows gives.
func TestColumnSortedOnce(t *testing.T) {
	for _, n := range []int{1, 2, 7, 500, 5000} {
		label, x := awkward(n, uint64(n))
		_, train := awkward(n/2+1, uint64(n)+1)
		c := measure(label, nil, nil, &Feature{Name: "x", Values: x, Train: train})

		cuts := Cuts(x, 10)
		names := intervalNames(cuts, numfmt.Plain)
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
		if len(w.Bins) != len(c.binned.Bins) || w.IV != c.binned.IV && !(math.IsNaN(w.IV) && math.IsNaN(c.binned.IV)) {
			t.Errorf("%d rows: %d bins with IV %v, want %d with %v", n, len(c.binned.Bins),
				c.binned.IV, len(w.Bins), w.IV)
		}
		for k := range min(len(w.Bins), len(c.binned.Bins)) {
			if a, b := w.Bins[k], c.binned.Bins[k]; a.Name != b.Name || a.Bad != b.Bad || a.Good != b.Good {
				t.Errorf("%d rows: bin %d is %+v, want %+v", n, k, b, a)
			}
		}
		slices.Sort(known)
		if c.distinct != len(slices.Compact(slices.Clone(known))) {
			t.Errorf("%d rows: %d distinct values", n, c.distinct)
		}
		if len(known) > 0 && (c.low != known[0] || c.high != known[len(known)-1]) {
			t.Errorf("%d rows: from %v to %v, want %v to %v", n, c.low, c.high, known[0], known[len(known)-1])
		}
		cuts = Cuts(train, 10)
		expected, actual := make([]int, len(cuts)+2), make([]int, len(cuts)+2)
		for _, v := range train {
			expected[Bin(cuts, v)]++
		}
		for _, v := range x {
			actual[Bin(cuts, v)]++
		}
		counted := make([]int, len(c.expected))
		for k, v := range c.expected {
			counted[k] = int(v)
		}
		if psi := PSI(expected, actual); psi != c.psi && !(math.IsNaN(psi) && math.IsNaN(c.psi)) ||
			!slices.Equal(expected, counted) {
			t.Errorf("%d rows: PSI %v of %v, want %v of %v", n, c.psi, c.expected, psi, expected)
		}
	}
}

func TestFarValues(t *testing.T) {
	label, x := awkward(3000, 3)
	for i, v := range x {
		if math.IsInf(v, 0) {
			x[i] = 9 * v / math.Abs(v) // a fence needs finite quartiles, and 9 is beyond it
			if math.IsNaN(x[i]) {
				x[i] = 9
			}
		}
	}
	c := measure(label, nil, nil, &Feature{Values: x})
	sorted := sortedValues(x)
	q1, q3 := Quantile(sorted, 0.25), Quantile(sorted, 0.75)
	want := 0
	for _, v := range x {
		if v < q1-3*(q3-q1) || v > q3+3*(q3-q1) {
			want++
		}
	}
	if c.far != want || want == 0 {
		t.Errorf("%d far values, want %d (and some)", c.far, want)
	}
}

// TestResampledIsTheSampleDrawn: the curve of a resample is that of the rows
// written out as often as they were drawn.
func TestResampledIsTheSampleDrawn(t *testing.T) {
	label, pd := made(400, 11)
	for i := range pd {
		pd[i] = math.Round(pd[i]*40) / 40
	}
	c := newCurve(label, pd, nil)
	bad := make([]uint8, len(label))
	for k, i := range c.order {
		bad[k] = uint8(label[i])
	}
	into := &Curve{}
	for seed := range uint64(5) {
		r := random(seed)
		counts := make([]uint16, len(label))
		for range label {
			counts[r.below(len(label))]++
		}
		var y, s []float64
		for k, i := range c.order {
			for range counts[k] {
				y, s = append(y, label[i]), append(s, pd[i])
			}
		}
		want, got := newCurve(y, s, nil), c.resampled(into, bad, counts, nil)
		ks, _ := want.KS()
		again, _ := got.KS()
		if want.AUC() != got.AUC() || ks != again || want.HMeasure() != got.HMeasure() ||
			want.AveragePrecision() != got.AveragePrecision() || want.TPRAt(0.1) != got.TPRAt(0.1) {
			t.Errorf("seed %d: the resample's figures are not those of its rows", seed)
		}
	}
}
