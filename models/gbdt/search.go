// SPDX-License-Identifier: Apache-2.0

package gbdt

import "math"

// sharedCells is the number of additions, or of cells to search, from which
// on work is shared: a few microseconds of it.
const sharedCells = 4096

// search builds the histogram of small from its rows; large, when not nil, is
// its sibling and still holds their parent's. Then it finds the best split of
// both, each member of the team among features of its own.
func (g *grower) search(small, large *leaf) {
	leaves := []*leaf{small}
	if large != nil {
		leaves = append(leaves, large)
	}
	finders := make([]*finder, len(leaves))
	masks := make([][]bool, len(leaves))
	for i, l := range leaves {
		l.best = split{gain: math.Inf(-1)}
		if g.divisible(l) {
			finders[i] = newFinder(g.p, g.gr, l, g.monotone != nil)
			masks[i] = g.allowed(l)
		}
	}
	parts := g.addUp(small)
	n, k := len(g.m.feats), 1
	if g.m.cells >= sharedCells {
		k = min(g.team.size, n)
	}
	best := make([][2]split, k)
	g.team.run(k, func(t int) {
		best[t] = [2]split{{gain: math.Inf(-1)}, {gain: math.Inf(-1)}}
		for i := t * n / k; i < (t+1)*n/k; i++ {
			ft := &g.m.feats[i]
			lo, hi := ft.offset, ft.offset+ft.bins
			cells := small.hist[lo:hi]
			for _, p := range parts {
				add(cells, p[lo:hi])
			}
			if ft.sparse {
				setCommon(cells, ft.common, small.total)
			}
			if large != nil {
				subtract(large.hist[lo:hi], cells)
			}
			for j, f := range finders {
				if f != nil && (masks[j] == nil || masks[j][i]) {
					g.searchFeature(f, i, leaves[j].hist, &best[t][j])
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
		b.gain -= f.shift
		leaves[i].best = b
	}
}

// addUp adds the gradients of a leaf's rows to its histogram. Members share
// the groups, so that nothing has to be merged; where there are fewer groups
// than members they share the rows too, and all parts but the first one come
// back to be added.
func (g *grower) addUp(l *leaf) (parts [][]cell) {
	rows, groups := g.rows[l.start:l.start+l.n], g.m.groups
	k := 1
	if len(rows)*len(g.m.feats) >= sharedCells {
		k = max(1, g.team.size/len(groups))
	} else if len(groups) > 1 {
		for i := range groups {
			groups[i].addUp(l.hist, rows, g.gr.packed)
		}
		return nil
	}
	for len(g.partial) < k-1 {
		g.partial = append(g.partial, make([]cell, g.m.cells))
	}
	g.team.run(k*len(groups), func(i int) {
		part, h := i/len(groups), l.hist
		if part > 0 {
			h = g.partial[part-1]
		}
		groups[i%len(groups)].addUp(h, rows[part*len(rows)/k:(part+1)*len(rows)/k], g.gr.packed)
	})
	return g.partial[:k-1]
}

// searchFeature replaces best if feature i has a better split.
func (g *grower) searchFeature(f *finder, i int, hist []cell, best *split) {
	ft := &g.m.feats[i]
	h := hist[ft.offset : ft.offset+ft.bins]
	var s split
	if ft.categorical {
		s = f.category(h, ft, i)
	} else {
		var m int8
		if g.monotone != nil {
			m = g.monotone[i]
		}
		s = f.numeric(h, ft, i, m)
	}
	if s.better(best) {
		*best = s
	}
}
