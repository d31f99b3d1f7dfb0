// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// HMeasure returns Hand's H with the cost distribution Beta(1+p, 1+1-p) for a
// bad rate p (Hand 2009; Hand and Anagnostopoulos 2014): the share of the
// loss of the best constant decision that the score saves, averaged over what
// the two errors may cost. Unlike AUC it uses one distribution of costs for
// every model compared. 0 is useless, 1 perfect; NaN when a class is absent.
//
// With a cost c for rejecting a good row and 1-c for accepting a bad one, the
// loss at a threshold is c q FPR + (1-c) p (1-TPR), with q = 1-p. The best
// thresholds for all c are the corners of the upper hull of the ROC curve.
func (c *Curve) HMeasure() float64 {
	if !c.HasBothClasses() {
		return math.NaN()
	}
	p := c.BadRate()
	q := 1 - p
	a, b := 1+p, 1+q
	// first(x) = integral of t u(t) from 0 to x, second(x) of (1-t) u(t).
	first := func(x float64) float64 { return a / (a + b) * mathext.RegIncBeta(a+1, b, x) }
	second := func(x float64) float64 { return b / (a + b) * mathext.RegIncBeta(a, b+1, x) }

	hf, ht := c.hull()
	// Corner i is best for costs from the slope of its right-hand edge to that
	// of its left-hand edge: edges are steep on the left, where c is high.
	var loss float64
	upper := 1.0
	for i := range hf {
		lower := 0.0
		if i+1 < len(hf) {
			rise, run := float64(p*(ht[i+1]-ht[i])), float64(q*(hf[i+1]-hf[i]))
			lower = rise / (rise + run)
		}
		if lower < upper {
			loss += float64(float64(q*hf[i])*(first(upper)-first(lower))) +
				float64(float64(p*(1-ht[i]))*(second(upper)-second(lower)))
		}
		upper = lower
	}
	worst := float64(q*first(p)) + float64(p*(second(1)-second(p)))
	return 1 - loss/worst
}

// hull returns the corners of the upper convex hull of the ROC curve, from
// (0,0) to (1,1).
func (c *Curve) hull() (fpr, tpr []float64) {
	fpr, tpr = []float64{0}, []float64{0}
	var b, g float64
	for k := range c.score {
		b, g = b+c.bad[k], g+c.good[k]
		x, y := g/c.GoodTally.Sum, b/c.BadTally.Sum
		for n := len(fpr); n >= 2; n = len(fpr) {
			cross := float64((fpr[n-1]-fpr[n-2])*(y-tpr[n-2])) - float64((tpr[n-1]-tpr[n-2])*(x-fpr[n-2]))
			if cross < 0 {
				break
			}
			fpr, tpr = fpr[:n-1], tpr[:n-1]
		}
		fpr, tpr = append(fpr, x), append(tpr, y)
	}
	return fpr, tpr
}
