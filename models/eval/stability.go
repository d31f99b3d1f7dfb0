// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"sort"

	"github.com/assayrisk/assay/internal/bitmath"
)

// PSI returns the population stability index of two distributions given as
// counts over the same bins: sum (a-e) ln(a/e) over the shares. Half a row is
// added to each bin where one side is empty, so that it stays finite. NaN when
// a side has no rows. Below 0.1 is usually read as stable, above 0.25 as
// shifted; small samples give 0.1 by chance (its mean under no shift is about
// (bins-1)(1/n + 1/m)).
func PSI(expected, actual []int) float64 {
	e, a := make([]float64, len(expected)), make([]float64, len(expected))
	for i := range expected {
		e[i], a[i] = float64(expected[i]), float64(actual[i])
	}
	return stabilityIndex(e, a, 0.5, 0.5)
}

// stabilityIndex is PSI of rows by weight; half a row of each side is added to
// bins where one is empty.
func stabilityIndex(expected, actual []float64, halfExpected, halfActual float64) float64 {
	var n, m float64
	for i := range expected {
		n, m = n+expected[i], m+actual[i]
	}
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var s float64
	for i := range expected {
		s += psiPart(expected[i], actual[i], n, m, halfExpected, halfActual)
	}
	return s
}

// psiPart is what one bin adds to the index of samples of n and m rows.
func psiPart(e, a, n, m, halfExpected, halfActual float64) float64 {
	if e == 0 && a == 0 {
		return 0
	}
	if e == 0 || a == 0 {
		e, a = e+halfExpected, a+halfActual
	}
	pe, pa := e/n, a/m
	return float64((pa - pe) * bitmath.Log(pa/pe))
}

// chancePSI is the mean of the index of two samples of one population; that of
// an information value, too, with the bad rows and the good ones as samples.
func chancePSI(bins int, n, m float64) float64 {
	return float64(bins-1) * (ratio(1, n) + ratio(1, m))
}

// Cuts returns at most k-1 upper bounds that cut x into k bins of nearly equal
// size; equal values stay together. NaNs are left out.
func Cuts(x []float64, k int) []float64 { return cutsOf(sortedValues(x), k) }

func cutsOf(sorted []float64, k int) []float64 {
	var cuts []float64
	for b := 1; b < k; b++ {
		i := b * len(sorted) / k
		if i == 0 || i >= len(sorted) {
			continue
		}
		cut := sorted[i-1]
		if cut < sorted[len(sorted)-1] && (len(cuts) == 0 || cut > cuts[len(cuts)-1]) {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}

// Bin returns the bin of v: bin b holds values above cuts[b-1] and up to
// cuts[b]; missing values have the last bin, len(cuts)+1.
func Bin(cuts []float64, v float64) int {
	if math.IsNaN(v) {
		return len(cuts) + 1
	}
	return sort.SearchFloat64s(cuts, v)
}

func countBins(cuts, x, weight []float64) []float64 { return featureBins{cuts: cuts}.count(x, weight) }

// ScorePSI compares two samples of a score over the deciles of the first.
func ScorePSI(expected, actual []float64) float64 {
	cuts := Cuts(expected, 10)
	return stabilityIndex(countBins(cuts, expected, nil), countBins(cuts, actual, nil), 0.5, 0.5)
}
