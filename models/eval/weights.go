// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
)

// Where rows have weights, a row of weight w counts as w rows in every figure. Intervals,
// chance levels and the rows that a verdict needs are computed from the effective
// number of rows (Kish 1965): the number of rows of equal weight that would carry as
// much information, the square of the sum of weights over the sum of their squares.

// Tally adds up the weights of some rows.
type Tally struct {
	Rows         int
	Sum, Squares float64
}

func (m *Tally) Add(w float64) {
	m.Rows++
	m.Sum += w
	m.Squares += float64(w * w)
}

// equal returns the tally of n rows of weight 1.
func equal(n int) Tally { return Tally{n, float64(n), float64(n)} }

// TallyOf adds up the weights of n rows; nil weights are 1 each.
func TallyOf(weight []float64, n int) Tally {
	if weight == nil {
		return equal(n)
	}
	var m Tally
	for _, w := range weight {
		m.Add(w)
	}
	return m
}

func (m Tally) plus(o Tally) Tally {
	return Tally{m.Rows + o.Rows, m.Sum + o.Sum, m.Squares + o.Squares}
}

// Effective returns the effective number of rows: how many rows of equal weight carry
// as much information.
func (m Tally) Effective() float64 {
	if m.Squares == 0 {
		return 0
	}
	return float64(m.Sum*m.Sum) / m.Squares
}

// WholeRows returns Effective as a whole number, rounded down.
func (m Tally) WholeRows() int {
	if m.Squares == m.Sum { // all of weight 1
		return m.Rows
	}
	return int(math.Floor(m.Effective() * (1 + 1e-12)))
}

// Weighted reports whether the rows were given weights.
func (c *Curve) Weighted() bool { return c.weight != nil }

// uneven reports whether rows have unequal weights.
func (c *Curve) uneven() bool {
	m := c.Tally()
	return m.Effective() < float64(m.Rows)*(1-1e-9)
}

// HalfRow returns half a row of mean weight, to add where a count is zero.
func (m Tally) HalfRow() float64 {
	if m.Rows == 0 {
		return 0.5
	}
	return m.Sum / float64(m.Rows) / 2
}

// without returns the tally of the rows other than those of o.
func (m Tally) without(o Tally) Tally {
	return Tally{m.Rows - o.Rows, m.Sum - o.Sum, max(0, m.Squares-o.Squares)}
}

// EffectiveFor returns the number of rows of equal weight whose proportion of hits
// has the same variance: fewer than Effective where the hits, or the other rows, are
// few and heavy, and never more.
func (m Tally) EffectiveFor(hits Tally) float64 {
	n := m.Effective()
	p := hits.Sum / m.Sum
	v := (float64(float64((1-p)*(1-p))*hits.Squares) + float64(float64(p*p)*m.without(hits).Squares)) /
		float64(m.Sum*m.Sum)
	if m.Squares == m.Sum || !(v > 0) || p >= 1 {
		return n
	}
	return min(n, p*(1-p)/v)
}

// Rate returns the proportion of hits among the rows, with Wilson's interval.
func (m Tally) Rate(hits Tally) Estimate {
	if m.Rows == 0 {
		return Wilson(0, 0)
	}
	n := m.EffectiveFor(hits)
	e := Wilson(hits.Sum/m.Sum*n, n)
	if m.Squares == m.Sum {
		e = Wilson(hits.Sum, m.Sum)
	}
	e.N = m.Rows
	return e
}

// WeightAt is the weight of a row.
func WeightAt(weight []float64, i int) float64 {
	if weight == nil {
		return 1
	}
	return weight[i]
}

// WeightedMean is the mean of values by weight.
func WeightedMean(x, weight []float64) float64 {
	if weight == nil {
		return Mean(x)
	}
	var s, n float64
	for i, v := range x {
		s, n = s+float64(weight[i]*v), n+weight[i]
	}
	return Ratio(s, n)
}

// CheckWeights accepts weights that are finite and above 0. Rows of weight 0 must be
// left out by the caller, so that they do not add to the number of rows.
func CheckWeights(what string, w []float64, n int) error {
	if w == nil {
		return nil
	}
	if len(w) != n {
		return fmt.Errorf("%w: %d weights for %d %srows", ErrInput, len(w), n, what)
	}
	for i, v := range w {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: the weight of %srow %d is not a finite number above 0", ErrInput, what, i)
		}
	}
	return nil
}
