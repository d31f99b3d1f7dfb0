// SPDX-License-Identifier: Apache-2.0

package gbdt

import "math"

// sharedCells is the number of additions, or of cells to search, from which on
// several members share the work: it then takes some microseconds.
const sharedCells = 4096

// findSplits builds the histogram of small from its rows. large, when not nil, is
// its sibling and still has their parent's histogram. Then it finds the best split
// of both leaves; each member of the team searches features of its own.
func (g *grower) findSplits(small, large *leaf) {
	leaves := []*leaf{small}
	if large != nil {
		leaves = append(leaves, large)
	}
	finders := make([]*splitFinder, len(leaves))
	masks := make([][]bool, len(leaves))
	for i, l := range leaves {
		l.best = split{gain: math.Inf(-1)}
		if g.divisible(l) {
			finders[i] = newSplitFinder(g.p, g.gradients, l, g.monotone != nil)
			masks[i] = g.allowedFeatures(l)
		}
	}
	parts := g.fillHistogram(small)
	n, k := len(g.matrix.features), 1
	if g.matrix.cells >= sharedCells {
		k = min(g.team.Size(), n)
	}
	best := make([][2]split, k)
	g.team.Run(k, func(t int) {
		best[t] = [2]split{{gain: math.Inf(-1)}, {gain: math.Inf(-1)}}
		for i := t * n / k; i < (t+1)*n/k; i++ {
			ft := &g.matrix.features[i]
			lo, hi := ft.offset, ft.offset+ft.bins
			cells := small.hist[lo:hi]
			for _, p := range parts {
				addCells(cells, p[lo:hi])
			}
			if ft.sparse {
				setCommon(cells, ft.common, small.total)
			}
			if large != nil {
				subtractCells(large.hist[lo:hi], cells)
			}
			for j, f := range finders {
				if f != nil && (masks[j] == nil || masks[j][i]) {
					g.findFeatureSplit(f, i, leaves[j].hist, &best[t][j])
				}
			}
		}
	})
	for i, f := range finders {
		if f == nil {
			continue
		}
		b := best[0][i]
		for t := 1; t < k; t++ {
			if best[t][i].better(&b) {
				b = best[t][i]
			}
		}
		b.gain -= f.gainToBeat
		leaves[i].best = b
	}
}

// fillHistogram adds the gradients of a leaf's rows to its histogram. Members of
// the team take different groups, so that nothing has to be merged. Where there
// are fewer groups than members they also take different rows; then the first part
// of the rows is in the leaf's histogram, and the other parts are returned, to be
// added.
func (g *grower) fillHistogram(l *leaf) (parts [][]cell) {
	rows, groups := g.rows[l.start:l.start+l.n], g.matrix.groups
	k := 1
	if len(rows)*len(g.matrix.features) >= sharedCells {
		k = max(1, g.team.Size()/len(groups))
	} else if len(groups) > 1 {
		for i := range groups {
			groups[i].fillHistogram(l.hist, rows, g.gradients.packed)
		}
		return nil
	}
	for len(g.partial) < k-1 {
		g.partial = append(g.partial, make([]cell, g.matrix.cells))
	}
	g.team.Run(k*len(groups), func(i int) {
		part, h := i/len(groups), l.hist
		if part > 0 {
			h = g.partial[part-1]
		}
		groups[i%len(groups)].fillHistogram(h, rows[part*len(rows)/k:(part+1)*len(rows)/k], g.gradients.packed)
	})
	return g.partial[:k-1]
}

// findFeatureSplit replaces best if feature i has a better split.
func (g *grower) findFeatureSplit(f *splitFinder, i int, hist []cell, best *split) {
	ft := &g.matrix.features[i]
	h := hist[ft.offset : ft.offset+ft.bins]
	var s split
	if ft.categorical {
		s = f.findCategorySplit(h, ft, i)
	} else {
		var m int8
		if g.monotone != nil {
			m = g.monotone[i]
		}
		s = f.findNumericSplit(h, ft, i, m)
	}
	if s.better(best) {
		*best = s
	}
}
