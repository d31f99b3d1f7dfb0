// SPDX-License-Identifier: Apache-2.0

package models

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/assayrisk/assay/internal/bitmath"
)

// The calibration methods.
const (
	CalibrationNone     = "none"     // PD = sigmoid(margin)
	CalibrationPlatt    = "platt"    // PD = sigmoid(A*margin + B)
	CalibrationBeta     = "beta"     // PD = sigmoid(A*ln p - B*ln(1-p) + C), p = sigmoid(margin)
	CalibrationIsotonic = "isotonic" // PD interpolated between the knots X, Y
)

// Calibration maps a margin (log-odds) to a probability of the bad event. The
// zero value is CalibrationNone. It is monotone: a larger margin never gets a
// smaller probability. Fit it on margins that the model did not train on
// (out-of-fold or validation rows).
type Calibration struct {
	Method string    `json:"method"`
	A      float64   `json:"a,omitempty"`
	B      float64   `json:"b,omitempty"`
	C      float64   `json:"c,omitempty"`
	X      []float64 `json:"x,omitempty"` // margins of the knots, strictly increasing
	Y      []float64 `json:"y,omitempty"` // probabilities at the knots, non-decreasing
	Rows   int       `json:"rows,omitempty"`
	Source string    `json:"source,omitempty"` // which rows it was fitted on, in words
}

// Validate checks what Apply relies on.
func (c *Calibration) Validate() error {
	switch c.Method {
	case "", CalibrationNone:
		return nil
	case CalibrationPlatt:
		if !isFinite(c.A) || !isFinite(c.B) || c.A < 0 {
			return fmt.Errorf("calibration platt: a = %v, b = %v: want finite numbers and a >= 0", c.A, c.B)
		}
	case CalibrationBeta:
		if !isFinite(c.A) || !isFinite(c.B) || !isFinite(c.C) || c.A < 0 || c.B < 0 {
			return fmt.Errorf("calibration beta: a = %v, b = %v, c = %v: want finite numbers, a and b >= 0", c.A, c.B,
				c.C)
		}
	case CalibrationIsotonic:
		if len(c.X) == 0 || len(c.X) != len(c.Y) {
			return fmt.Errorf("calibration isotonic: %d margins and %d probabilities, want the same number, at least "+
				"one", len(c.X), len(c.Y))
		}
		for i := range c.X {
			if !isFinite(c.X[i]) || !(c.Y[i] >= 0 && c.Y[i] <= 1) ||
				i > 0 && (c.X[i] <= c.X[i-1] || c.Y[i] < c.Y[i-1]) {
				return fmt.Errorf("calibration isotonic: knot %d is not in increasing order or not a probability", i)
			}
		}
	default:
		return fmt.Errorf("calibration method %q: want none, platt, beta or isotonic", c.Method)
	}
	return nil
}

// Apply returns the probability of the bad event for a margin. A NaN margin
// gives NaN.
func (c *Calibration) Apply(margin float64) float64 {
	switch c.Method {
	case CalibrationPlatt:
		return bitmath.Sigmoid(float64(c.A*margin) + c.B)
	case CalibrationBeta:
		return bitmath.Sigmoid(float64(-c.A*bitmath.Softplus(-margin)) + float64(c.B*bitmath.Softplus(margin)) + c.C)
	case CalibrationIsotonic:
		return c.interpolate(margin)
	}
	return bitmath.Sigmoid(margin)
}

func (c *Calibration) interpolate(m float64) float64 {
	n := len(c.X)
	if m != m {
		return m
	}
	i := sort.SearchFloat64s(c.X, m)
	switch {
	case i == 0:
		return c.Y[0]
	case i == n:
		return c.Y[n-1]
	}
	t := (m - c.X[i-1]) / (c.X[i] - c.X[i-1])
	return min(c.Y[i-1]+float64(t*(c.Y[i]-c.Y[i-1])), c.Y[i])
}

// ErrCalibration is matched by errors of FitCalibration that are caused by the
// data.
var ErrCalibration = errors.New("cannot calibrate")

// ErrConstant is matched where the best fit is one probability for all: every
// applicant would get the mean, and a policy would approve all or none. It
// matches ErrCalibration, too.
var ErrConstant = fmt.Errorf("%w: the best fit is the same probability for every row", ErrCalibration)

