// SPDX-License-Identifier: Apache-2.0

// Package bitmath has the elementary functions that a decision is computed with.
// Their results have the same bits on every architecture.
//
// The standard library's math.Exp is assembly on some architectures, and its
// pure-Go functions may be compiled to fused multiply-adds on others: the last bit
// of a probability would depend on the machine on which an auditor replays it.
// Here every product that is added to something is converted explicitly, which
// rounds it by the language's definition (Go specification, "Floating-point
// operators"). The functions are within 1.5 units in the last place of the true
// value; TestAccuracy compares them with math/big, and TestGolden pins their bits.
package bitmath

import "math"

const (
	ln2Hi  = 6.93147180369123816490e-01 // upper 33 bits of ln 2, so that k*ln2Hi is exact for |k| < 2^20
	ln2Lo  = 1.90821492927058770002e-10 // ln 2 - ln2Hi
	invLn2 = 1.44269504088896338700e+00
)

// expCoeff holds 1/13!, 1/12!, ..., 1/0!: the Taylor series on |r| <= ln2/2 is
// exact to 2^-57, below the rounding of its evaluation.
var expCoeff = [14]float64{
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
	1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
}

// Exp returns e**x.
func Exp(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case math.IsInf(x, -1):
		return 0
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	k := math.RoundToEven(float64(x * invLn2))
	hi := x - float64(k*ln2Hi)
	lo := float64(k * ln2Lo)
	r := hi - lo
	c := float64(hi-r) - lo // the rounding error of r
	p := expCoeff[0]
	for _, a := range expCoeff[1:12] {
		p = float64(p*r) + a
	}
	// e^r = 1 + r + r^2 p, and e^(r+c) = e^r (1 + c) to within c^2.
	q := float64(float64(r*r) * p)
	y := 1 + (r + (q + float64(c*(1+r))))
	return math.Ldexp(y, int(k))
}

// Log returns the natural logarithm of x: NaN below zero, -Inf at zero.
func Log(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, e := math.Frexp(x) // m in [1/2, 1)
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	// log m = log((1+s)/(1-s)) = 2s + 2s^3/3 + 2s^5/5 + ..., s = f/(2+f), |s| < 0.1716.
	// With 2s = f - s*f it becomes f - (f^2/2 - s*(f^2/2 + R)), which keeps the
	// large term exact (the arrangement of W. Cody and W. Waite, 1980).
	f := m - 1
	s := f / (2 + f)
	z := float64(s * s)
	r := 2.0 / 25
	for n := 23; n >= 3; n -= 2 {
		r = float64(r*z) + 2/float64(n)
	}
	r = float64(r * z)
	h := float64(float64(0.5*f) * f)
	k := float64(e)
	if e == 0 {
		return f - (h - float64(s*(h+r)))
	}
	return float64(k*ln2Hi) - ((h - (float64(s*(h+r)) + float64(k*ln2Lo))) - f)
}

// Log1p returns the natural logarithm of 1+x, accurate for small x.
func Log1p(x float64) float64 {
	if x <= -1 || x != x || math.IsInf(x, 1) {
		return Log(1 + x)
	}
	u := 1 + x
	if u == 1 {
		return x
	}
	// Log(u) is right for u; x - (u-1) is what the addition lost.
	return Log(u) - ((u-1)-x)/u
}

// Sigmoid returns 1/(1+e**-x) without overflow.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + Exp(-x))
	}
	e := Exp(x)
	return e / (1 + e)
}

// Softplus returns log(1+e**x) without overflow: -log(1-Sigmoid(x)).
func Softplus(x float64) float64 {
	if x > 0 {
		return x + Log1p(Exp(-x))
	}
	return Log1p(Exp(x))
}

// Logit returns log(p/(1-p)), the inverse of Sigmoid.
func Logit(p float64) float64 { return Log(p) - Log1p(-p) }
