// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Estimate is a statistic with its interval. Value, Low and High are NaN where
// they are not defined.
type Estimate struct {
	Value  numfmt.Number `json:"value"`
	Low    numfmt.Number `json:"low"`
	High   numfmt.Number `json:"high"`
	N      int           `json:"n"`                // rows that it was computed on
	Level  numfmt.Number `json:"level,omitempty"`  // of the interval: 0.95
	Method string        `json:"method,omitempty"` // "DeLong, logit", "bootstrap, 500 resamples", ...
	// Chance is what a useless model, or no shift, gives on average on so many
	// rows; Corrected is the value less its bias. nil where they do not apply.
	Chance    *numfmt.Number `json:"chance,omitempty"`
	Corrected *numfmt.Number `json:"corrected,omitempty"`
}

// Level of all intervals.
const Level = 0.95

// placements returns DeLong's structural component of each row: for a bad row,
// the share of good rows that it beats; for a good row, the share of bad rows
// that beat it; ties count half.
func (c *Curve) placements(label []float64) []float64 {
	ofBad, ofGood := make([]float64, len(c.score)), make([]float64, len(c.score))
	above, below := 0.0, c.goodMass.sum
	for k := range c.score {
		b, g := c.bad[k], c.good[k]
		below -= g
		ofBad[k] = (below + g/2) / c.goodMass.sum
		ofGood[k] = (above + b/2) / c.badMass.sum
		above += b
	}
	out, at := make([]float64, len(c.order)), 0
	for k := range c.score {
		for ; at < int(c.end[k]); at++ {
			i := c.order[at]
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
// Clarke-Pearson 1988), clipped to 0..1. The variance takes at least two rows
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

// areaVariance is DeLong's variance of the area, the parts that are due to the
// bad and to the good rows. It takes two rows of each class. A row of weight w
// adds w² times its square: it was drawn once, and counts w times.
func (c *Curve) areaVariance() (bad, good float64) {
	if c.weight != nil {
		return c.weightedVariance()
	}
	auc := c.AUC()
	above, below := 0.0, c.goodMass.sum
	for k := range c.score {
		b, g := c.bad[k], c.good[k]
		below -= g
		db := (below+g/2)/c.goodMass.sum - auc
		dg := (above+b/2)/c.badMass.sum - auc
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
	return c.badMass.ofMean(bad), c.goodMass.ofMean(good)
}

// ofMean turns a sum of squares of weighted deviations into the variance of their
// mean.
func (m mass) ofMean(squares float64) float64 {
	n := m.effective()
	return squares / float64(m.sum*m.sum) * (n / (n - 1))
}

// Difference is the gap between two models on the same rows.
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
	return compareCurves(label, a, b), nil
}

func compareCurves(label []float64, a, b *Curve) Difference {
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
		e := (pa[i] - pb[i] - mean) * weightAt(a.weight, i)
		if y == 1 {
			vb += float64(e * e)
		} else {
			vg += float64(e * e)
		}
	}
	if a.weight == nil {
		vb, vg = vb/float64(a.Bad-1)/float64(a.Bad), vg/float64(a.Good-1)/float64(a.Good)
	} else {
		vb, vg = a.badMass.ofMean(vb), a.goodMass.ofMean(vg)
	}
	sd := math.Sqrt(vb + vg)
	d.Estimate = d.Estimate.within(sd, areaQuantile(a, vb, vg), -1, 1)
	if sd > 0 {
		z := mean / sd
		d.Z, d.P = numfmt.Number(z), numfmt.Number(2*distuv.UnitNormal.CDF(-math.Abs(z)))
	}
	return d
}

// around sets a normal interval of the standard error sd, clipped.
func (e Estimate) around(sd, lo, hi float64) Estimate { return e.within(sd, normalQuantile, lo, hi) }

// within sets an interval of z standard errors each way, clipped.
func (e Estimate) within(sd, z, lo, hi float64) Estimate {
	e.Low = numfmt.Number(max(lo, float64(e.Value)-float64(z*sd)))
	e.High = numfmt.Number(min(hi, float64(e.Value)+float64(z*sd)))
	return e
}

// Wilson returns a proportion with its score interval (Wilson 1927), which
// stays inside 0..1 and is defined for k = 0 and k = n.
func Wilson(k, n int) Estimate { return wilson(float64(k), float64(n)) }

// wilson takes counts that ties may have made fractions.
func wilson(k, n float64) Estimate {
	e := Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN(), N: int(math.Round(n)),
		Level: Level, Method: "Wilson"}
	if n == 0 {
		return e
	}
	s := score(k/n, n, normalQuantile)
	e.Value, e.Low, e.High = s.Value, s.Low, s.High
	if k == 0 {
		e.Low = 0
	}
	if k == n {
		e.High = 1
	}
	return e
}

// score is Wilson's interval of the rate p of n rows, z standard errors each
// way.
func score(p, n, z float64) Estimate {
	z2 := float64(z * z)
	mid := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(float64(p*(1-p))/n+z2/(4*n*n))
	return Estimate{Value: numfmt.Number(p), Low: numfmt.Number(max(0, mid-half)),
		High: numfmt.Number(min(1, mid+half))}
}
