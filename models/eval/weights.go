// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
)

// Where rows have weights, a row of weight w counts as w rows in every figure. An
// interval, a chance level and the least number of rows of a verdict go by the
// number of rows of equal weight that would say as much: Kish's effective number
// (1965), the square of the sum of weights over the sum of their squares.

// Tally is some rows by weight.
type Tally struct {
	Rows         int
	Sum, Squares float64
}

func (m *Tally) Add(w float64) {
	m.Rows++
	m.Sum += w
	m.Squares += float64(w * w)
}

// equal are n rows of weight 1.
func equal(n int) Tally { return Tally{n, float64(n), float64(n)} }

// TallyOf adds up the weights of n rows; nil is 1 each.
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

// Effective is the number of rows of equal weight that say as much.
func (m Tally) Effective() float64 {
	if m.Squares == 0 {
		return 0
	}
	return float64(m.Sum*m.Sum) / m.Squares
}

// WholeRows is effective as a whole number, which no rounding flatters.
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

// HalfRow is half a row of mean weight, which is added where a count is zero.
func (m Tally) HalfRow() float64 {
	if m.Rows == 0 {
		return 0.5
	}
	return m.Sum / float64(m.Rows) / 2
}

// without are the rows but for some of them.
func (m Tally) without(o Tally) Tally {
	return Tally{m.Rows - o.Rows, m.Sum - o.Sum, max(0, m.Squares-o.Squares)}
}

// EffectiveFor is the number of rows of equal weight whose proportion of hits has
// the variance that this one has: fewer than effective where the hits, or the
// others, are few and heavy. It is never more.
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

// Rate is the proportion of hits among the rows, with Wilson's interval.
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

// CheckWeights takes weights that are finite and above 0: a row that counts for
// nothing is to be left out, so that no number of rows flatters.
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
