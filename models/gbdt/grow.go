// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// leaf is a node of the growing tree that has not been divided.
type leaf struct {
	start, n int    // its rows are grower.rows[start : start+n]
	total    cell   // quantised sums
	hist     []cell // nil where no split will be searched for
	best     split
	depth    int
	output   float64 // value from the quantised sums, before shrinkage
	l2       float64 // the L2 penalty of the split that made it
	bound    bounds
	path     []int32 // columns split on above it, for interaction constraints
	node     int     // parent, -1 for the root
	right    bool
}

// grower grows trees on one matrix. It is reused for every iteration.
type grower struct {
	matrix       *matrix
	p            *Params
	team         *workers.Team
	gradients    *gradients
	rows         []uint32 // the rows in use, in the order of the leaves
	otherSide    []uint32
	pool         [][]cell // free histograms
	partial      [][]cell // histograms of parts of a leaf's rows
	monotone     []int8   // per feature of the matrix, nil for none
	intermediate bool     // monotone_constraints_method, where there are constraints
	inTree       []bool   // features drawn for this tree, nil for all
	tree         uint64   // iteration: part of the key of random draws
	leaves       []*leaf
	routers      []*router // one per node of the tree
}

func newGrower(m *matrix, p *Params, gr *gradients, team *workers.Team) *grower {
	g := &grower{matrix: m, p: p, team: team, gradients: gr, otherSide: make([]uint32, m.rows)}
	for _, c := range p.MonotoneConstraints {
		if c != 0 {
			g.monotone = make([]int8, len(m.features))
			for i, f := range m.features {
				g.monotone[i] = p.MonotoneConstraints[f.column]
			}
			g.intermediate = p.MonotoneMethod == "intermediate"
			break
		}
	}
	return g
}

// grow divides the rows in use until num_leaves is reached or no split gains.
// rows is reordered. total is the packed sum of their gradients.
func (g *grower) grow(rows []uint32, total cell, iteration uint64) *models.Tree {
	g.rows, g.tree = rows, iteration
	g.routers = g.routers[:0]
	g.inTree = g.drawFeatures()
	root := &leaf{n: len(rows), total: total, bound: unbounded, node: -1, l2: g.p.LambdaL2}
	root.output = g.output(root, 0)
	g.leaves = append(g.leaves[:0], root)
	t := &models.Tree{}
	if len(g.matrix.features) > 0 {
		root.hist = g.takeHistogram()
		g.findSplits(root, nil)
	}
	for len(g.leaves) < g.p.NumLeaves {
		k := 0
		for i, l := range g.leaves {
			if l.best.gain > g.leaves[k].best.gain {
				k = i
			}
		}
		if !(g.leaves[k].best.gain > 0) {
			break
		}
		g.divide(t, k)
	}
	for _, l := range g.leaves {
		g.release(l)
	}
	g.finish(t)
	return t
}

func (g *grower) output(l *leaf, parent float64) float64 {
	gs, hs := g.gradients.unscale(l.total)
	v := g.p.output(gs, hs, l.l2, l.n, parent)
	return min(max(v, l.bound.lo), l.bound.hi)
}

// divide splits leaf k: its left child keeps the number k, the right one gets
// the next free number.
func (g *grower) divide(t *models.Tree, k int) {
	l := g.leaves[k]
	s := &l.best
	ft := &g.matrix.features[s.feature]
	r := newRouter(s, ft)
	g.routers = append(g.routers, r)
	n := partition(g.rows[l.start:l.start+l.n], g.otherSide, g.matrix.columns[s.feature], r, g.team)
	node := g.addNode(t, l, ft)
	left := &leaf{start: l.start, n: n, total: s.sum, depth: l.depth + 1, l2: s.l2, bound: l.bound, node: node}
	right := &leaf{start: l.start + n, n: l.n - n, total: l.total - s.sum, depth: l.depth + 1, l2: s.l2, bound: l.bound,
		node: node, right: true}
	left.output, right.output = g.output(left, l.output), g.output(right, l.output)
	if g.monotone != nil && !g.intermediate && g.monotone[s.feature] != 0 {
		left.bound, right.bound = halveBounds(l.bound, g.monotone[s.feature], left.output, right.output)
	}
	if len(g.p.InteractionGroups) > 0 {
		left.path = append(append([]int32{}, l.path...), int32(ft.column))
		right.path = left.path
	}
	g.leaves[k] = left
	g.leaves = append(g.leaves, right)
	left.best.gain, right.best.gain = math.Inf(-1), math.Inf(-1)
	if len(g.leaves) == g.p.NumLeaves {
		g.release(l)
		return
	}
	var moved []*leaf
	if g.intermediate {
		moved = g.recomputeBounds(t)
	}
	small, large := left, right
	if right.n < left.n {
		small, large = right, left
	}
	if g.divisible(large) {
		small.hist, large.hist = g.takeHistogram(), l.hist
		g.findSplits(small, large)
	} else {
		g.release(l)
	}
	for _, m := range moved {
		if m != left && m != right && m.hist != nil {
			g.findSplitAgain(m)
		}
	}
}

