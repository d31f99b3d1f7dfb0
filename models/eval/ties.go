// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// tieWords stands in the caption of each table that cuts through ties.
const tieWords = "Rows of equal score are never told apart by their place in the file: where a cut goes through them, each counts in proportion, so that counts can be fractions."

// inProportion visits the rows that stand at positions from..to-1 when all are
// sorted by falling score. Rows of equal score share the positions of their
// group: each has the same weight, the share of the group that lies inside.
func (c *Curve) inProportion(from, to int, visit func(row int32, weight float64)) {
	first := 0
	for k := range c.bad {
		size := int(c.bad[k] + c.good[k])
		inside := min(to, first+size) - max(from, first)
		if inside > 0 {
			weight := float64(inside) / float64(size)
			for _, i := range c.order[first : first+size] {
				visit(i, weight)
			}
		}
		if first += size; first >= to {
			return
		}
	}
}

// countCell shows a count that ties may have made a fraction.
func countCell(x float64) Cell {
	if whole := math.Round(x); math.Abs(x-whole) < 1e-9 {
		return V(whole)
	}
	return V(x).As(Fixed1)
}
