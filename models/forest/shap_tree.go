// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"runtime"
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

// shapPlan is a tree whose rule is not known yet: rows are numbered, from 0 on.
type shapPlan struct {
	shapTree
	z        []float64 // per row
	mean     float64
	distinct int // most distinct features on a path
}

func newExplainer(m *models.Model, c *columns, e *encoder) *explainer {
	x := &explainer{scale: 1, expected: m.Init}
	plans := make([]shapPlan, len(m.Trees))
	count := 0
	for i := range m.Trees {
		count += len(m.Trees[i].Feature)
	}
	nodes := make([]shapNode, count)
	for i := range m.Trees {
		n := len(m.Trees[i].Feature)
		plans[i].nodes, nodes = nodes[:n:n], nodes[n:]
	}
	inParallel(len(plans), func(from, to int) {
		last := make([]uint32, len(m.Features))
		for i := from; i < to; i++ {
			plans[i].plan(&m.Trees[i], c.splits[i], e, last)
		}
	})
	// Four numbers at a time: a rule is never narrower than its vectors.
	widthOf := func(i int) int { return min((plans[i].distinct+7)/8*4, maxQuadrature) }
	quadratures := map[int]quadrature{}
	trees, numbers := map[int]int{}, map[int]int{} // of each width
	for i := range plans {
		p := &plans[i]
		x.expected += p.mean
		if len(p.nodes) == 0 {
			continue
		}
		width := widthOf(i)
		if _, ok := quadratures[width]; !ok {
			quadratures[width] = newQuadrature(width)
		}
		trees[width]++
		numbers[width] += len(p.z) * width
		x.numbers = max(x.numbers, len(p.z)*width)
		x.distinct = max(x.distinct, p.distinct)
		x.nodes, x.width = max(x.nodes, len(p.nodes)), max(x.width, width)
	}
	blocks := map[int][]float64{}
	for width, n := range numbers {
		blocks[width] = make([]float64, n)
	}
	for i := range plans {
		if p := &plans[i]; len(p.nodes) > 0 {
			width := widthOf(i)
			n := len(p.z) * width
			p.f, blocks[width] = blocks[width][:n:n], blocks[width][n:]
		}
	}
	inParallel(len(plans), func(from, to int) {
		for i := from; i < to; i++ {
			if len(plans[i].nodes) > 0 {
				plans[i].fit(quadratures[widthOf(i)].nodes)
			}
		}
	})
	for width, q := range quadratures {
		r := rule{width: width, trees: make([]shapTree, 0, trees[width])}
		for k, t := range q.nodes {
			r.weights = append(r.weights, q.weights[k]/float64(t*(1-t)))
		}
		x.rules = append(x.rules, r)
	}
	slices.SortFunc(x.rules, func(a, b rule) int { return a.width - b.width })
	for i := range plans {
		if len(plans[i].nodes) == 0 {
			continue
		}
		at := slices.IndexFunc(x.rules, func(r rule) bool { return r.width == widthOf(i) })
		x.rules[at].trees = append(x.rules[at].trees, plans[i].shapTree)
	}
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

// inParallel calls f with parts that make up [0, n), and returns when all are
// done.
func inParallel(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	parts := min(runtime.GOMAXPROCS(0), 8, n)
	for k := range parts {
		wg.Go(func() { f(n*k/parts, n*(k+1)/parts) })
	}
	wg.Wait()
}

// fit fills f for a rule, and gives rows their places in it.
func (p *shapPlan) fit(nodes []float64) {
	width := uint32(8 * len(nodes))
	for i := range p.nodes {
		d := &p.nodes[i]
		d.in *= width
		d.ancestor *= width
		d.shares = uint32(d.feature) * width
	}
	for k := range nodes {
		p.f[k] = 1
	}
	f := p.f[len(nodes):]
	for _, z := range p.z[1:] {
		for k, t := range nodes {
			f[k] = float64(z*(1-t)) / (z + float64((1-z)*t))
		}
		f = f[len(nodes):]
	}
	p.z = nil
}

// plan plans a tree; its nodes have their place. last has a place for each
// feature, all 0, and is left so.
func (p *shapPlan) plan(t *models.Tree, splits []split, e *encoder, last []uint32) {
	n := len(t.Feature)
	if n == 0 {
		p.mean = t.LeafValue[0]
		return
	}
	cover := covers(t)
	p.z = make([]float64, 2+2*n)
	p.z[1] = 1
	at := p.order(t)
	// Depth first, with the last edge of each feature on the way: 2i enters
	// node i, 2i+1 its right side, and -1-i leaves it.
	above := 0
	todo := []int{0}
	p.nodes[at[0]].in = 1
	for len(todo) > 0 {
		step := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if step < 0 {
			d := &p.nodes[at[-1-step]]
			if last[d.feature] = d.ancestor; d.ancestor == 1 {
				last[d.feature] = 0
				above--
			}
			continue
		}
		i, side := step/2, step%2
		d := &p.nodes[at[i]]
		if side == 0 {
			place, bound := e.at(splits[i])
			d.place, d.bound, d.feature, d.ancestor = uint32(place), uint32(bound), t.Feature[i], max(1, last[t.Feature[i]])
			if d.ancestor == 1 {
				above++
			}
			p.distinct = max(p.distinct, above)
			todo = append(todo, -1-i, step+1)
		}
		child := [2]int32{t.Left[i], t.Right[i]}[side]
		share := 0.5
		if total := cover(int32(i)); total > 0 {
			share = cover(child) / total
		}
		edge := uint32(2+2*at[i]) + uint32(side)
		p.z[edge] = p.z[d.ancestor] * share
		last[d.feature] = edge
		if child >= 0 {
			d.sides[side] = shapSide{share, 1}
			p.nodes[at[child]].in = edge
			todo = append(todo, 2*int(child))
		} else {
			v := t.LeafValue[^child]
			d.sides[side] = shapSide{share * v, v}
		}
	}
	p.mean = mean(t, cover)
}

// order places the nodes, those with two leaves last, and gives the place of
// each. Which kind a node is cannot be foreseen, so that nothing branches on it.
func (p *shapPlan) order(t *models.Tree) []int32 {
	at := make([]int32, len(t.Feature))
	left, right := t.Left[:len(at)], t.Right[:len(at)]
	inner := int32(0)
	for i := range at {
		at[i] = (left[i] & right[i]) >> 31 // -1: two leaves
		inner += 1 + at[i]
	}
	p.inner = int(inner)
	next := [2]int32{0, inner}
	for i, leafy := range at {
		kind := leafy & 1
		at[i] = next[kind]
		next[kind]++
	}
	return at
}

// mean is the expected output of t by the covers.
func mean(t *models.Tree, cover func(int32) float64) float64 {
	means := make([]float64, len(t.Feature))
	for i := len(means) - 1; i >= 0; i-- {
		total := cover(int32(i))
		for _, child := range [2]int32{t.Left[i], t.Right[i]} {
			share := 0.5
			if total > 0 {
				share = cover(child) / total
			}
			if child >= 0 {
				means[i] += float64(share * means[child])
			} else {
				means[i] += float64(share * t.LeafValue[^child])
			}
		}
	}
	return means[0]
}

// covers gives a function from nodes and leaves to the number of training rows
// that reached them: row counts, as LightGBM counts, else sums of hessians, as
// XGBoost does, else one for each leaf.
func covers(t *models.Tree) func(child int32) float64 {
	leaf := make([]float64, t.Leaves())
	total := 0.0
	for i := range leaf {
		switch {
		case len(t.LeafCount) > 0:
			leaf[i] = float64(t.LeafCount[i])
		case len(t.LeafHess) > 0:
			leaf[i] = t.LeafHess[i]
		}
		leaf[i] = max(leaf[i], 0)
		total += leaf[i]
	}
	if !(total > 0) {
		for i := range leaf {
			leaf[i] = 1
		}
	}
	node := make([]float64, len(t.Feature))
	of := func(child int32) float64 {
		if child < 0 {
			return leaf[^child]
		}
		return node[child]
	}
	for i := len(node) - 1; i >= 0; i-- {
		node[i] = of(t.Left[i]) + of(t.Right[i])
	}
	return of
}
