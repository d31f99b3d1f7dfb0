// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// checkModel refuses a model that no trainer writes: one that
// [models.Model.Validate] refuses; one whose leaves can add up to more than a
// number holds, so that a margin would be infinite or not a number; and one with
// negative counts or weights that are not finite, by which explanations divide a
// score among the features.
func checkModel(m *models.Model) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	most := math.Abs(m.Init)
	for i := range m.Trees {
		t := &m.Trees[i]
		top := 0.0
		for _, v := range t.LeafValue {
			top = max(top, math.Abs(v))
		}
		most += top
		for _, counts := range [][]int64{t.LeafCount, t.NodeCount} {
			for j, c := range counts {
				if c < 0 {
					return fmt.Errorf("%w: tree %d: entry %d of its counts is negative", ErrFormat, i, j)
				}
			}
		}
		for _, weights := range [][]float64{t.LeafHess, t.NodeHess} {
			for j, w := range weights {
				if math.IsNaN(w) || math.IsInf(w, 0) {
					return fmt.Errorf("%w: tree %d: entry %d of its weights is not finite", ErrFormat, i, j)
				}
			}
		}
	}
	limit := math.MaxFloat64
	if m.Float32Sums {
		limit = math.MaxFloat32
	}
	if most > limit {
		return fmt.Errorf("%w: the leaves can add up to more than %g", ErrFormat, limit)
	}
	return nil
}
