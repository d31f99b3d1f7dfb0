// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
)

// CoxLine is the calibration line of Cox (1958): logit(observed) = Intercept +
// Slope logit(pd), fitted by maximum likelihood. Slope 1 and intercept 0 are
// perfect; with a slope below 1 the PDs are too extreme. Large is the
// intercept with the slope held at 1 (calibration in the large): above 0, too
// few defaults were predicted.
type CoxLine struct {
	Intercept, Slope, Large       float64
	SEIntercept, SESlope, SELarge float64
}

// CalibrationLine fits the line; nil weights are 1 each. With weights, standard errors
// are robust (Huber 1967): a row of weight w is not treated as w independent rows.
func CalibrationLine(label, pd, weight []float64) CoxLine {
	x := make([]float64, len(pd))
	for i, p := range pd {
		q := clipPD(p)
		x[i] = bitmath.Log(q / (1 - q))
	}
	var l CoxLine
	l.Intercept, l.Slope, l.SEIntercept, l.SESlope = fitLine(label, x, weight, true)
	l.Large, _, l.SELarge, _ = fitLine(label, x, weight, false)
	return l
}

// lineSums are the gradient and the information over rows at one line.
type lineSums struct{ ga, gb, haa, hab, hbb float64 }

func sumLine(label, x, weight []float64, a, b float64) (s lineSums) {
	for i, y := range label {
		p := 1 / (1 + bitmath.Exp(-(a + float64(b*x[i]))))
		v := WeightAt(weight, i)
		w, e := float64(v*float64(p*(1-p))), float64(v*(y-p))
		s.ga, s.gb = s.ga+e, s.gb+float64(e*x[i])
		s.haa, s.hab, s.hbb = s.haa+w, s.hab+float64(w*x[i]), s.hbb+float64(float64(w*x[i])*x[i])
	}
	return s
}

// robust returns standard errors of the two coefficients that do not treat a row of
// weight w as w independent rows: the sandwich estimator, with each row's residual
// corrected for its leverage (HC3, MacKinnon and White 1985). free says whether the
// slope was fitted.
func (s lineSums) robust(label, x, weight []float64, a, b float64, free bool) (sa, sb float64) {
	iaa, iab, ibb := 1/s.haa, 0.0, 0.0 // the inverse of the information
	if free {
		det := float64(s.haa*s.hbb) - float64(s.hab*s.hab)
		iaa, iab, ibb = s.hbb/det, -s.hab/det, s.haa/det
	}
	for i, y := range label {
		p := 1 / (1 + bitmath.Exp(-(a + float64(b*x[i]))))
		w := weight[i] * p * (1 - p)
		u, v := iaa+float64(iab*x[i]), iab+float64(ibb*x[i])
		leverage := w * (u + float64(v*x[i]))
		e := weight[i] * (y - p) / (1 - min(leverage, 0.999))
		sa, sb = sa+float64(float64(e*u)*float64(e*u)), sb+float64(float64(e*v)*float64(e*v))
	}
	return math.Sqrt(sa), math.Sqrt(sb)
}

// fitLine is Newton's method on the two coefficients; free says whether the
// slope is fitted or held at 1.
func fitLine(label, x, weight []float64, free bool) (a, b, sa, sb float64) {
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
		s := sumLine(label, x, weight, a, b)
		if s.haa <= 0 {
			return bad, bad, bad, bad
		}
		var da, db float64
		if free {
			det := float64(s.haa*s.hbb) - float64(s.hab*s.hab)
			if det <= 0 {
				return bad, bad, bad, bad
			}
			da, db = (float64(s.hbb*s.ga)-float64(s.hab*s.gb))/det, (float64(s.haa*s.gb)-float64(s.hab*s.ga))/det
			sa, sb = math.Sqrt(s.hbb/det), math.Sqrt(s.haa/det)
		} else {
			da, sa = s.ga/s.haa, 1/math.Sqrt(s.haa)
		}
		// A long step is cut: far from the maximum the quadratic approximation is poor.
		if m := math.Max(math.Abs(da), math.Abs(db)); m > 5 {
			da, db = da*5/m, db*5/m
		}
		a, b = a+da, b+db
		// On many rows the sums' own rounding keeps steps from vanishing: once they
		// are small and do not shrink, this is the maximum.
		step := math.Max(math.Abs(da), math.Abs(db))
		if step < 1e-12 || step < 1e-9 && step >= last {
			if weight != nil {
				sa, sb = s.robust(label, x, weight, a, b, free)
			}
			return a, b, sa, sb
		}
		last = step
		if math.Abs(a) > 1e6 || math.Abs(b) > 1e6 {
			break
		}
	}
	return bad, bad, bad, bad
}
