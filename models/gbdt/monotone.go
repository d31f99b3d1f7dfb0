// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"

	"github.com/assayrisk/assay/models"
)

// A monotone constraint on a feature bounds the values of leaves on the two
// sides of each split on it. The basic method parts the range between the
// children's values at its middle, once and for all. The intermediate one
// (Auguste, Malory and Smirnov, "A better method to enforce monotonic
// constraints in regression and classification trees", 2020) bounds each leaf
// by the values that the leaves across such splits have at the moment, which
// leaves more room, and searches leaves again whose bounds moved.

// halve returns the bounds of the two children by the basic method.
func halve(b bounds, direction int8, left, right float64) (l, r bounds) {
	l, r = b, b
	mid := (left + right) / 2
	if direction > 0 {
		l.hi, r.lo = mid, mid
	} else {
		l.lo, r.hi = mid, mid
	}
	return l, r
}

// rebound computes every leaf's bounds anew from the values of all leaves, and
// returns the leaves whose bounds changed.
func (g *grower) rebound(t *models.Tree) []*leaf {
	index := make([]int, len(g.m.binners))
	for i, f := range g.m.feats {
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

// searchAgain finds the best split of a leaf whose histogram stands.
func (g *grower) searchAgain(l *leaf) {
	l.best = split{gain: math.Inf(-1)}
	if !g.divisible(l) {
		return
	}
	f, mask := newFinder(g.p, g.gr, l, true), g.allowed(l)
	n := len(g.m.feats)
	k := min(g.team.size, n)
	best := make([]split, k)
	g.team.run(k, func(t int) {
		best[t] = split{gain: math.Inf(-1)}
		for i := t * n / k; i < (t+1)*n/k; i++ {
			if mask == nil || mask[i] {
				g.searchFeature(f, i, l.hist, &best[t])
			}
		}
	})
	for t := range best {
		if best[t].better(&l.best) {
			l.best = best[t]
		}
	}
	l.best.gain -= f.shift
}
