// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"slices"

	"github.com/assayrisk/assay/models"
)

// objective is a loss to be minimised: its first and second derivatives by
// the margin, row by row.
type objective interface {
	// start returns the constant margin that training begins from.
	start() float64
	// gradients fills out for rows [lo, hi) from their margins.
	gradients(score []float64, out []pair, lo, hi int)
	// leafValue returns a leaf's value from the margins of its rows, for losses
	// whose hessian does not determine it; for the others, ok is false.
	leafValue(score []float64, rows []uint32) (value float64, ok bool)
}

func newObjective(p *Params, label, weight []float64) objective {
	switch p.Objective {
	case models.Binary:
		return newLogistic(p, label, weight)
	case models.CrossEntropy:
		return &crossEntropy{label, weight}
	case models.Quantile:
		return &quantile{p.Alpha, label, weight}
	}
	return &squared{label, weight}
}

// weightedMean sums in row order.
func weightedMean(v, weight []float64) float64 {
	var s, w float64
	for i, x := range v {
		if weight == nil {
			s += x
			w++
		} else {
			s += float64(x * weight[i])
			w += weight[i]
		}
	}
	return s / w
}

// logit is the margin at which the mean prediction is p, kept finite for
// labels of one class.
func logit(p float64) float64 {
	p = min(max(p, 1e-15), 1-1e-15)
	return log(p / (1 - p))
}

// logistic is the logistic loss of labels 0 and 1.
type logistic struct {
	label     []float64
	rowWeight []float64 // weights of the rows, or nil
	weight    []float64 // the same times class weights
	sigmoid   float64
}

func newLogistic(p *Params, label, weight []float64) *logistic {
	b := &logistic{label: label, rowWeight: weight, weight: weight, sigmoid: p.Sigmoid}
	var pos, neg float64
	for i, y := range label {
		w := 1.0
		if weight != nil {
			w = weight[i]
		}
		if y > 0 {
			pos += w
		} else {
			neg += w
		}
	}
	wp, wn := p.ScalePosWeight, 1.0
	if p.IsUnbalance && pos > 0 && neg > 0 {
		if pos > neg {
			wn = pos / neg
		} else {
			wp = neg / pos
		}
	}
	if wp != 1 || wn != 1 {
		b.weight = make([]float64, len(label))
		for i, y := range label {
			w := wn
			if y > 0 {
				w = wp
			}
			if weight != nil {
				w *= weight[i]
			}
			b.weight[i] = w
		}
	}
	return b
}

// start does not count class weights, as in LightGBM.
func (b *logistic) start() float64 { return logit(weightedMean(b.label, b.rowWeight)) / b.sigmoid }

func (b *logistic) gradients(score []float64, out []pair, lo, hi int) {
	k := b.sigmoid
	if k == 1 && b.weight == nil {
		logisticPairs(score[lo:hi], b.label[lo:hi], out[lo:hi])
		return
	}
	for i := lo; i < hi; i++ {
		p := 1 / (1 + exp(-float64(k*score[i])))
		d := float64(k * (p - b.label[i]))
		dd := float64(float64(k*k) * float64(p*(1-p)))
		if b.weight != nil {
			d *= b.weight[i]
			dd *= b.weight[i]
		}
		out[i] = pair{float32(d), float32(dd)}
	}
}

func (b *logistic) leafValue([]float64, []uint32) (float64, bool) { return 0, false }

// crossEntropy is the logistic loss of labels in [0, 1].
type crossEntropy struct{ label, weight []float64 }

func (c *crossEntropy) start() float64 { return logit(weightedMean(c.label, c.weight)) }

func (c *crossEntropy) gradients(score []float64, out []pair, lo, hi int) {
	if c.weight == nil {
		logisticPairs(score[lo:hi], c.label[lo:hi], out[lo:hi])
		return
	}
	for i := lo; i < hi; i++ {
		p := 1 / (1 + exp(-score[i]))
		d, dd := float64((p-c.label[i])*c.weight[i]), float64(float64(p*(1-p))*c.weight[i])
		out[i] = pair{float32(d), float32(dd)}
	}
}

func (c *crossEntropy) leafValue([]float64, []uint32) (float64, bool) { return 0, false }

// squared is half the squared error.
type squared struct{ label, weight []float64 }

func (s *squared) start() float64 { return weightedMean(s.label, s.weight) }

func (s *squared) gradients(score []float64, out []pair, lo, hi int) {
	for i := lo; i < hi; i++ {
		d, dd := score[i]-s.label[i], 1.0
		if s.weight != nil {
			d *= s.weight[i]
			dd = s.weight[i]
		}
		out[i] = pair{float32(d), float32(dd)}
	}
}

func (s *squared) leafValue([]float64, []uint32) (float64, bool) { return 0, false }

// quantile is the pinball loss at level alpha. Its hessian is taken as 1, and
// leaf values are the quantiles of the leaf's residuals.
type quantile struct {
	alpha         float64
	label, weight []float64
}

func (q *quantile) start() float64 {
	rows := make([]uint32, len(q.label))
	for i := range rows {
		rows[i] = uint32(i)
	}
	v, _ := q.leafValue(make([]float64, len(q.label)), rows)
	return v
}

func (q *quantile) gradients(score []float64, out []pair, lo, hi int) {
	for i := lo; i < hi; i++ {
		d, dd := 1-q.alpha, 1.0
		if score[i] < q.label[i] {
			d = -q.alpha
		}
		if q.weight != nil {
			d *= q.weight[i]
			dd = q.weight[i]
		}
		out[i] = pair{float32(d), float32(dd)}
	}
}

// leafValue is the alpha-quantile of the residuals. Without weights it interpolates
// between order statistics; with weights it is the first value at which the
// cumulative weight reaches alpha of the total.
func (q *quantile) leafValue(score []float64, rows []uint32) (float64, bool) {
	type residual struct{ v, w float64 }
	r := make([]residual, len(rows))
	var total float64
	for i, k := range rows {
		r[i] = residual{q.label[k] - score[k], 1}
		if q.weight != nil {
			r[i].w = q.weight[k]
		}
		total += r[i].w
	}
	if len(r) == 0 || total == 0 {
		return 0, true
	}
	slices.SortStableFunc(r, func(a, b residual) int {
		switch {
		case a.v < b.v:
			return -1
		case a.v > b.v:
			return 1
		}
		return 0
	})
	if q.weight == nil {
		at := float64(q.alpha * float64(len(r)-1))
		k := int(math.Floor(at))
		if k+1 >= len(r) {
			return r[len(r)-1].v, true
		}
		return r[k].v + float64((at-float64(k))*(r[k+1].v-r[k].v)), true
	}
	var c float64
	for _, e := range r {
		c += e.w
		if c >= float64(q.alpha*total) {
			return e.v, true
		}
	}
	return r[len(r)-1].v, true
}
