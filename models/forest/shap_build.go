// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// shapPlan is a tree of the explainer, and what else is known about it.
type shapPlan struct {
	shapTree
	width    int     // of its rule; 0 for a tree of one leaf
	distinct int     // most distinct features on a path
	mean     float64 // expected output by the covers
}

// shapBuilder lays out trees one after another. What a tree needs meanwhile stays
// in the processor's inner caches: its numbers are written to their place as soon
// as its rule is known.
type shapBuilder struct {
	e           *encoder
	left        int // trees of this part that are not laid out yet, this one included
	nodes       arena[shapNode]
	numbers     [maxQuadrature/4 + 1]arena[float64] // by a quarter of the width
	quadratures []func() quadrature                 // in the same order
	// per feature, and one more for the root's edge: the last edge of the path; all 0 between trees
	last   []uint32
	covers []float64  // per leaf, from the last one on, then per node: training rows
	means  []float64  // in the same order: expected output
	shares []float64  // per edge, 2i and 2i+1 from node i: of the node's rows
	at     []int32    // per node: its place
	in     []shapEdge // per leaf, from the last one on, then per node
	z      []float64  // per row of the plan, which are numbered from 0 on
	todo   []int32
}

// arena hands out parts of larger pieces of memory, side by side.
type arena[T any] struct {
	rest  []T
	parts int // of the newest piece
}

// arenaSize is the size of such a piece in bytes, unless less is needed in all or
// more at once. It is small enough to be written to while it is in a cache.
const arenaSize = 1 << 19

// take gives n zero values, and expects to be called at most times times with n as
// large. Trees are often of one size, so that a piece holds a whole number of them.
func (a *arena[T]) take(n, times int) []T {
	if len(a.rest) < n {
		var one T
		fit := arenaSize / int(unsafe.Sizeof(one)) / n
		a.parts = max(1, min(2*a.parts, times, fit))
		a.rest = make([]T, n*a.parts)
	}
	part := a.rest[:n:n]
	a.rest = a.rest[n:]
	return part
}

// tree lays out t.
func (b *shapBuilder) tree(t *models.Tree, splits []split) shapPlan {
	n := len(t.Feature)
	if n == 0 {
		return shapPlan{mean: t.LeafValue[0]}
	}
	var p shapPlan
	p.mean = b.measure(t)
	p.nodes = b.nodes.take(n, b.left)
	b.order(&p, t)
	b.plan(&p, t, splits)
	// Four numbers at a time: a rule is never narrower than its vectors.
	p.width = min((p.distinct+7)/8*4, maxQuadrature)
	b.fit(&p)
	return p
}

// measure finds the covers, the shares and the expected output of t.
func (b *shapBuilder) measure(t *models.Tree) (mean float64) {
	n, leaves := len(t.Feature), t.Leaves()
	b.covers, b.means = resize(b.covers, leaves+n), resize(b.means, leaves+n)
	b.shares = resize(b.shares, 2*n)
	covers, means := b.covers, b.means
	total := 0.0
	for i, v := range t.LeafValue {
		c := 0.0
		switch {
		case len(t.LeafCount) > 0:
			c = float64(t.LeafCount[i])
		case len(t.LeafHess) > 0:
			c = t.LeafHess[i]
		}
		// Row counts, as LightGBM counts, else sums of hessians, as XGBoost does.
		c = max(c, 0)
		total += c
		covers[leaves-1-i], means[leaves-1-i] = c, v
	}
	if !(total > 0) { // else one for each leaf
		for i := range leaves {
			covers[i] = 1
		}
	}
	for i := n - 1; i >= 0; i-- {
		l, r := leaves+int(t.Left[i]), leaves+int(t.Right[i])
		total, left, right := covers[l]+covers[r], 0.5, 0.5
		if total > 0 {
			left, right = covers[l]/total, covers[r]/total
		}
		b.shares[2*i], b.shares[2*i+1] = left, right
		covers[leaves+i] = total
		means[leaves+i] = 0 + float64(left*means[l]) + float64(right*means[r])
	}
	return means[leaves]
}

