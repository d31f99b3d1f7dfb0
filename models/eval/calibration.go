// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/assayrisk/assay/internal/bitmath"
)

func Brier(label, pd, weight []float64) float64 {
	var s float64
	for i, y := range label {
		d := pd[i] - y
		s += float64(WeightAt(weight, i) * float64(d*d))
	}
	return Ratio(s, TallyOf(weight, len(label)).Sum)
}

// epsilon keeps logarithms finite, as scikit-learn's log_loss does.
const epsilon = 0x1p-52

func clipPD(p float64) float64 { return min(max(p, epsilon), 1-epsilon) }

func LogLoss(label, pd, weight []float64) float64 {
	var s float64
	for i, y := range label {
		s += float64(WeightAt(weight, i) * rowLoss(y, pd[i]))
	}
	return Ratio(s, TallyOf(weight, len(label)).Sum)
}

// rowLoss is the log-loss of one row.
func rowLoss(y, pd float64) float64 {
	p := clipPD(pd)
	if y == 1 {
		return -bitmath.Log(p)
	}
	return -bitmath.Log(1 - p)
}

// Group is one bin of a reliability diagram.
type Group struct {
	N    int
	Bad  int
	Mean float64 // mean predicted PD
	Low  float64 // smallest PD in the group
	High float64 // largest

	all, bad Tally // zero = N rows of weight 1
}

// Observed returns the bad rate of the group.
func (g Group) Observed() float64 { m, bad := g.mass(); return Ratio(bad.Sum, m.Sum) }

// mass returns the weight of the group and of its bad rows.
func (g Group) mass() (m, bad Tally) {
	if g.all.Rows == 0 {
		return equal(g.N), equal(g.Bad)
	}
	return g.all, g.bad
}

// Rate is the group's bad rate with its interval.
func (g Group) Rate() Estimate { m, bad := g.mass(); return m.Rate(bad) }

// Groups cuts the rows into at most k groups of nearly equal size by PD; equal PDs
// stay together. falling lists the rows by falling PD.
func Groups(label, pd, weight []float64, falling []int32, k int) []Group {
	var out []Group
	n := len(falling)
	rest := TallyOf(weight, n).Sum
	row := func(k int) int32 { return falling[n-1-k] } // by rising PD
	for from := 0; from < n; {
		to := from
		switch left := k - len(out); {
		case left <= 1:
			to = n
		case weight == nil:
			to += (n - from + left/2) / left
		default:
			for size := 0.0; to < n && size < rest/float64(left)*(1-1e-12); to++ {
				size += weight[row(to)]
			}
		}
		to = min(max(to, from+1), n)
		for to < n && pd[row(to)] == pd[row(to-1)] {
			to++
		}
		g := Group{N: to - from, Low: pd[row(from)], High: pd[row(to-1)]}
		var sum float64
		for at := from; at < to; at++ {
			i := row(at)
			w := WeightAt(weight, int(i))
			g.all.Add(w)
			sum += float64(w * pd[i])
			if label[i] == 1 {
				g.Bad++
				g.bad.Add(w)
			}
		}
		g.Mean = sum / g.all.Sum
		rest -= g.all.Sum
		out = append(out, g)
		from = to
	}
	return out
}

// Decomposition is Murphy's (1973) split of the Brier score over groups:
// Brier = Reliability - Resolution + Uncertainty + Within.
type Decomposition struct {
	Reliability float64 // squared gap between predicted and observed; 0 is best
	Resolution  float64 // how far the groups' bad rates lie from the mean; more is better
	Uncertainty float64 // p (1-p) of the sample: no model changes it
	Within      float64 // what grouping hides (Stephenson, Coelho and Jolliffe 2008)
}

func Decompose(brier float64, groups []Group) Decomposition {
	var n, bad float64
	for _, g := range groups {
		m, k := g.mass()
		n, bad = n+m.Sum, bad+k.Sum
	}
	mean := Ratio(bad, n)
	d := Decomposition{Uncertainty: mean * (1 - mean)}
	for _, g := range groups {
		m, _ := g.mass()
		w, gap, lift := m.Sum/n, g.Mean-g.Observed(), g.Observed()-mean
		d.Reliability += float64(w * float64(gap*gap))
		d.Resolution += float64(w * float64(lift*lift))
	}
	d.Within = brier - d.Reliability + d.Resolution - d.Uncertainty
	return d
}

// ECE returns the expected calibration error: the gap between predicted and
// observed, averaged over groups by their size (Naeini et al. 2015).
func ECE(groups []Group) float64 {
	var s, n float64
	for _, g := range groups {
		m, _ := g.mass()
		s += float64(m.Sum * math.Abs(g.Mean-g.Observed()))
		n += m.Sum
	}
	return Ratio(s, n)
}

// CalibrationByChance returns the average of statistics over the groups if the PDs
// were correct: outcomes scatter about the PDs, which also adds to the resolution.
func CalibrationByChance(groups []Group) map[string]float64 {
	var ece, reliability, resolution, n, mean float64
	for _, g := range groups {
		m, _ := g.mass()
		n, mean = n+m.Sum, mean+float64(m.Sum*g.Mean)
	}
	mean /= n
	for _, g := range groups {
		m, _ := g.mass()
		v := g.Mean * (1 - g.Mean) / m.Effective()
		w, lift := m.Sum/n, g.Mean-mean
		ece += float64(w * math.Sqrt(2/math.Pi*v))
		reliability += float64(w * v)
		resolution += float64(w*float64(lift*lift)) + float64(w*float64((1-w)*v))
	}
	return map[string]float64{"ece": ece, "brier_reliability": reliability, "brier_resolution": resolution,
		"hosmer_lemeshow": float64(len(groups))}
}

// HosmerLemeshow returns the statistic, its degrees of freedom and p-value.
// The rows must not have trained the model: the degrees of freedom are then
// the number of groups (on training rows they would be two fewer). Where rows
// have weights, the effective number of rows of a group is used.
func HosmerLemeshow(groups []Group) (chi2 float64, df int, p float64) {
	for _, g := range groups {
		m, bad := g.mass()
		n := m.Effective()
		v := n * g.Mean * (1 - g.Mean)
		if v <= 0 {
			return math.NaN(), len(groups), math.NaN()
		}
		d := float64(bad.Sum*(n/m.Sum)) - float64(n*g.Mean)
		chi2 += d * d / v
	}
	if len(groups) == 0 {
		return math.NaN(), 0, math.NaN()
	}
	return chi2, len(groups), distuv.ChiSquared{K: float64(len(groups))}.Survival(chi2)
}

func Spiegelhalter(label, pd, weight []float64) (z, p float64) {
	var top, v float64
	for i, y := range label {
		q, w := pd[i], WeightAt(weight, i)
		top += float64(w * float64((y-q)*(1-2*q)))
		v += float64(float64(w*w) * float64(float64((1-2*q)*(1-2*q))*float64(q*(1-q))))
	}
	if v <= 0 {
		return math.NaN(), math.NaN()
	}
	z = top / math.Sqrt(v)
	return z, 2 * distuv.UnitNormal.CDF(-math.Abs(z))
}
