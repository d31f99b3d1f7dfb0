// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is matched by every error about data that this package was given.
var ErrInput = errors.New("evaluation input is not usable")

// Curve is a sample sorted by falling score, with equal scores gathered into
// one step, so that no statistic depends on the order of ties. It is
// immutable; all methods may be called at the same time.
type Curve struct {
	Bad, Good int // rows with label 1 and 0

	score     []float64 // one per step, falling
	bad       []float64 // weight of the bad rows at the step, their number where rows have no weights
	good      []float64
	end       []int32 // of the step's rows in order
	Falling   []int32 // rows from the highest score to the lowest, equal ones in their order
	weight    []float64
	badRows   []int32 // where rows have weights
	BadTally  Tally
	GoodTally Tally
}

// NewCurve sorts the rows. label holds 0 and 1 (1 = bad), score is higher for
// riskier rows, both of one length. A label that is neither, or a score that
// is NaN, is an error that names the row; infinities are allowed.
func NewCurve(label, score []float64) (*Curve, error) { return NewWeightedCurve(label, score, nil) }

// NewWeightedCurve is NewCurve for rows with weights: a row of weight w counts as w
// rows. Weights are finite and above 0; nil weights are 1 each.
func NewWeightedCurve(label, score, weight []float64) (*Curve, error) {
	if len(label) != len(score) {
		return nil, fmt.Errorf("%w: %d labels and %d scores", ErrInput, len(label), len(score))
	}
	if len(label) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d rows, at most %d are supported", ErrInput, len(label), math.MaxInt32)
	}
	for i, y := range label {
		if y != 0 && y != 1 {
			return nil, fmt.Errorf("%w: the label of row %d is neither 0 nor 1", ErrInput, i)
		}
		if math.IsNaN(score[i]) {
			return nil, fmt.Errorf("%w: the score of row %d is NaN", ErrInput, i)
		}
	}
	if err := CheckWeights("", weight, len(label)); err != nil {
		return nil, err
	}
	return CurveOf(label, score, weight), nil
}

func CurveOf(label, score, weight []float64) *Curve {
	c := &Curve{Falling: FallingOrder(score), weight: weight}
	steps := 0
	last := math.NaN()
	for _, i := range c.Falling {
		if s := score[i]; s != last {
			steps, last = steps+1, s
		}
	}
	c.score, c.bad, c.good, c.end = make([]float64, 0, steps), make([]float64, steps),
		make([]float64, steps), make([]int32, steps)
	last = math.NaN()
	for at, i := range c.Falling {
		if s := score[i]; s != last {
			c.score = append(c.score, s)
			last = s
		}
		k := len(c.score) - 1
		w := WeightAt(weight, int(i))
		if label[i] == 1 {
			c.bad[k] += w
			c.BadTally.Add(w)
			if weight != nil {
				c.badRows = append(c.badRows, i)
			}
		} else {
			c.good[k] += w
			c.GoodTally.Add(w)
		}
		c.end[k] = int32(at + 1)
	}
	c.Bad, c.Good = c.BadTally.Rows, c.GoodTally.Rows
	return c
}

// labels returns the label of each row, which the steps do not determine where both
// classes share a step.
func (c *Curve) labels() []float64 {
	out := make([]float64, len(c.Falling))
	for _, i := range c.badRows {
		out[i] = 1
	}
	return out
}

// Rows returns the number of rows.
func (c *Curve) Rows() int { return c.Bad + c.Good }

// Tally returns the weights of all rows added up.
func (c *Curve) Tally() Tally { return c.BadTally.plus(c.GoodTally) }

// BadRateEstimate is the bad rate with its interval.
func (c *Curve) BadRateEstimate() Estimate { return c.Tally().Rate(c.BadTally) }

// rarer returns the effective number of rows of the smaller class.
func (c *Curve) rarer() float64 { return min(c.BadTally.Effective(), c.GoodTally.Effective()) }

// BadRate returns the share of bad rows, NaN for an empty sample.
func (c *Curve) BadRate() float64 { return Ratio(c.BadTally.Sum, c.BadTally.Sum+c.GoodTally.Sum) }

// HasBothClasses reports whether there are bad and good rows.
func (c *Curve) HasBothClasses() bool { return c.BadTally.Sum > 0 && c.GoodTally.Sum > 0 }

// AUC returns the area under the ROC curve: the probability that a bad row
// scores above a good one, ties counted half (Hanley and McNeil 1982). NaN
// when a class is absent.
func (c *Curve) AUC() float64 {
	if !c.HasBothClasses() {
		return math.NaN()
	}
	// Twice the weight of won pairs: without weights a whole number, exact up to
	// 9e15.
	var below, twice float64
	for k := len(c.score) - 1; k >= 0; k-- {
		b, g := c.bad[k], c.good[k]
		twice += float64(b * (float64(2*below) + g))
		below += g
	}
	return twice / 2 / float64(c.BadTally.Sum*c.GoodTally.Sum)
}

