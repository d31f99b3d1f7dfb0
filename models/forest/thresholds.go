// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// thresholds collects the distinct thresholds of a source. Models repeat them:
// LightGBM has at most 255 a feature, so that looking a threshold up, and sorting
// each once, takes a fifth of the time of sorting them all.
type thresholds struct {
	distinct []float64
	sides    []uint8 // of each: bit 0 when a node sends missing values left, bit 1 right
	// A hash table, at most half full, of each threshold's place in distinct, plus
	// one. Its factor is random, so that nobody can make a model whose thresholds
	// collide.
	table  []int32
	factor uint64
	shift  int
}

// add gives the place in distinct of a threshold, which is not NaN. x <= -0 and
// x <= 0 are the same test: adding 0 makes one of them.
func (t *thresholds) add(threshold float64, right bool) int32 {
	threshold += 0
	if 2*len(t.distinct) >= len(t.table) {
		t.grow()
	}
	slot := t.slot(threshold)
	if *slot == 0 {
		t.distinct, t.sides = append(t.distinct, threshold), append(t.sides, 0)
		*slot = int32(len(t.distinct))
	}
	side := uint8(1)
	if right {
		side = 2
	}
	t.sides[*slot-1] |= side
	return *slot - 1
}

// slot is where a threshold is in the table, or would be.
func (t *thresholds) slot(threshold float64) *int32 {
	mask := len(t.table) - 1
	for i := int(math.Float64bits(threshold) * t.factor >> t.shift); ; i = (i + 1) & mask {
		if p := &t.table[i]; *p == 0 || t.distinct[*p-1] == threshold {
			return p
		}
	}
}

func (t *thresholds) grow() {
	t.table = make([]int32, max(16, 4*len(t.table)))
	t.factor, t.shift = rand.Uint64()|1, 64-bits.TrailingZeros(uint(len(t.table)))
	for i, threshold := range t.distinct {
		*t.slot(threshold) = int32(i + 1)
	}
}

// ranked gives the thresholds in ascending order, and the rank of each place in
// distinct.
func (t *thresholds) ranked() (ascending []float64, ranks []int32) {
	order := make([]int32, len(t.distinct))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if t.distinct[a] < t.distinct[b] {
			return -1
		}
		return 1 // none is there twice
	})
	ascending, ranks = make([]float64, len(order)), make([]int32, len(order))
	for rank, at := range order {
		ascending[rank], ranks[at] = t.distinct[at], int32(rank)
	}
	return ascending, ranks
}
