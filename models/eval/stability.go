// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
)

// PSI returns the population stability index of two distributions
// given as counts, or weights, over the same bins: sum (a-e) ln(a/e) over the
// shares. Half a row of each side (0.5 where rows have no weights) is added to
// each bin where one side is empty, so that it stays finite. NaN when a side has
// no rows. Below 0.1 is usually read as stable, above 0.25 as shifted; small
// samples give 0.1 by chance, see ChancePSI.
func PSI(expected, actual []float64, halfExpected, halfActual float64) float64 {
	var n, m float64
	for i := range expected {
		n, m = n+expected[i], m+actual[i]
	}
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var s float64
	for i := range expected {
		s += PSIPart(expected[i], actual[i], n, m, halfExpected, halfActual)
	}
	return s
}

// PSIPart returns what one bin adds to the PSI of samples of n and m rows.
func PSIPart(e, a, n, m, halfExpected, halfActual float64) float64 {
	if e == 0 && a == 0 {
		return 0
	}
	if e == 0 || a == 0 {
		e, a = e+halfExpected, a+halfActual
	}
	pe, pa := e/n, a/m
	return float64((pa - pe) * bitmath.Log(pa/pe))
}

// ChancePSI returns the mean PSI of two samples of one population, and also the mean
// information value of an unrelated variable, with bad and good rows as the samples.
func ChancePSI(bins int, n, m float64) float64 {
	return float64(bins-1) * (Ratio(1, n) + Ratio(1, m))
}

// ScorePSI compares two samples of a score over the deciles of the first.
func ScorePSI(expected, actual []float64) float64 {
	cuts := Cuts(expected, nil, 10)
	return PSI(CountBins(cuts, expected, nil), CountBins(cuts, actual, nil), 0.5, 0.5)
}