// Gini returns 2 AUC - 1, the accuracy ratio of the CAP curve.
func (c *Curve) Gini() float64 { return 2*c.AUC() - 1 }

// KS returns the Kolmogorov-Smirnov distance between the scores of bad and
// good rows, in 0..1, and the score at which it is reached (the highest such
// score; rows at or above it are rejected).
func (c *Curve) KS() (distance, at float64) {
	if !c.HasBothClasses() {
		return math.NaN(), math.NaN()
	}
	at = c.score[0]
	var b, g float64
	for k := range c.score {
		b, g = b+c.bad[k], g+c.good[k]
		if d := math.Abs(b/c.BadTally.Sum - g/c.GoodTally.Sum); d > distance {
			distance, at = d, c.score[k]
		}
	}
	return distance, at
}

// AveragePrecision returns the area under the precision-recall step curve,
// sum (R_k - R_(k-1)) P_k, without interpolation. NaN without bad rows.
func (c *Curve) AveragePrecision() float64 {
	if c.BadTally.Sum == 0 {
		return math.NaN()
	}
	var b, g float64
	var sum float64
	for k := range c.score {
		b, g = b+c.bad[k], g+c.good[k]
		if c.bad[k] > 0 {
			sum += float64(c.bad[k] / c.BadTally.Sum * (b / (b + g)))
		}
	}
	return sum
}

// TPRAt returns the share of bad rows caught when at most the given share of
// good rows is rejected, on the ROC curve with straight lines between steps.
func (c *Curve) TPRAt(fpr float64) float64 {
	if !c.HasBothClasses() {
		return math.NaN()
	}
	var b, g float64
	for k := range c.score {
		nb, ng := b+c.bad[k], g+c.good[k]
		if f := ng / c.GoodTally.Sum; f > fpr {
			f0 := g / c.GoodTally.Sum
			t0, t1 := b/c.BadTally.Sum, nb/c.BadTally.Sum
			return t0 + float64((t1-t0)*((fpr-f0)/(f-f0)))
		}
		b, g = nb, ng
	}
	return 1
}

// PartialAUC returns the area under the ROC curve up to a share of good rows
// rejected, on McClish's scale (1989): 0.5 is chance and 1 is perfect, as for the
// whole area.
func (c *Curve) PartialAUC(share float64) float64 {
	if !c.HasBothClasses() {
		return math.NaN()
	}
	var area, f, t float64
	var b, g float64
	for k := range c.bad {
		b, g = b+c.bad[k], g+c.good[k]
		nf, nt := g/c.GoodTally.Sum, b/c.BadTally.Sum
		if nf > share {
			nt = t + float64((nt-t)*((share-f)/(nf-f)))
			nf = share
		}
		area += float64((nf - f) * (nt + t) / 2)
		if f, t = nf, nt; f >= share {
			break
		}
	}
	least := share * share / 2
	return (1 + (area-least)/(share-least)) / 2
}

// Points returns the ROC curve from (0,0) to (1,1), one point a step, thinned
// to about max points (0 = all) by keeping the steps that move furthest.
func (c *Curve) Points(max int) (fpr, tpr []float64) {
	fpr, tpr = []float64{0}, []float64{0}
	if !c.HasBothClasses() {
		return fpr, tpr
	}
	every := 0.0
	if max > 0 {
		every = 2 / float64(max)
	}
	var b, g float64
	for k := range c.score {
		b, g = b+c.bad[k], g+c.good[k]
		x, y := g/c.GoodTally.Sum, b/c.BadTally.Sum
		n := len(fpr) - 1
		if k == len(c.score)-1 || x-fpr[n]+y-tpr[n] >= every {
			fpr, tpr = append(fpr, x), append(tpr, y)
		}
	}
	return fpr, tpr
}

// Distributions returns the shares of bad and of good rows up to each score,
// from the lowest, thinned to about max scores.
func (c *Curve) Distributions(max int) (score, bad, good []float64) {
	var nb, ng float64
	n := len(c.score)
	every := 1
	if n > max {
		every = n / max
	}
	for k := n - 1; k >= 0; k-- {
		nb, ng = nb+c.bad[k], ng+c.good[k]
		if k%every == 0 || k == n-1 {
			score = append(score, c.score[k])
			bad, good = append(bad, nb/c.BadTally.Sum), append(good, ng/c.GoodTally.Sum)
		}
	}
	return score, bad, good
}
