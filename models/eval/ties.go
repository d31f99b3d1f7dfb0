// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
)

// tieWords stands in the caption of each table that cuts through ties.
const tieWords = "Rows of equal score are never told apart by their place in the file: where a cut goes through " +
	"them, each counts in proportion, so that counts can be fractions."

// inProportion visits the rows that stand at positions from..to when all are
// sorted by falling score and each takes as much room as it weighs. Rows of equal
// score share the positions of their group: each has the same share inside, and
// share times its weight is what counts.
func (c *Curve) inProportion(from, to float64, visit func(row int32, share float64)) {
	first, at := 0.0, 0
	for k := range c.bad {
		size := c.bad[k] + c.good[k]
		inside := min(to, first+size) - max(from, first)
		if inside > 1e-12*size {
			for _, i := range c.order[at:c.end[k]] {
				visit(i, min(1, inside/size))
			}
		}
		at = int(c.end[k])
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
	return V(x).As(numfmt.Fixed1)
}