// FitCalibration fits a method to margins and labels (0 or 1, 1 is the bad
// event). Weights may be nil. A fit that would give every margin the same
// probability is refused with ErrConstant.
func FitCalibration(method string, margins, labels, weights []float64) (*Calibration, error) {
	if len(margins) != len(labels) || weights != nil && len(weights) != len(labels) {
		return nil, fmt.Errorf("%w: %d margins, %d labels, %d weights", ErrCalibration, len(margins),
			len(labels), len(weights))
	}
	var bad, good float64
	for i, y := range labels {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		if y != 0 && y != 1 || !isFinite(margins[i]) || !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("%w: row %d: label %v, margin %v, weight %v: want label 0 or 1, a finite margin, "+
				"a weight >= 0", ErrCalibration, i, y, margins[i], w)
		}
		bad += float64(w * y)
		good += float64(w * (1 - y))
	}
	if method != CalibrationNone && method != "" && (bad == 0 || good == 0) {
		return nil, fmt.Errorf("%w: the rows have weight %v of bad and %v of good events, want some of both",
			ErrCalibration, bad, good)
	}
	c := &Calibration{Method: method, Rows: len(labels)}
	switch method {
	case "", CalibrationNone:
		c.Method = CalibrationNone
	case CalibrationPlatt:
		// Platt (1999): targets shrunk towards 1/2 by Laplace's rule, so that
		// separable data give finite coefficients.
		hi, lo := (bad+1)/(bad+2), 1/(good+2)
		y := make([]float64, len(labels))
		for i, l := range labels {
			if y[i] = lo; l == 1 {
				y[i] = hi
			}
		}
		b := newtonLogit([][]float64{margins, ones(len(margins))}, y, weights)
		c.A, c.B = b[0], b[1]
	case CalibrationBeta:
		c.fitBeta(margins, labels, weights, bad, good)
	case CalibrationIsotonic:
		c.fitIsotonic(margins, labels, weights)
	default:
		return nil, fmt.Errorf("calibration method %q: want none, platt, beta or isotonic", method)
	}
	if c.constant() {
		return nil, fmt.Errorf("%w: the margins of %d rows, of weight %v bad and %v good, do not rank bad rows above "+
			"good ones", ErrConstant, len(labels), bad, good)
	}
	return c, c.Validate()
}

// constant reports whether every margin would get the same probability, or a
// smaller one as it rises.
func (c *Calibration) constant() bool {
	switch c.Method {
	case CalibrationPlatt:
		return !(c.A > 0)
	case CalibrationBeta:
		return !(c.A > 0 || c.B > 0)
	case CalibrationIsotonic:
		return len(c.Y) == 0 || c.Y[0] == c.Y[len(c.Y)-1]
	}
	return false
}

// fitBeta is beta calibration (Kull, Silva Filho, Flach, 2017): logistic
// regression on ln p and -ln(1-p), with a negative coefficient set to zero and
// the rest fitted again.
func (c *Calibration) fitBeta(margins, labels, weights []float64, bad, good float64) {
	n := len(margins)
	lnP, lnQ := make([]float64, n), make([]float64, n)
	for i, m := range margins {
		lnP[i], lnQ[i] = -bitmath.Softplus(-m), bitmath.Softplus(m)
	}
	b := newtonLogit([][]float64{lnP, lnQ, ones(n)}, labels, weights)
	switch {
	case b[0] >= 0 && b[1] >= 0:
		c.A, c.B, c.C = b[0], b[1], b[2]
	case b[0] < 0:
		b = newtonLogit([][]float64{lnQ, ones(n)}, labels, weights)
		c.B, c.C = b[0], b[1]
	default:
		b = newtonLogit([][]float64{lnP, ones(n)}, labels, weights)
		c.A, c.C = b[0], b[1]
	}
	if c.A < 0 || c.B < 0 {
		c.A, c.B, c.C = 0, 0, bitmath.Logit(bad/(bad+good)) // a constant, which FitCalibration refuses
	}
}

// fitIsotonic pools adjacent violators (Ayer et al., 1955) and keeps each
// block's first and last margin as knots. Probabilities stay inside
// [1/(n+2), (n+1)/(n+2)], since a sample of n rows cannot show certainty.
func (c *Calibration) fitIsotonic(margins, labels, weights []float64) {
	type block struct{ first, last, sum, w float64 }
	order := make([]int, len(margins))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(margins[a], margins[b]) })
	var points []block // one for each distinct margin
	for _, i := range order {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		if w == 0 {
			continue
		}
		if k := len(points) - 1; k < 0 || points[k].last != margins[i] {
			points = append(points, block{first: margins[i], last: margins[i]})
		}
		p := &points[len(points)-1]
		p.sum += float64(w * labels[i])
		p.w += w
	}
	var blocks []block
	for _, p := range points {
		blocks = append(blocks, p)
		for k := len(blocks) - 1; k > 0 && blocks[k-1].sum*blocks[k].w >= blocks[k].sum*blocks[k-1].w; k-- {
			blocks[k-1].last = blocks[k].last
			blocks[k-1].sum += blocks[k].sum
			blocks[k-1].w += blocks[k].w
			blocks = blocks[:k]
		}
	}
	n := float64(len(labels))
	lo, hi := 1/(n+2), (n+1)/(n+2)
	for _, b := range blocks {
		y := min(max(b.sum/b.w, lo), hi)
		c.X, c.Y = append(c.X, b.first), append(c.Y, y)
		if b.last > b.first {
			c.X, c.Y = append(c.X, b.last), append(c.Y, y)
		}
	}
}
