// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/numfmt"
)

// A variable that knows the outcome parts the classes by itself. Between leakLook
// and leakFail it may be honest and strong; beyond, it is not a variable of the
// application.
const (
	leakLook = 0.9
	leakFail = 0.99
)

// leastForLeak is the number of bad and of good rows that a leak takes: two bad
// rows lie beyond all good ones by chance often enough.
const leastForLeak = 5

// parts returns how well a variable parts the classes by itself in any
// direction: the larger of the AUC of its value and the AUC of its bins, the
// riskiest first.
func (c *column) parts() float64 {
	best := math.NaN()
	if a := float64(c.alone.Value); !math.IsNaN(a) && c.missing == 0 {
		best = math.Max(a, 1-a)
	}
	if a := c.binned.area(); !(a <= best) {
		best = a
	}
	return best
}

// area is the AUC of the bins as a score, each bin's bad rate.
func (v Binned) area() float64 {
	bins := slices.Clone(v.Bins)
	slices.SortStableFunc(bins, func(a, b WOEBin) int {
		return cmp.Compare(b.Bad*(a.Bad+a.Good), a.Bad*(b.Bad+b.Good))
	})
	c := &Curve{}
	for k, b := range bins {
		c.score, c.bad, c.good = append(c.score, float64(-k)), append(c.bad, b.Bad), append(c.good, b.Good)
		c.badMass.sum, c.goodMass.sum = c.badMass.sum+b.Bad, c.goodMass.sum+b.Good
	}
	return c.AUC()
}

// leakVerdict looks for a variable that gives the outcome away.
func (b *builder) leakVerdict(v []column) {
	light, most, top := Pass, -1, math.NaN()
	for j := range v {
		if p := v[j].parts(); !math.IsNaN(p) && !(p <= top) {
			most, top = j, p
		}
	}
	finding := "no variable is defined on these rows"
	if most >= 0 {
		light = judge(top, leakLook, leakFail, false)
		finding = fmt.Sprintf("%s parts good from bad by itself with an AUC of %s, the most of any variable",
			b.in.Features[most].Name, numfmt.Fixed3.Print(top))
		if light == Fail {
			finding = fmt.Sprintf("%s gives the outcome away: by itself it parts good from bad with an AUC of %s",
				b.in.Features[most].Name, numfmt.Fixed3.Print(top))
			b.rep.Headline = append(b.rep.Headline,
				finding+". Take it out unless it is known when the decision is made.")
		}
	} else {
		light = CannotTell
	}
	g := b.classes(leastForLeak)
	if !g.Enough() && light == Fail {
		b.rep.Headline = b.rep.Headline[:len(b.rep.Headline)-1]
	}
	b.verdict(leakQuestion, light, "variables", finding,
		fmt.Sprintf("AUC of one variable's values, or of its bins, in any direction: pass up to %s, fail past %s",
			numfmt.Fixed2.Print(leakLook), numfmt.Fixed2.Print(leakFail)), g)
}
