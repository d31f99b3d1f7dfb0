// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"runtime"
	"slices"
	"sync"

	"github.com/assayrisk/assay/models"
)

// Exact path-dependent SHAP values. For a leaf with value v, whose path tests
// the distinct features k, let z_k be the share of training rows that pass the
// tests of k on the path, and o_k one when x passes them, else zero. The
// leaf's part of feature j is (Jethwani et al., arXiv 2605.04497; the integral
// is Owen's, for the multilinear extension of a game)
//
//	v * integral over t in [0, 1] of (o_j - z_j) * product over k != j of a_k(t),   a_k(t) = z_k + (o_k - z_k) * t
//
// a polynomial of lower degree than the path has features, which a Gauss-
// Legendre rule of half as many nodes integrates exactly. So at each node t of
// the rule the products run down the tree, the leaves' sums run up again, and
// every feature collects its share on the way: a fixed number of operations a
// tree node, where the recursion of arXiv 1802.03888 takes the square of the
// depth for each leaf.
//
// When a feature is tested again further down, the later z and o, which contain
// the earlier ones, take their place: on the way down the factor of the earlier
// test (the ancestor) is divided out, on the way up its share is taken back.
// What is divided by is z + (1-z)t, never zero; where o_k = 0 the quotient is
// the ratio of two z, a number known in advance.

// maxQuadrature bounds the rule: paths of more than twice as many distinct
// features are integrated by the largest rule, whose error is then of the
// order of rounding.
const maxQuadrature = 64

// explainer is the form of a model that explains.
type explainer struct {
	rules    []rule
	expected float64 // mean margin under the covers
	scale    float64 // 1, or 1/trees for an averaged forest
	distinct int     // most distinct features on a path
	nodes    int     // of the largest tree
	width    int     // of the largest rule
}

// rule is a quadrature and the trees that it integrates.
type rule struct {
	width int
	w     []float64
	tug   []float64 // the nodes t, then 1 - t, then 1 / (1 - t)
	trees []shapTree
}

// shapTree is a tree as the explainer wants it. Edges are numbered: 0 leads to
// the root, 1+2i and 2+2i from node i to the left and to the right.
type shapTree struct {
	nodes []shapNode
	edges []shapEdge
	inv   []float64 // per edge, width numbers: 1 / (z + (1-z)t)
}

// shapEdge and shapNode are read by the kernel, which knows their layout.
type shapEdge struct {
	z     float64
	share float64 // z over the ancestor's z
	value float64 // of the leaf that it leads to, 0 if it leads to a node
}

type shapNode struct {
	place    int32 // 0: of its code
	feature  int32 // 4
	in       int32 // 8: edge that leads to it
	ancestor int32 // 12: last edge of the path from a node of the same feature, or 0
	bound    int32 // 16
}

