// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// Where rows have weights, a row of weight w counts as w rows in every figure. An
// interval, a chance level and the least number of rows of a verdict go by the
// number of rows of equal weight that would say as much: Kish's effective number
// (1965), the square of the sum of weights over the sum of their squares.

// mass is some rows by weight.
type mass struct {
	rows         int
	sum, squares float64
}

func (m *mass) add(w float64) {
	m.rows++
	m.sum += w
	m.squares += float64(w * w)
}

// equal are n rows of weight 1.
func equal(n int) mass { return mass{n, float64(n), float64(n)} }

// massOf adds up the weights of n rows; nil is 1 each.
func massOf(weight []float64, n int) mass {
	if weight == nil {
		return equal(n)
	}
	var m mass
	for _, w := range weight {
		m.add(w)
	}
	return m
}

func (m mass) plus(o mass) mass { return mass{m.rows + o.rows, m.sum + o.sum, m.squares + o.squares} }

// effective is the number of rows of equal weight that say as much.
func (m mass) effective() float64 {
	if m.squares == 0 {
		return 0
	}
	return float64(m.sum*m.sum) / m.squares
}

// worth is effective as a whole number, which no rounding flatters.
func (m mass) worth() int {
	if m.squares == m.sum { // all of weight 1
		return m.rows
	}
	return int(math.Floor(m.effective() * (1 + 1e-12)))
}

// uneven reports whether rows have unequal weights.
func (c *Curve) uneven() bool {
	m := c.mass()
	return m.effective() < float64(m.rows)*(1-1e-9)
}

// half is half a row of mean weight, which is added where a count is zero.
func (m mass) half() float64 {
	if m.rows == 0 {
		return 0.5
	}
	return m.sum / float64(m.rows) / 2
}

// without are the rows but for some of them.
func (m mass) without(o mass) mass {
	return mass{m.rows - o.rows, m.sum - o.sum, max(0, m.squares-o.squares)}
}

// effectiveFor is the number of rows of equal weight whose proportion of hits has
// the variance that this one has: fewer than effective where the hits, or the
// others, are few and heavy. It is never more.
func (m mass) effectiveFor(hits mass) float64 {
	n := m.effective()
	p := hits.sum / m.sum
	v := (float64(float64((1-p)*(1-p))*hits.squares) + float64(float64(p*p)*m.without(hits).squares)) /
		float64(m.sum*m.sum)
	if m.squares == m.sum || !(v > 0) || p >= 1 {
		return n
	}
	return min(n, p*(1-p)/v)
}

// rate is the proportion of hits among the rows, with Wilson's interval.
func (m mass) rate(hits mass) Estimate {
	if m.rows == 0 {
		return wilson(0, 0)
	}
	n := m.effectiveFor(hits)
	e := wilson(hits.sum/m.sum*n, n)
	if m.squares == m.sum {
		e = wilson(hits.sum, m.sum)
	}
	e.N = m.rows
	return e
}

// weightAt is the weight of a row.
func weightAt(weight []float64, i int) float64 {
	if weight == nil {
		return 1
	}
	return weight[i]
}

// weightsOf are the weights of some rows; nil stays nil.
func weightsOf(weight []float64, rows []int32) []float64 {
	if weight == nil {
		return nil
	}
	return subset(weight, rows)
}

// weightedMean is the mean of values by weight.
func weightedMean(x, weight []float64) float64 {
	if weight == nil {
		return mean(x)
	}
	var s, n float64
	for i, v := range x {
		s, n = s+float64(weight[i]*v), n+weight[i]
	}
	return ratio(s, n)
}

// weightedCuts is Cuts of rows by weight: as if a row of weight w were there w
// times.
func weightedCuts(x, weight []float64, k int) []float64 {
	if weight == nil {
		return Cuts(x, k)
	}
	rows := known(x)
	total := 0.0
	for _, i := range rows {
		total += weight[i]
	}
	var cuts []float64
	below, b := 0.0, 1
	for at, i := range rows {
		below += weight[i]
		for b < k && below >= float64(b)*total/float64(k)*(1-1e-12) {
			cut, last := x[i], x[rows[len(rows)-1]]
			if b++; cut < last && (len(cuts) == 0 || cut > cuts[len(cuts)-1]) {
				cuts = append(cuts, cut)
			}
		}
		if b == k || at == len(rows)-1 {
			break
		}
	}
	return cuts
}

// known are the rows that have a value, by rising value.
func known(x []float64) []int32 {
	var rows []int32
	var values []float64
	for i, v := range x {
		if v == v {
			rows, values = append(rows, int32(i)), append(values, v)
		}
	}
	falling := descending(values)
	out := make([]int32, len(rows))
	for k, at := range falling {
		out[len(out)-1-k] = rows[at]
	}
	return out
}
