// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"slices"
	"sync"

	"github.com/assayrisk/assay/models"
)

// shapTree is a tree as the explainer wants it. Nodes with two leaves come last;
// node i of the rest, and of these, has a place after its parent. Edges have
// rows of width numbers: row 0 is of none, 1 leads to the root, 2+2i and 3+2i
// from node i to the left and to the right. A row is named by its place in
// bytes, which the bounds on a model keep under 2^27.
type shapTree struct {
	nodes []shapNode
	inner int       // nodes [0, inner) have a node below them
	f     []float64 // per row; row 0 is all ones
}

// shapNode is read by the kernels, which know its layout.
type shapNode struct {
	place    uint32 // 0: of its code
	bound    uint32 // 4
	in       uint32 // 8: row of the edge that leads to it
	ancestor uint32 // 12: row of the last edge of the path from a node of the same feature, or 1's
	feature  int32  // 16
	shares   uint32 // 20: of the feature, in bytes
	_        uint64
	sides    [2]shapSide // 32
}

// shapSide is what becomes of a product on a side of a node. On the side of a
// leaf, the leaf's value is multiplied in.
type shapSide struct {
	share float64 // of the node's rows, times the leaf's value
	rest  float64 // 1, or the leaf's value
}

// newExplainer lays out the trees of m, parts of them side by side, and beside
// what first does.
func newExplainer(m *models.Model, c *columns, e *encoder, first func()) *explainer {
	x := &explainer{scale: 1, expected: m.Init}
	planned := make([]shapPlan, len(m.Trees))
	var quadratures [maxQuadrature/4 + 1]func() quadrature // by a quarter of the width
	for i := range quadratures {
		quadratures[i] = sync.OnceValue(func() quadrature { return newQuadrature(4 * i) })
	}
	beside(first, len(m.Trees), func() func(from, to int) {
		b := shapBuilder{e: e, quadratures: quadratures[:], last: make([]uint32, len(m.Features)+1)}
		return func(from, to int) {
			for i := from; i < to; i++ {
				b.left = to - i
				planned[i] = b.tree(&m.Trees[i], c.splits[i])
			}
		}
	})
	trees := map[int]int{} // of each width
	for i := range planned {
		p := &planned[i]
		x.expected += p.mean
		if p.width > 0 {
			trees[p.width]++
			x.numbers = max(x.numbers, len(p.f))
			x.distinct, x.nodes, x.width = max(x.distinct, p.distinct),
				max(x.nodes, len(p.nodes)), max(x.width, p.width)
		}
	}
	for width, n := range trees {
		r := rule{width: width, trees: make([]shapTree, 0, n)}
		q := quadratures[width/4]()
		for k, t := range q.nodes {
			r.weights = append(r.weights, q.weights[k]/float64(t*(1-t)))
		}
		for i := range planned {
			if planned[i].width == width {
				r.trees = append(r.trees, planned[i].shapTree)
			}
		}
		x.rules = append(x.rules, r)
	}
	slices.SortFunc(x.rules, func(a, b rule) int { return a.width - b.width })
	if m.Average && len(m.Trees) > 0 && !m.Float32Sums {
		x.scale = 1 / float64(len(m.Trees))
		x.expected *= x.scale
	}
	return x
}

// maxQuadrature bounds the rule: paths of more than twice as many distinct
// features are integrated by the largest rule, whose error is then of the
// order of rounding.
const maxQuadrature = 64