func newExplainer(m *models.Model, c *columns, e *encoder) *explainer {
	x := &explainer{scale: 1, expected: m.Init}
	byWidth := map[int][]shapTree{}
	quadratures := map[int]quadrature{}
	trees := make([]shapTree, len(m.Trees))
	means := make([]float64, len(m.Trees))
	distinct := make([]int, len(m.Trees))
	inParallel(len(trees), func(from, to int) {
		last := make([]int32, len(m.Features))
		for i := from; i < to; i++ {
			trees[i], means[i], distinct[i] = newShapTree(&m.Trees[i], c.splits[i], e, last)
		}
	})
	// Four numbers at a time: a rule is never narrower than its vectors.
	widthOf := func(i int) int { return min((distinct[i]+7)/8*4, maxQuadrature) }
	for i := range trees {
		x.expected += means[i]
		if len(trees[i].nodes) == 0 {
			continue
		}
		width := widthOf(i)
		if _, ok := quadratures[width]; !ok {
			quadratures[width] = newQuadrature(width)
		}
		x.distinct = max(x.distinct, distinct[i])
		x.nodes, x.width = max(x.nodes, len(trees[i].nodes)), max(x.width, width)
	}
	inParallel(len(trees), func(from, to int) {
		for i := from; i < to; i++ {
			if len(trees[i].nodes) > 0 {
				trees[i].invert(quadratures[widthOf(i)].nodes)
			}
		}
	})
	for i, t := range trees {
		if len(t.nodes) > 0 {
			byWidth[widthOf(i)] = append(byWidth[widthOf(i)], t)
		}
	}
	for width, q := range quadratures {
		r := rule{width: width, w: q.weights, trees: byWidth[width], tug: make([]float64, 3*width)}
		for k, t := range q.nodes {
			r.tug[k], r.tug[width+k], r.tug[2*width+k] = t, 1-t, 1/(1-t)
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

// invert fills inv for a rule.
func (t *shapTree) invert(nodes []float64) {
	t.inv = make([]float64, 0, len(t.edges)*len(nodes))
	for j := range t.edges {
		z := t.edges[j].z
		for _, node := range nodes {
			t.inv = append(t.inv, 1/(z+float64((1-z)*node)))
		}
	}
}

// newShapTree also gives the tree's mean, and the largest number of distinct
// features on a path.
// last has a place for each feature, all 0, and is left so.
func newShapTree(t *models.Tree, splits []split, e *encoder, last []int32) (s shapTree, mean float64, distinct int) {
	n := len(t.Feature)
	if n == 0 {
		return s, t.LeafValue[0], 0
	}
	cover := covers(t)
	s = shapTree{nodes: make([]shapNode, n), edges: make([]shapEdge, 1+2*n)}
	s.edges[0].z = 1
	means := make([]float64, n)
	// Depth first, with the last edge of each feature on the way: 2i enters
	// node i, 2i+1 its right side, and -1-i leaves it.
	above := 0
	todo := []int{0}
	for len(todo) > 0 {
		step := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if step < 0 {
			d := &s.nodes[-1-step]
			if last[d.feature] = d.ancestor; d.ancestor == 0 {
				above--
			}
			continue
		}
		i, side := step/2, step%2
		d := &s.nodes[i]
		if side == 0 {
			place, bound := e.at(splits[i])
			*d = shapNode{place: int32(place), bound: int32(bound), feature: t.Feature[i], in: d.in, ancestor: last[t.Feature[i]]}
			if d.ancestor == 0 {
				above++
			}
			distinct = max(distinct, above)
			todo = append(todo, -1-i, step+1)
		}
		child := [2]int32{t.Left[i], t.Right[i]}[side]
		edge := int32(1 + 2*i + side)
		to := &s.edges[edge]
		to.share = 0.5
		if total := cover(int32(i)); total > 0 {
			to.share = cover(child) / total
		}
		to.z = s.edges[d.ancestor].z * to.share
		last[d.feature] = edge
		if child >= 0 {
			s.nodes[child].in = edge
			todo = append(todo, 2*int(child))
		} else {
			to.value = t.LeafValue[^child]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for side, child := range [2]int32{t.Left[i], t.Right[i]} {
			edge := &s.edges[1+2*i+side]
			if child >= 0 {
				means[i] += float64(edge.share * means[child])
			} else {
				means[i] += float64(edge.share * edge.value)
			}
		}
	}
	return s, means[0], distinct
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

// shapScratch is what one explanation writes to.
type shapScratch struct {
	product []float64 // per edge
	sum     []float64 // per edge
	hot     []uint64  // per edge: all ones when x passes all tests of the edge's feature down to it, else 0
	shares  []float64 // per feature, width numbers
}

func (e *explainer) newScratch(features int) *shapScratch {
	n := (1 + 2*e.nodes) * e.width
	return &shapScratch{product: make([]float64, n), sum: make([]float64, n), hot: make([]uint64, 1+2*e.nodes), shares: make([]float64, features*e.width)}
}

// Contributions writes to dst[j] what feature j adds to the margin of x, and
// to dst[Features()] the expected margin: the exact path-dependent SHAP values
// that LightGBM's predict_contrib gives. They sum to Margin(x) but for
// rounding. len(dst) = Features()+1.
func (f *Forest) Contributions(dst, x []float64) {
	f.check(len(x) == f.features && len(dst) == f.features+1)
	s := f.pool.Get().(*scratch)
	if s.shap == nil {
		s.shap = f.explain.newScratch(f.features)
	}
	f.encoder.encode(s.codes, s.missing, x)
	f.encoder.sets(s.codes, x)
	clear(dst)
	for i := range f.explain.rules {
		r := &f.explain.rules[i]
		clear(s.shap.shares[:f.features*r.width])
		for j := range r.trees {
			r.explain(&r.trees[j], s.shap, s.codes)
		}
		for j := range f.features {
			for k, v := range s.shap.shares[j*r.width : (j+1)*r.width] {
				dst[j] += float64(r.w[k] * v)
			}
		}
	}
	f.pool.Put(s)
	for j := range dst {
		dst[j] *= f.explain.scale
	}
	dst[f.features] = f.explain.expected
}

// explainGeneric adds the shares of one tree, at each node of the rule. A leaf's
// sum is written on the way down; so are numbers without meaning for edges that
// lead to nodes, which the way up replaces.
func (r *rule) explainGeneric(t *shapTree, s *shapScratch, codes []uint8) {
	n := r.width
	nodes, rest, ones := r.tug[:n], r.tug[n:2*n], t.inv[:n]
	for k := range n {
		s.product[k] = 1
	}
	s.hot[0] = ^uint64(0)
	for i := range t.nodes {
		d := &t.nodes[i]
		hot, cold := t.sides(i, codes)
		above := s.hot[d.ancestor]
		s.hot[hot], s.hot[cold] = above, 0
		h, c := &t.edges[hot], &t.edges[cold]
		zh, slope, zc, inv, fade := h.z, 1-h.z, c.z, t.inv[int(d.ancestor)*n:][:n], rest
		if above == 0 {
			zh, slope, zc, inv, fade = h.share, 0, c.share, ones, ones
		}
		toHot, toCold := s.product[hot*n:][:n], s.product[cold*n:][:n]
		sumHot, sumCold := s.sum[hot*n:][:n], s.sum[cold*n:][:n]
		for k, p := range s.product[int(d.in)*n:][:n] {
			p *= inv[k]
			toHot[k] = p * (zh + float64(slope*nodes[k]))
			toCold[k] = p * float64(zc*fade[k])
			sumHot[k] = toHot[k] * h.value
			sumCold[k] = toCold[k] * c.value
		}
	}
	grow := r.tug[2*n:]
	for i := len(t.nodes) - 1; i >= 0; i-- {
		d := &t.nodes[i]
		hot, cold := t.sides(i, codes)
		a, b := s.sum[hot*n:][:n], s.sum[cold*n:][:n]
		up := s.sum[int(d.in)*n:][:n]
		for k := range up {
			up[k] = a[k] + b[k]
		}
		if s.hot[d.ancestor] == 0 {
			continue
		}
		shares := s.shares[int(d.feature)*n:][:n]
		inv, gain := t.inv[hot*n:][:n], 1-t.edges[hot].z
		before, gainBefore := t.inv[int(d.ancestor)*n:][:n], 1-t.edges[d.ancestor].z
		for k := range shares {
			shares[k] += float64(float64(gain*inv[k])*a[k]) - float64(grow[k]*b[k]) - float64(float64(gainBefore*before[k])*up[k])
		}
	}
}

// sides gives the edges from node i to the side that x goes to and to the
// other.
func (t *shapTree) sides(i int, codes []uint8) (hot, cold int) {
	if d := &t.nodes[i]; int32(codes[d.place]) > d.bound {
		return 2 + 2*i, 1 + 2*i
	}
	return 1 + 2*i, 2 + 2*i
}
