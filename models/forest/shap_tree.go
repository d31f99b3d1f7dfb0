// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"slices"
	"sync"

	"github.com/assayrisk/assay/models"
)

// shapTree is a tree in the form that the explainer reads. Nodes with two leaves
// come last; within both kinds, a node comes after its parent. Edges have
// rows of width numbers: row 0 is of none, 1 leads to the root, 2+2i and 3+2i
// from node i to the left and to the right. A row is identified by its place in
// bytes, which the limits of a model keep below 2^27.
type shapTree struct {
	nodes   []shapNode
	inner   int       // nodes [0, inner) have a node below them
	factors []float64 // per row; row 0 is all ones
}

// shapNode is read by the kernels. They know its layout.
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

// shapSide is what a product is multiplied by on a side of a node. On the side of
// a leaf, that includes the leaf's value.
type shapSide struct {
	share float64 // of the node's rows, times the leaf's value
	rest  float64 // 1, or the leaf's value
}

// newExplainer lays out the trees of m in several goroutines, and calls first in
// another one meanwhile.
func newExplainer(m *models.Model, c *columns, e *encoder, first func()) *explainer {
	x := &explainer{scale: 1, expected: m.Init}
	planned := make([]shapPlan, len(m.Trees))
	var quadratures [maxQuadrature/4 + 1]func() quadrature // by a quarter of the width
	for i := range quadratures {
		quadratures[i] = sync.OnceValue(func() quadrature { return newQuadrature(4 * i) })
	}
	runAlongside(first, len(m.Trees), func() func(from, to int) {
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
			x.mostNumbers = max(x.mostNumbers, len(p.factors))
			x.longestPath, x.mostNodes, x.widestRule = max(x.longestPath, p.distinct),
				max(x.mostNodes, len(p.nodes)), max(x.widestRule, p.width)
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
