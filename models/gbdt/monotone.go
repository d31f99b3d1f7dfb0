// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"

	"github.com/assayrisk/assay/models"
)

// A monotone constraint on a feature bounds the values of leaves on the two
// sides of each split on it. The basic method divides the range at the middle
// between the children's values, once and for all. The intermediate one
// (Auguste, Malory and Smirnov, "A better method to enforce monotonic
// constraints in regression and classification trees", 2020) bounds each leaf
// by the values that the leaves on the other side of such splits have at the
// moment, which leaves more room, and searches leaves again whose bounds changed.

// halveBounds returns the bounds of the two children by the basic method.
func halveBounds(b bounds, direction int8, left, right float64) (l, r bounds) {
	l, r = b, b
	mid := (left + right) / 2
	if direction > 0 {
		l.hi, r.lo = mid, mid
	} else {
		l.lo, r.hi = mid, mid
	}
	return l, r
}

// recomputeBounds computes every leaf's bounds again from the values of all
// leaves, and returns the leaves whose bounds changed.
func (g *grower) recomputeBounds(t *models.Tree) []*leaf {
	index := make([]int, len(g.matrix.binners))
	for i, f := range g.matrix.features {
		index[f.column] = i
	}
	n := len(t.Feature)
	span := make([]bounds, n) // least and greatest value of the leaves below a node
	of := func(c int32) bounds {
		if c < 0 {
			v := g.leaves[^c].output
			return bounds{v, v}
		}
		return span[c]
	}
	for i := n - 1; i >= 0; i-- { // children come after their parents
		l, r := of(t.Left[i]), of(t.Right[i])
		span[i] = bounds{math.Min(l.lo, r.lo), math.Max(l.hi, r.hi)}
	}
	bound := make([]bounds, n)
	bound[0] = unbounded
	var moved []*leaf
	set := func(c int32, b bounds) {
		if c >= 0 {
			bound[c] = b
		} else if l := g.leaves[^c]; l.bound != b {
			l.bound = b
			moved = append(moved, l)
		}
	}
	for i := range n {
		l, r := bound[i], bound[i]
		switch direction := g.monotone[index[t.Feature[i]]]; {
		case t.Decision[i]&models.DecisionCategorical != 0:
		case direction > 0:
			l.hi, r.lo = math.Min(l.hi, of(t.Right[i]).lo), math.Max(r.lo, of(t.Left[i]).hi)
		case direction < 0:
			l.lo, r.hi = math.Max(l.lo, of(t.Right[i]).hi), math.Min(r.hi, of(t.Left[i]).lo)
		}
		set(t.Left[i], l)
		set(t.Right[i], r)
	}
	return moved
}

// findSplitAgain finds the best split of a leaf that has its histogram already.
func (g *grower) findSplitAgain(l *leaf) {
	l.best = split{gain: math.Inf(-1)}
	if !g.divisible(l) {
		return
	}
	f, mask := newSplitFinder(g.p, g.gradients, l, true), g.allowedFeatures(l)
	n := len(g.matrix.features)
	k := min(g.team.Size(), n)
	best := make([]split, k)
	g.team.Run(k, func(t int) {
		best[t] = split{gain: math.Inf(-1)}
		for i := t * n / k; i < (t+1)*n/k; i++ {
			if mask == nil || mask[i] {
				g.findFeatureSplit(f, i, l.hist, &best[t])
			}
		}
	})
	for t := range best {
		if best[t].better(&l.best) {
			l.best = best[t]
		}
	}
	l.best.gain -= f.gainToBeat
}