// divisible reports whether a split of the leaf could be allowed at all.
func (g *grower) divisible(l *leaf) bool {
	return l.n >= 2*max(1, g.p.MinDataInLeaf) && (g.p.MaxDepth <= 0 || l.depth < g.p.MaxDepth)
}

func (g *grower) takeHistogram() []cell {
	if k := len(g.pool) - 1; k >= 0 {
		h := g.pool[k]
		g.pool = g.pool[:k]
		return h
	}
	return make([]cell, g.matrix.cells)
}

func (g *grower) release(l *leaf) {
	if l.hist != nil {
		g.pool = append(g.pool, l.hist)
		l.hist = nil
	}
}

// exactRows is the number of rows up to which leaf values are computed from the
// unrounded derivatives, which costs one more pass over the rows. In larger
// tables the rounding error, which is unbiased and for a row below one part in
// 2^31/rows of the mean |gradient|, is far below the sampling error of any leaf.
const exactRows = 1 << 16

// finish computes the leaves' values and fills the tree's leaf arrays.
// Shrinkage is applied by the caller.
func (g *grower) finish(t *models.Tree) {
	n := len(g.leaves)
	t.LeafValue, t.LeafHess, t.LeafCount = make([]float64, n), make([]float64, n), make([]int64, n)
	g.team.Run(n, func(i int) {
		l := g.leaves[i]
		gs, hs := g.gradients.unscale(l.total)
		if g.matrix.rows <= exactRows && !g.intermediate {
			gs, hs = g.gradients.exactSums(g.rows[l.start : l.start+l.n])
		}
		parent := 0.0
		if l.node >= 0 {
			parent = t.NodeValue[l.node]
		}
		v := g.p.output(gs, hs, l.l2, l.n, parent)
		t.LeafValue[i] = min(max(v, l.bound.lo), l.bound.hi)
		if g.intermediate { // other leaves' bounds were computed from exactly this value
			t.LeafValue[i] = l.output
		}
		t.LeafHess[i], t.LeafCount[i] = hs, int64(l.n)
	})
}

// addNode appends the split of l to the tree and makes it its parent's child.
// Children are leaves until they are divided themselves.
func (g *grower) addNode(t *models.Tree, l *leaf, ft *feature) int {
	s := &l.best
	node := len(t.Feature)
	var k int32
	if l.node >= 0 {
		if l.right {
			k = ^t.Right[l.node]
			t.Right[l.node] = int32(node)
		} else {
			k = ^t.Left[l.node]
			t.Left[l.node] = int32(node)
		}
	}
	t.Feature = append(t.Feature, int32(ft.column))
	t.Left = append(t.Left, ^k)
	t.Right = append(t.Right, ^int32(len(g.leaves)))
	t.Gain = append(t.Gain, s.gain+g.p.MinGainToSplit) // as LightGBM records it
	t.NodeValue = append(t.NodeValue, l.output)
	_, hess := g.gradients.unscale(l.total)
	t.NodeHess = append(t.NodeHess, hess)
	t.NodeCount = append(t.NodeCount, int64(l.n))
	decision := uint8(ft.missing) << 2
	if s.categorical {
		decision |= models.DecisionCategorical
		if len(t.CatBoundaries) == 0 {
			t.CatBoundaries = []int32{0}
		}
		t.Threshold = append(t.Threshold, float64(len(t.CatBoundaries)-1))
		t.CatBits = append(t.CatBits, ft.codeBits(s.left)...)
		t.CatBoundaries = append(t.CatBoundaries, int32(len(t.CatBits)))
	} else {
		if s.missingLeft {
			decision |= models.DecisionDefaultLeft
		}
		t.Threshold = append(t.Threshold, ft.threshold(s.bin))
	}
	t.Decision = append(t.Decision, decision)
	return node
}

// threshold is the upper bound of a bin as a finite number.
func (b *binner) threshold(bin int) float64 {
	if bin >= len(b.upper)-1 {
		return math.MaxFloat64 // everything that is present
	}
	return b.upper[bin]
}

// codeBits turns a set of bins into a bit set of category codes.
func (b *binner) codeBits(bins [4]uint64) []uint32 {
	var bits []uint32
	for k := 1; k < b.bins; k++ {
		if bins[k>>6]>>(k&63)&1 == 0 {
			continue
		}
		c := int(b.codes[k])
		for len(bits) <= c/32 {
			bits = append(bits, 0)
		}
		bits[c/32] |= 1 << (c % 32)
	}
	return bits
}
