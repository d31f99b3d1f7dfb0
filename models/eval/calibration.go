// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Brier returns the mean squared error of probabilities (Brier 1950).
func Brier(label, pd []float64) float64 {
	var s float64
	for i, y := range label {
		d := pd[i] - y
		s += float64(d * d)
	}
	return ratio(s, float64(len(label)))
}

// epsilon keeps logarithms finite, as scikit-learn's log_loss does.
const epsilon = 0x1p-52

func clipPD(p float64) float64 { return min(max(p, epsilon), 1-epsilon) }

// LogLoss returns the mean negative log-likelihood, in nats; probabilities are
// clipped to 2^-52 .. 1-2^-52.
func LogLoss(label, pd []float64) float64 {
	var s float64
	for i, y := range label {
		s += rowLoss(y, pd[i])
	}
	return ratio(s, float64(len(label)))
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
}

// Observed returns the bad rate of the group.
func (g Group) Observed() float64 { return ratio(float64(g.Bad), float64(g.N)) }

// Groups cuts the rows, sorted by PD, into at most k groups of nearly equal
// size. Equal PDs stay together: a group grows until the next PD differs.
func Groups(label, pd []float64, k int) []Group {
	return groups(label, pd, descending(pd), k)
}

// groups is Groups of rows whose order by falling PD is known.
func groups(label, pd []float64, falling []int32, k int) []Group {
	var out []Group
	n := len(falling)
	row := func(k int) int32 { return falling[n-1-k] } // by rising PD
	for from := 0; from < n; {
		to := from
		if rest := k - len(out); rest > 1 {
			to += (n - from + rest/2) / rest
		} else {
			to = n
		}
		to = min(max(to, from+1), n)
		for to < n && pd[row(to)] == pd[row(to-1)] {
			to++
		}
		g := Group{N: to - from, Low: pd[row(from)], High: pd[row(to-1)]}
		var sum float64
		for at := from; at < to; at++ {
			i := row(at)
			sum += pd[i]
			if label[i] == 1 {
				g.Bad++
			}
		}
		g.Mean = sum / float64(g.N)
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
	var n, bad int
	for _, g := range groups {
		n, bad = n+g.N, bad+g.Bad
	}
	mean := ratio(float64(bad), float64(n))
	d := Decomposition{Uncertainty: mean * (1 - mean)}
	for _, g := range groups {
		w, gap, lift := float64(g.N)/float64(n), g.Mean-g.Observed(), g.Observed()-mean
		d.Reliability += float64(w * float64(gap*gap))
		d.Resolution += float64(w * float64(lift*lift))
	}
	d.Within = Brier(label, pd) - d.Reliability + d.Resolution - d.Uncertainty
	return d
}

// ECE returns the expected calibration error: the gap between predicted and
// observed, averaged over groups by their size (Naeini et al. 2015).
func ECE(groups []Group) float64 {
	var s, n float64
	for _, g := range groups {
		s += float64(float64(g.N) * math.Abs(g.Mean-g.Observed()))
		n += float64(g.N)
	}
	return ratio(s, n)
}

// calibrationChance is what right PDs give on average over the groups: outcomes
// scatter about them.
func calibrationChance(groups []Group) map[string]float64 {
	var ece, reliability, n float64
	for _, g := range groups {
		n += float64(g.N)
	}
	for _, g := range groups {
		v := g.Mean * (1 - g.Mean) / float64(g.N)
		w := float64(g.N) / n
		ece += float64(w * math.Sqrt(2/math.Pi*v))
		reliability += float64(w * v)
	}
	return map[string]float64{"ece": ece, "brier_reliability": reliability}
}

// HosmerLemeshow returns the statistic, its degrees of freedom and p-value.
// The rows must not have trained the model: the degrees of freedom are then
// the number of groups (on training rows they would be two fewer).
func HosmerLemeshow(groups []Group) (chi2 float64, df int, p float64) {
	for _, g := range groups {
		v := float64(g.N) * g.Mean * (1 - g.Mean)
		if v <= 0 {
			return math.NaN(), len(groups), math.NaN()
		}
		d := float64(g.Bad) - float64(float64(g.N)*g.Mean)
		chi2 += d * d / v
	}
	if len(groups) == 0 {
		return math.NaN(), 0, math.NaN()
	}
	return chi2, len(groups), distuv.ChiSquared{K: float64(len(groups))}.Survival(chi2)
}

// Spiegelhalter returns his z-test of calibration (1986), which needs no
// groups, and its two-sided p-value.
func Spiegelhalter(label, pd []float64) (z, p float64) {
	var top, v float64
	for i, y := range label {
		q := pd[i]
		top += float64((y - q) * (1 - 2*q))
		v += float64(float64((1-2*q)*(1-2*q)) * float64(q*(1-q)))
	}
	if v <= 0 {
		return math.NaN(), math.NaN()
	}
	z = top / math.Sqrt(v)
	return z, 2 * distuv.UnitNormal.CDF(-math.Abs(z))
}

// CoxLine is the calibration line of Cox (1958): logit(observed) = Intercept +
// Slope logit(pd), fitted by maximum likelihood. Slope 1 and intercept 0 are
// perfect; a slope below 1 says that the PDs are too extreme. Large is the
// intercept with the slope held at 1 (calibration in the large): above 0, too
// few defaults were predicted.
type CoxLine struct {
	Intercept, Slope, Large       float64
	SEIntercept, SESlope, SELarge float64
}

// CalibrationLine fits the line; NaN where it has no finite maximum (one
// class, or PDs that separate the classes).
func CalibrationLine(label, pd []float64) CoxLine {
	x := make([]float64, len(pd))
	for i, p := range pd {
		q := clipPD(p)
		x[i] = bitmath.Log(q / (1 - q))
	}
	var l CoxLine
	l.Intercept, l.Slope, l.SEIntercept, l.SESlope = fitLine(label, x, true)
	l.Large, _, l.SELarge, _ = fitLine(label, x, false)
	return l
}

// fitLine is Newton's method on the two coefficients; free says whether the
// slope is fitted or held at 1.
func fitLine(label, x []float64, free bool) (a, b, sa, sb float64) {
	bad := math.NaN()
	b = 1
	if free {
		b = 0
	}
	spread, last := false, math.Inf(1)
	for _, v := range x {
		spread = spread || v != x[0]
	}
	if len(x) == 0 || free && !spread {
		return bad, bad, bad, bad
	}
	for range 100 {
		var ga, gb, haa, hab, hbb float64
		for i, y := range label {
			p := 1 / (1 + bitmath.Exp(-(a + float64(b*x[i]))))
			w := p * (1 - p)
			ga, gb = ga+(y-p), gb+float64((y-p)*x[i])
			haa, hab, hbb = haa+w, hab+float64(w*x[i]), hbb+float64(float64(w*x[i])*x[i])
		}
		if haa <= 0 {
			return bad, bad, bad, bad
		}
		var da, db float64
		if free {
			det := float64(haa*hbb) - float64(hab*hab)
			if det <= 0 {
				return bad, bad, bad, bad
			}
			da, db = (float64(hbb*ga)-float64(hab*gb))/det, (float64(haa*gb)-float64(hab*ga))/det
			sa, sb = math.Sqrt(hbb/det), math.Sqrt(haa/det)
		} else {
			da, sa = ga/haa, 1/math.Sqrt(haa)
		}
		// A long step is cut: far from the maximum the quadratic is a bad guide.
		if m := math.Max(math.Abs(da), math.Abs(db)); m > 5 {
			da, db = da*5/m, db*5/m
		}
		a, b = a+da, b+db
		// On many rows the sums' own rounding keeps steps from vanishing: once they
		// are small and do not shrink, this is the maximum.
		step := math.Max(math.Abs(da), math.Abs(db))
		if step < 1e-12 || step < 1e-9 && step >= last {
			return a, b, sa, sb
		}
		last = step
		if math.Abs(a) > 1e6 || math.Abs(b) > 1e6 {
			break
		}
	}
	return bad, bad, bad, bad
}

// BinomialTest returns the probability of at least k bad rows of n when each
// is bad with probability p: small when the PD of a grade is too low.
func BinomialTest(k, n int, p float64) float64 {
	switch {
	case n == 0 || math.IsNaN(p) || p < 0 || p > 1:
		return math.NaN()
	case k <= 0:
		return 1
	case p == 0:
		return 0
	}
	return mathext.RegIncBeta(float64(k), float64(n-k)+1, p)
}