// order places the nodes, those with two leaves last. No branch asks for the kind
// of a node: the processor could not predict it.
func (b *shapBuilder) order(p *shapPlan, t *models.Tree) {
	b.at = resize(b.at, len(t.Feature))
	at := b.at
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
}

// plan fills the nodes, which have their places, and z: depth first, with the
// last edge of each feature on the way. A step i enters node i, and -1-i leaves
// it when everything below it is done. No branch asks what is a leaf, or tests a
// feature for the first time: the processor could not predict it.
func (b *shapBuilder) plan(p *shapPlan, t *models.Tree, splits []split) {
	n, leaves := len(p.nodes), t.Leaves()
	b.z, b.in, b.todo = resize(b.z, 2+2*n), resize(b.in, leaves+n), resize(b.todo, 3*n+1)
	at, last, z, in, todo := b.at, b.last, b.z, b.in, b.todo
	z[0], z[1] = 0, 1
	in[leaves] = shapEdge{1, int32(len(last) - 1)}
	todo[0] = 0
	above := uint32(0)
	for waiting := 1; waiting > 0; {
		waiting--
		i := todo[waiting]
		if i < 0 {
			d := &p.nodes[at[-1-i]]
			fresh := isFirst(d.ancestor >> 1)
			last[d.feature] = d.ancestor &^ fresh
			above -= fresh
			continue
		}
		d, f, l, r := &p.nodes[at[i]], t.Feature[i], t.Left[i], t.Right[i]
		from := in[leaves+int(i)]
		last[from.feature] = from.edge
		place, bound := b.e.placeOf(splits[i])
		fresh := isFirst(last[f])
		d.place, d.bound, d.feature, d.in, d.ancestor = uint32(place), uint32(bound), f, from.edge, last[f]|fresh
		above += fresh
		p.distinct = max(p.distinct, int(above))
		above -= fresh & uint32((l&r)>>31) // no step leaves it
		edge := uint32(2 + 2*at[i])
		for side, child := range [2]int32{l, r} {
			share := b.shares[2*int(i)+side]
			z[edge] = z[d.ancestor] * share
			in[leaves+int(child)] = shapEdge{edge, f}
			leaf, one := uint64(int64(child)>>63), math.Float64bits(1)
			rest := math.Float64frombits(math.Float64bits(b.means[leaves+int(child)])&leaf | one&^leaf)
			d.sides[side] = shapSide{share * rest, rest}
			edge++
		}
		todo[waiting] = -1 - i
		waiting += 1 + int((l&r)>>31)
		todo[waiting] = r
		waiting += 1 + int(r>>31)
		todo[waiting] = l
		waiting += 1 + int(l>>31)
	}
	// The root's edge belongs to no feature: its place in last is the additional one.
	last[len(last)-1] = 0
}

// shapEdge is an edge, and the feature that it is of.
type shapEdge struct {
	edge    uint32
	feature int32
}

// isFirst is 1 for 0, and 0 for less than 2^31.
func isFirst(edge uint32) uint32 { return (edge - 1) >> 31 }

// fit fills f for the tree's rule, and gives rows their places in it.
func (b *shapBuilder) fit(p *shapPlan) {
	q := b.quadratures[p.width/4]()
	p.factors = b.numbers[p.width/4].take(len(b.z)*p.width, b.left)
	width := uint32(8 * p.width)
	for i := range p.nodes {
		d := &p.nodes[i]
		d.in *= width
		d.ancestor *= width
		d.shares = uint32(d.feature) * width
	}
	for k := range q.nodes {
		p.factors[k] = 1
	}
	fitFactors(p.factors[p.width:], b.z[1:], &q)
}

// fitFactorsGeneric writes a row of f for each z: at each node t of the rule
//
//	f = z (1-t) / (z + (1-z) t)
func fitFactorsGeneric(f, z []float64, q *quadrature) {
	for _, z := range z {
		for k, t := range q.nodes {
			f[k] = float64(z*q.rests[k]) / (z + float64((1-z)*t))
		}
		f = f[len(q.nodes):]
	}
}

// resize gives s, or a longer slice, n elements of any value.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
