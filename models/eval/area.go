// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
)

// areaQuantile takes Satterthwaite's degrees of freedom of a variance that is
// the sum of those of two classes.
func areaQuantile(c *Curve, bad, good float64) float64 {
	v := bad + good
	return studentQuantile(float64(v*v) / (float64(bad*bad)/(c.BadTally.Effective()-1) + float64(good*good)/
		(c.GoodTally.Effective()-1)))
}

// fewOfClass is the number of rows of a class below which an area's interval
// reaches down at least as far as Newcombe's: DeLong's variance of few rows is
// too small where the area is large.
const fewOfClass = 30

// Area returns the AUC with its 95 % interval: DeLong's variance on the logit
// scale, with Satterthwaite's degrees of freedom. Where that variance is zero,
// as in a perfect ranking, it is Newcombe's score interval (2006, method 5),
// and with few rows of a class, or rows of unequal weight, it reaches down at
// least as far as that: a few heavy rows may not be among those that were drawn.
// The variance takes two rows of each class; with fewer the interval is NaN.
func (c *Curve) Area() Estimate {
	e := Estimate{Value: numfmt.Number(c.AUC()), Low: numfmt.NaN(), High: numfmt.NaN(), N: c.Rows(), Level: Level,
		Method: "DeLong, logit"}
	if c.Bad < 2 || c.Good < 2 {
		return e
	}
	a := float64(e.Value)
	bad, good := c.areaVariance()
	if !(bad+good > 0) || a <= 0 || a >= 1 {
		e.Low, e.High = numfmt.Number(c.scoreBound(a, -1)), numfmt.Number(c.scoreBound(a, 1))
		e.Method = "Newcombe"
		return e
	}
	half := areaQuantile(c, bad, good) * math.Sqrt(bad+good) / (a * (1 - a))
	middle := bitmath.Logit(a)
	e.Low, e.High = numfmt.Number(bitmath.Sigmoid(middle-half)), numfmt.Number(bitmath.Sigmoid(middle+half))
	if c.rarer() < fewOfClass || c.uneven() {
		e.Low = min(e.Low, numfmt.Number(c.scoreBound(a, -1)))
		e.Method = "DeLong, logit; Newcombe"
	}
	return e
}

// scoreBound is an end of Newcombe's interval of the area a: the value whose own
// standard error (Hanley and McNeil 1982, with both classes of their mean
// size) reaches to a.
func (c *Curve) scoreBound(a, direction float64) float64 {
	m, n := c.BadTally.Effective(), c.GoodTally.Effective()
	outside := func(x float64) bool {
		v := x * (1 - x) / (m * n) * (1 + float64(((m+n)/2-1)*((1-x)/(2-x)+x/(1+x))))
		return float64((a-x)*(a-x)) > float64(NormalQuantile*NormalQuantile*v)
	}
	near, far := a, 1.0
	if direction < 0 {
		far = 0
	}
	for range 60 {
		if x := (near + far) / 2; outside(x) {
			far = x
		} else {
			near = x
		}
	}
	return (near + far) / 2
}

// GapOfAreas is the difference of two areas of independent samples, first less
// second.
func GapOfAreas(first, second *Curve) Estimate {
	e := Estimate{Value: numfmt.Number(first.AUC() - second.AUC()), Low: numfmt.NaN(), High: numfmt.NaN(),
		N: second.Rows(), Level: Level,
		Method: "DeLong, independent"}
	if min(first.Bad, first.Good, second.Bad, second.Good) < 2 {
		return e
	}
	fb, fg := first.areaVariance()
	sb, sg := second.areaVariance()
	return e.within(math.Sqrt(fb+fg+sb+sg), max(areaQuantile(first, fb, fg), areaQuantile(second, sb, sg)), -1, 1)
}
