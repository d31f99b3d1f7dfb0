// SPDX-License-Identifier: Apache-2.0

package eval

// EachBetween visits the rows at positions from..to when all rows are sorted by
// falling score and each takes up as many positions as its weight. Rows of equal
// score share the positions of their group: visit gets the share of each row that
// lies inside, the same for all of them.
func (c *Curve) EachBetween(from, to float64, visit func(row int32, share float64)) {
	first, at := 0.0, 0
	for k := range c.bad {
		size := c.bad[k] + c.good[k]
		inside := min(to, first+size) - max(from, first)
		if inside > 1e-12*size {
			for _, i := range c.Falling[at:c.end[k]] {
				visit(i, min(1, inside/size))
			}
		}
		at = int(c.end[k])
		if first += size; first >= to {
			return
		}
	}
}

// Safest returns the share of each row that is among the k rows of the lowest scores,
// counted by weight.
func (c *Curve) Safest(k float64) []float64 {
	n := c.Tally().Sum
	out := make([]float64, c.Rows())
	c.EachBetween(n-k, n, func(i int32, share float64) { out[i] = float64(share * WeightAt(c.weight, int(i))) })
	return out
}
