// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
)

// Wilson returns the rate k/n with Wilson's score interval. Ties can make the counts
// fractions.
func Wilson(k, n float64) Estimate {
	e := Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN(), N: int(math.Round(n)),
		Level: Level, Method: "Wilson"}
	if n == 0 {
		return e
	}
	s := score(k/n, n, NormalQuantile)
	e.Value, e.Low, e.High = s.Value, s.Low, s.High
	if k == 0 {
		e.Low = 0
	}
	if k == n {
		e.High = 1
	}
	return e
}

// score returns Wilson's interval of the rate p of n rows, z standard errors each
// way.
func score(p, n, z float64) Estimate {
	z2 := float64(z * z)
	mid := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(float64(p*(1-p))/n+z2/(4*n*n))
	return Estimate{Value: numfmt.Number(p), Low: numfmt.Number(max(0, mid-half)),
		High: numfmt.Number(min(1, mid+half))}
}

// BinomialTest returns the probability of at least k of n at the rate p. Weights can
// make the counts fractions.
func BinomialTest(k, n, p float64) float64 {
	switch {
	case n == 0 || math.IsNaN(p) || p < 0 || p > 1:
		return math.NaN()
	case k <= 0:
		return 1
	case p == 0:
		return 0
	}
	return mathext.RegIncBeta(k, n-k+1, p)
}

// RatioOfRates returns the ratio of two proportions with Katz's log interval (1978).
// Where nobody of the first group is approved, or everybody of both, half a row
// is added to each count for the interval (Walter 1975).
func RatioOfRates(k1, n1, k2, n2 Tally) Estimate {
	e := Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN(), N: n1.Rows, Level: Level,
		Method: "Katz, logarithmic"}
	if n1.Rows == 0 || n2.Rows == 0 || k2.Rows == 0 {
		return e
	}
	m, n := n1.EffectiveFor(k1), n2.EffectiveFor(k2)
	a, b := k1.Sum*(m/n1.Sum), k2.Sum*(n/n2.Sum)
	e.Value = numfmt.Number(a / m / (b / n))
	if k1.Rows == 0 || k1.Rows == n1.Rows && k2.Rows == n2.Rows {
		a, m, b, n = a+0.5, m+0.5, b+0.5, n+0.5
	}
	sd := math.Sqrt(1/a - 1/m + 1/b - 1/n)
	middle := a / m / (b / n)
	e.Low, e.High = numfmt.Number(middle*bitmath.Exp(-NormalQuantile*sd)),
		numfmt.Number(middle*bitmath.Exp(NormalQuantile*sd))
	if k1.Rows == 0 {
		e.Low = 0
	}
	e.Low, e.High = min(e.Low, e.Value), max(e.High, e.Value)
	return e
}

// DifferenceOfRates returns the difference of two proportions with Newcombe's hybrid
// score interval (1998, method 10).
func DifferenceOfRates(k1, n1, k2, n2 Tally) Estimate {
	e := Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN(), N: n1.Rows,
		Level: Level, Method: "Newcombe"}
	if n1.Rows == 0 || n2.Rows == 0 {
		return e
	}
	a, b := n1.Rate(k1), n2.Rate(k2)
	d := float64(a.Value - b.Value)
	down := math.Hypot(float64(a.Value-a.Low), float64(b.High-b.Value))
	up := math.Hypot(float64(a.High-a.Value), float64(b.Value-b.Low))
	e.Value, e.Low, e.High = numfmt.Number(d), numfmt.Number(d-down), numfmt.Number(d+up)
	return e
}
