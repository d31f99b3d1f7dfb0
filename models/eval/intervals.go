// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
)

// Bootstrap percentiles do not cover a maximum: the maximum of a resample exceeds
// that of the sample, as that of the sample exceeds the true one, so that both ends
// are too high by twice the bias. The intervals here use a centre corrected for the
// bias and the bootstrap's standard error, on a scale that fits the statistic. The
// lower end is moved by the bias once more, since the bootstrap underestimates the
// bias on few rows. docs/reports.md shows the coverage that benchmarks/eval measured.

// replicated is a statistic with its values on resamples.
type replicated struct {
	value   float64
	draws   []float64
	rows    int
	rarer   float64 // rows of the rarer class
	written string
}

func (r replicated) estimate() Estimate {
	return Estimate{Value: numfmt.Number(r.value), Low: numfmt.NaN(), High: numfmt.NaN(), N: r.rows,
		Level: Level, Method: r.written}
}

// on returns the statistic, the mean and the standard deviation of its
// resamples on a scale; not ok where too few resamples define it.
func (r replicated) on(scale func(float64) float64) (value, mean, sd float64, ok bool) {
	d := slices.DeleteFunc(slices.Clone(r.draws), math.IsNaN)
	if 2*len(d) < len(r.draws) || len(d) < 2 || math.IsNaN(r.value) {
		return 0, 0, 0, false
	}
	for _, v := range d {
		mean += scale(v) / float64(len(d))
	}
	for _, v := range d {
		e := scale(v) - mean
		sd += float64(e*e) / float64(len(d)-1)
	}
	return scale(r.value), mean, math.Sqrt(sd), true
}

func identity(x float64) float64 { return x }

// corrected returns the value minus the bias that the resamples show.
func (r replicated) corrected() *numfmt.Number {
	v, m, _, ok := r.on(identity)
	if !ok {
		return numfmt.Pointer(math.NaN())
	}
	return numfmt.Pointer(min(max(2*v-m, 0), 1))
}

// share returns the interval of a statistic in 0..1 that is biased upwards, computed
// on the scale of the arc sine of its root.
func (r replicated) share() Estimate {
	e := r.estimate()
	scale := func(x float64) float64 { return math.Asin(math.Sqrt(min(max(x, 0), 1))) }
	v, m, sd, ok := r.on(scale)
	e.Corrected = r.corrected()
	if !ok || r.rarer < 2 {
		return e
	}
	half, bias := studentQuantile(r.rarer-1)*sd, math.Max(0, m-v)
	back := func(x float64) numfmt.Number {
		s := math.Sin(min(max(x, 0), math.Pi/2))
		return numfmt.Number(s * s)
	}
	e.Low, e.High = back(v-2*bias-half), back(v-(m-v)+half)
	e.Low = min(e.Low, e.High)
	return e
}

// size returns the interval of a positive mean, computed on the logarithmic scale.
func (r replicated) size() Estimate {
	e := r.estimate()
	v, _, sd, ok := r.on(func(x float64) float64 { return bitmath.Log(math.Max(x, math.SmallestNonzeroFloat64)) })
	if !ok || r.rarer < 2 {
		return e
	}
	half := studentQuantile(r.rarer-1) * sd
	e.Low, e.High = numfmt.Number(bitmath.Exp(v-half)), numfmt.Number(bitmath.Exp(v+half))
	return e
}

// ksInterval returns the interval of KS: that of the difference of two rates at the
// cut where it is largest, with one row added to each class, minus the bias of a maximum.
func (c *Curve) ksInterval(r replicated) Estimate {
	e := r.estimate()
	e.Method = fmt.Sprintf("two rates at the cut, bias by %s", r.written)
	e.Chance = numfmt.Pointer(ChanceKS(c.BadTally.Effective(), c.GoodTally.Effective()))
	e.Corrected = r.corrected()
	v, m, sd, ok := r.on(identity)
	if !ok || r.rarer < 2 {
		return e
	}
	_, at := c.KS()
	bad, good := c.from(at)
	nb, ng := c.BadTally.EffectiveFor(bad), c.GoodTally.EffectiveFor(good)
	p, q := (bad.Sum*(nb/c.BadTally.Sum)+1)/(nb+2), (good.Sum*(ng/c.GoodTally.Sum)+1)/(ng+2)
	se := math.Sqrt(float64(p*(1-p))/nb + float64(q*(1-q))/ng)
	if c.uneven() { // a few heavy rows move the cut, too
		se = math.Max(se, sd)
	}
	half, bias := studentQuantile(r.rarer-1)*se, math.Max(0, m-v)
	e.Low, e.High = numfmt.Number(min(max(v-2*bias-half, 0), 1)), numfmt.Number(min(max(v-bias+half, 0), 1))
	return e
}

// from returns the rows with at least the score.
func (c *Curve) from(score float64) (bad, good Tally) {
	end := 0
	for k := range c.score {
		if c.score[k] >= score {
			bad.Sum, good.Sum, end = bad.Sum+c.bad[k], good.Sum+c.good[k], int(c.end[k])
		}
	}
	if c.weight == nil {
		bad.Squares, good.Squares = bad.Sum, good.Sum
		return bad, good
	}
	label := c.labels()
	for _, i := range c.Falling[:end] {
		if w := float64(c.weight[i] * c.weight[i]); label[i] == 1 {
			bad.Squares += w
		} else {
			good.Squares += w
		}
	}
	return bad, good
}

// ChanceKS returns the mean KS distance of two samples of one population, the mean of
// Kolmogorov's distribution.
func ChanceKS(bad, good float64) float64 {
	return math.Sqrt(math.Pi/2) * math.Ln2 * math.Sqrt(Ratio(1, bad)+Ratio(1, good))
}

// catchInterval returns the interval of the share of bad rows caught at a share of
// good rows lost: Wilson's, for the number of rows that gives the variance of the
// resamples, which includes the variance of the cut. At least one good row must be
// lost.
func (c *Curve) catchInterval(r replicated, share float64) Estimate {
	e := r.estimate()
	e.Method = "Wilson, rows by " + r.written
	if float64(share*c.GoodTally.Effective()) < 1 {
		e.Value = numfmt.NaN()
		e.Method = fmt.Sprintf("it takes %.0f good rows", math.Ceil(1/share))
		return e
	}
	_, _, sd, ok := r.on(identity)
	if !ok || r.rarer < 2 {
		return e
	}
	m := c.BadTally.Effective()
	p := (float64(r.value*m) + 1) / (m + 2)
	if v := float64(sd * sd); v > 0 {
		m = math.Min(m, p*(1-p)/v)
	}
	w := score(r.value, m, studentQuantile(r.rarer-1))
	e.Low, e.High = w.Low, w.High
	return e
}
