// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/assayrisk/assay/internal/numfmt"
)

// placements returns DeLong's structural component of each row: for a bad row,
// the share of good rows that it beats; for a good row, the share of bad rows
// that beat it; ties count half.
func (c *Curve) placements(label []float64) []float64 {
	ofBad, ofGood := make([]float64, len(c.score)), make([]float64, len(c.score))
	above, below := 0.0, c.GoodTally.Sum
	for k := range c.score {
		b, g := c.bad[k], c.good[k]
		below -= g
		ofBad[k] = (below + g/2) / c.GoodTally.Sum
		ofGood[k] = (above + b/2) / c.BadTally.Sum
		above += b
	}
	out, at := make([]float64, len(c.Falling)), 0
	for k := range c.score {
		for ; at < int(c.end[k]); at++ {
			i := c.Falling[at]
			if label[i] == 1 {
				out[i] = ofBad[k]
			} else {
				out[i] = ofGood[k]
			}
		}
	}
	return out
}

// DeLong returns the AUC with its 95 % interval (DeLong, DeLong and
// Clarke-Pearson 1988), clipped to 0..1. The variance needs at least two rows
// of each class; with fewer the interval is NaN.
func (c *Curve) DeLong() Estimate {
	e := Estimate{Value: numfmt.Number(c.AUC()), Low: numfmt.NaN(), High: numfmt.NaN(), N: c.Rows(),
		Level: Level, Method: "DeLong"}
	if c.Bad < 2 || c.Good < 2 {
		return e
	}
	vb, vg := c.areaVariance()
	return e.around(math.Sqrt(vb+vg), 0, 1)
}

// areaVariance returns the two terms of DeLong's variance of the area, of the bad and
// of the good rows. It needs two rows of each class. A row of weight w adds w² times
// its squared deviation: it was sampled once and counts w times.
func (c *Curve) areaVariance() (bad, good float64) {
	if c.weight != nil {
		return c.weightedVariance()
	}
	auc := c.AUC()
	above, below := 0.0, c.GoodTally.Sum
	for k := range c.score {
		b, g := c.bad[k], c.good[k]
		below -= g
		db := (below+g/2)/c.GoodTally.Sum - auc
		dg := (above+b/2)/c.BadTally.Sum - auc
		bad += float64(b * float64(db*db))
		good += float64(g * float64(dg*dg))
		above += b
	}
	return bad / float64(c.Bad-1) / float64(c.Bad), good / float64(c.Good-1) / float64(c.Good)
}

// weightedVariance is areaVariance of rows that have weights.
func (c *Curve) weightedVariance() (bad, good float64) {
	label := c.labels()
	at, auc := c.placements(label), c.AUC()
	for i, y := range label {
		e := (at[i] - auc) * c.weight[i]
		if y == 1 {
			bad += float64(e * e)
		} else {
			good += float64(e * e)
		}
	}
	return c.BadTally.ofMean(bad), c.GoodTally.ofMean(good)
}

// ofMean turns a sum of squared weighted deviations into the variance of the mean.
func (m Tally) ofMean(squares float64) float64 {
	n := m.Effective()
	return squares / float64(m.Sum*m.Sum) * (n / (n - 1))
}

// Difference is the difference between the AUCs of two models on the same rows.
type Difference struct {
	Estimate               // first minus second
	Z        numfmt.Number `json:"z"` // NaN when the two never differ
	P        numfmt.Number `json:"p"` // two-sided
}

// CompareAUC returns the difference between the areas of two scores on the
// same rows with DeLong's paired interval and test. Rows must be in one order.
func CompareAUC(label, first, second []float64) (Difference, error) {
	a, err := NewCurve(label, first)
	if err != nil {
		return Difference{}, fmt.Errorf("first score: %w", err)
	}
	b, err := NewCurve(label, second)
	if err != nil {
		return Difference{}, fmt.Errorf("second score: %w", err)
	}
	return CompareCurves(label, a, b), nil
}

func CompareCurves(label []float64, a, b *Curve) Difference {
	d := Difference{Z: numfmt.NaN(), P: numfmt.NaN()}
	d.Estimate = Estimate{Value: numfmt.Number(a.AUC() - b.AUC()), Low: numfmt.NaN(), High: numfmt.NaN(),
		N: a.Rows(), Level: Level,
		Method: "DeLong, paired, Satterthwaite"}
	if a.Bad < 2 || a.Good < 2 {
		return d
	}
	// The variance of the difference is that of the differences of the rows'
	// placements: the covariance needs no matrix.
	pa, pb, mean := a.placements(label), b.placements(label), float64(d.Value)
	var vb, vg float64
	for i, y := range label {
		e := (pa[i] - pb[i] - mean) * WeightAt(a.weight, i)
		if y == 1 {
			vb += float64(e * e)
		} else {
			vg += float64(e * e)
		}
	}
	if a.weight == nil {
		vb, vg = vb/float64(a.Bad-1)/float64(a.Bad), vg/float64(a.Good-1)/float64(a.Good)
	} else {
		vb, vg = a.BadTally.ofMean(vb), a.GoodTally.ofMean(vg)
	}
	sd := math.Sqrt(vb + vg)
	d.Estimate = d.Estimate.within(sd, areaQuantile(a, vb, vg), -1, 1)
	if sd > 0 {
		z := mean / sd
		d.Z, d.P = numfmt.Number(z), numfmt.Number(2*distuv.UnitNormal.CDF(-math.Abs(z)))
	}
	return d
}
