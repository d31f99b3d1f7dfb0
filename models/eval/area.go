// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
)

// areaQuantile is the quantile of Student's t for a variance that is the sum of the
// variances of two classes, with Satterthwaite's degrees of freedom.
func areaQuantile(c *Curve, bad, good float64) float64 {
	v := bad + good
	return studentQuantile(float64(v*v) / (float64(bad*bad)/(c.BadTally.Effective()-1) + float64(good*good)/
		(c.GoodTally.Effective()-1)))
}

// fewOfClass is the number of rows of a class below which the lower end of an area's
// interval is at most that of Newcombe's: with few rows, DeLong's variance of a large
// area is too small.
const fewOfClass = 30

// Area returns the AUC with its 95 % interval: DeLong's variance on the logit
// scale, with Satterthwaite's degrees of freedom. Where that variance is zero,
// as in a perfect ranking, it is Newcombe's score interval (2006, method 5),
// and with few rows of a class, or rows of unequal weight, its lower end is at
// most that of Newcombe's interval, since the sample may lack a few heavy rows. The
// variance needs two rows of each class; with fewer the interval is NaN.
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

// scoreBound returns one end of Newcombe's interval of the area a: the value that
// differs from a by the normal quantile times its own standard error (Hanley and
// McNeil 1982, with the mean size for both classes).
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

// GapOfAreas returns the first area minus the second, of independent samples.
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
