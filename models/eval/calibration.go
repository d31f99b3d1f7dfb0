// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Brier returns the mean squared error of probabilities (Brier 1950).
func Brier(label, pd []float64) float64 { return brierScore(label, pd, nil) }

func brierScore(label, pd, weight []float64) float64 {
	var s float64
	for i, y := range label {
		d := pd[i] - y
		s += float64(weightAt(weight, i) * float64(d*d))
	}
	return ratio(s, massOf(weight, len(label)).sum)
}

// epsilon keeps logarithms finite, as scikit-learn's log_loss does.
const epsilon = 0x1p-52

func clipPD(p float64) float64 { return min(max(p, epsilon), 1-epsilon) }

// LogLoss returns the mean negative log-likelihood, in nats; probabilities are
// clipped to 2^-52 .. 1-2^-52.
func LogLoss(label, pd []float64) float64 { return logLoss(label, pd, nil) }

// WeightedLogLoss is LogLoss of rows that have weights; nil is 1 each.
func WeightedLogLoss(label, pd, weight []float64) float64 { return logLoss(label, pd, weight) }

func logLoss(label, pd, weight []float64) float64 {
	var s float64
	for i, y := range label {
		s += float64(weightAt(weight, i) * rowLoss(y, pd[i]))
	}
	return ratio(s, massOf(weight, len(label)).sum)
}

// rowLoss is one row's part of the log-loss.
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

	all, bad mass // zero = N rows of weight 1
}

// Observed returns the bad rate of the group.
func (g Group) Observed() float64 { m, bad := g.mass(); return ratio(bad.sum, m.sum) }

// mass is the weight of the group, and of its bad rows.
func (g Group) mass() (m, bad mass) {
	if g.all.rows == 0 {
		return equal(g.N), equal(g.Bad)
	}
	return g.all, g.bad
}

// rate is the group's bad rate with its interval.
func (g Group) rate() Estimate { m, bad := g.mass(); return m.rate(bad) }

// Groups cuts the rows, sorted by PD, into at most k groups of nearly equal
// size. Equal PDs stay together: a group grows until the next PD differs.
func Groups(label, pd []float64, k int) []Group {
	return groups(label, pd, nil, descending(pd), k)
}

// groups is Groups of rows that have weights and whose order by falling PD is
// known.
func groups(label, pd, weight []float64, falling []int32, k int) []Group {
	var out []Group
	n := len(falling)
	rest := massOf(weight, n).sum
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
			w := weightAt(weight, int(i))
			g.all.add(w)
			sum += float64(w * pd[i])
			if label[i] == 1 {
				g.Bad++
				g.bad.add(w)
			}
		}
		g.Mean = sum / g.all.sum
		rest -= g.all.sum
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

// Decompose splits the Brier score over the groups.
func Decompose(label, pd []float64, groups []Group) Decomposition {
	return decompose(Brier(label, pd), groups)
}

func decompose(brier float64, groups []Group) Decomposition {
	var n, bad float64
	for _, g := range groups {
		m, k := g.mass()
		n, bad = n+m.sum, bad+k.sum
	}
	mean := ratio(bad, n)
	d := Decomposition{Uncertainty: mean * (1 - mean)}
	for _, g := range groups {
		m, _ := g.mass()
		w, gap, lift := m.sum/n, g.Mean-g.Observed(), g.Observed()-mean
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
		s += float64(m.sum * math.Abs(g.Mean-g.Observed()))
		n += m.sum
	}
	return ratio(s, n)
}

// calibrationChance is what right PDs give on average over the groups: outcomes
// scatter about them, which parts the groups further, too.
func calibrationChance(groups []Group) map[string]float64 {
	var ece, reliability, resolution, n, mean float64
	for _, g := range groups {
		m, _ := g.mass()
		n, mean = n+m.sum, mean+float64(m.sum*g.Mean)
	}
	mean /= n
	for _, g := range groups {
		m, _ := g.mass()
		v := g.Mean * (1 - g.Mean) / m.effective()
		w, lift := m.sum/n, g.Mean-mean
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
// have weights, a group counts as its effective number of rows.
func HosmerLemeshow(groups []Group) (chi2 float64, df int, p float64) {
	for _, g := range groups {
		m, bad := g.mass()
		n := m.effective()
		v := n * g.Mean * (1 - g.Mean)
		if v <= 0 {
			return math.NaN(), len(groups), math.NaN()
		}
		d := float64(bad.sum*(n/m.sum)) - float64(n*g.Mean)
		chi2 += d * d / v
	}
	if len(groups) == 0 {
		return math.NaN(), 0, math.NaN()
	}
	return chi2, len(groups), distuv.ChiSquared{K: float64(len(groups))}.Survival(chi2)
}

// Spiegelhalter returns his z-test of calibration (1986), which needs no
// groups, and its two-sided p-value.
func Spiegelhalter(label, pd []float64) (z, p float64) { return spiegelhalter(label, pd, nil) }

func spiegelhalter(label, pd, weight []float64) (z, p float64) {
	var top, v float64
	for i, y := range label {
		q, w := pd[i], weightAt(weight, i)
		top += float64(w * float64((y-q)*(1-2*q)))
		v += float64(float64(w*w) * float64(float64((1-2*q)*(1-2*q))*float64(q*(1-q))))
	}
	if v <= 0 {
		return math.NaN(), math.NaN()
	}
	z = top / math.Sqrt(v)
	return z, 2 * distuv.UnitNormal.CDF(-math.Abs(z))
}

// BinomialTest returns the probability of at least k bad rows of n when each
// is bad with probability p: small when the PD of a grade is too low.
func BinomialTest(k, n int, p float64) float64 { return binomialTest(float64(k), float64(n), p) }

// binomialTest takes counts that weights may have made fractions.
func binomialTest(k, n, p float64) float64 {
	switch {
	case n == 0 || math.IsNaN(p) || p < 0 || p > 1:
		return math.NaN()
	case k <= 0:
		return 1
	case p == 0:
		return 0
	}
	return mathext.RegIncBeta(k, n-k+1, p)
}
