// SPDX-License-Identifier: Apache-2.0

package forest

import "slices"

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
// the earlier ones, replace them. This needs one number for each edge and node of
// the rule,
//
//	f = z (1-t) / (z + (1-z) t),   and 1-f = t / (z + (1-z) t),
//
// where z belongs to the edge's feature as tested down to the edge. Let F be
// the f of the last edge above of the same feature (z = 1 when there is none),
// p the product above, and s the shares of the node's rows that its sides got.
// Going down with the feature's factor exchanged, the side that x takes gets
// p F s + p (1-F), the other p F s. Going up with the sums h and c of the two
// sides, and f of the side that x takes, the feature's share is
//
//	(F (h+c) - f h - c) / (t (1-t))
//
// where the divisor is applied at the end, with the weights of the rule. When x
// fails an earlier test of the feature, its factor changes only by s: F = f = 1
// expresses that, and makes the share 0.

// explainer is the form of a model that explains.
type explainer struct {
	rules       []rule
	expected    float64 // mean margin under the covers
	scale       float64 // 1, or 1/trees for an averaged forest
	longestPath int     // most distinct features on a path
	mostNumbers int     // the most of a tree: rows * width
	mostNodes   int     // of the largest tree
	widestRule  int     // of the largest rule
}

// rule is a quadrature and the trees that it integrates. The trees are in memory in
// their order: an explanation reads more than a processor's inner caches hold, and
// the kernels fetch ahead.
type rule struct {
	width   int
	weights []float64 // over t (1-t)
	trees   []shapTree
}

// shapScratch is the memory that one explanation writes to.
type shapScratch struct {
	product []float64 // per edge, width numbers: the product down to it, later the sum below it
	held    []uint32  // at the place of each edge's row: the row of the f that holds for it
	taken   []uint32  // per node: the edge that x takes
	shares  []float64 // per feature, width numbers; of the vector that is explained
}

// newScratch has room for the shares of one vector.
func (e *explainer) newScratch(features int) *shapScratch {
	return &shapScratch{product: make([]float64, e.mostNumbers), held: make([]uint32, 2*e.mostNumbers),
		taken: make([]uint32, e.mostNodes), shares: make([]float64, features*e.widestRule)}
}

// Contributions writes to dst[j] what feature j adds to the margin of x, and
// to dst[Features()] the expected margin: the exact path-dependent SHAP values
// that LightGBM's predict_contrib gives. They sum to Margin(x) but for
// rounding. len(dst) = Features()+1.
func (f *Forest) Contributions(dst, x []float64) {
	f.mustFit(len(x) == f.features && len(dst) == f.features+1)
	s := f.pool.Get().(*scratch)
	f.contributions(s, dst, x)
	f.pool.Put(s)
}

// ContributionsAll explains the vectors that lie one after another in rows:
// each gets Features()+1 numbers of dst, the same that Contributions gives.
func (f *Forest) ContributionsAll(dst, rows []float64) {
	n := len(rows) / f.features
	f.mustFit(len(rows) == n*f.features && len(dst) == n*(f.features+1))
	s := f.pool.Get().(*scratch)
	for n > 0 {
		k := min(n, explainRows)
		f.contributions(s, dst[:k*(f.features+1)], rows[:k*f.features])
		dst, rows, n = dst[k*(f.features+1):], rows[k*f.features:], n-k
	}
	f.pool.Put(s)
}

// explainRows is how many vectors are explained at once, tree after tree: what the
// explanation of a tree reads comes from memory once for all of them.
const explainRows = 8

// contributions explains at most explainRows vectors.
func (f *Forest) contributions(s *scratch, dst, rows []float64) {
	n := len(rows) / f.features
	if s.shap == nil {
		s.shap = f.explainer.newScratch(f.features)
	}
	s.shap.shares = slices.Grow(s.shap.shares[:0], n*f.features*f.explainer.widestRule)
	for i := range n {
		x, codes := rows[i*f.features:(i+1)*f.features], s.codes[i*f.encoder.width:]
		f.encoder.encode(codes, s.missing, x)
		f.encoder.encodeSets(codes, x)
	}
	clear(dst)
	for i := range f.explainer.rules {
		r := &f.explainer.rules[i]
		size := f.features * r.width
		all := s.shap.shares[:n*size]
		clear(all)
		s.shap.held[2*r.width] = uint32(8 * r.width)
		for j := range r.trees {
			t := &r.trees[j]
			for k := range n {
				s.shap.shares = all[k*size : (k+1)*size]
				copy(s.shap.product[r.width:], t.factors[:r.width]) // all ones
				r.explain(t, s.shap, s.codes[k*f.encoder.width:])
			}
		}
		s.shap.shares = all
		for k := range n {
			to := dst[k*(f.features+1):]
			for j := range f.features {
				for q, v := range all[k*size+j*r.width : k*size+(j+1)*r.width] {
					to[j] += float64(r.weights[q] * v)
				}
			}
		}
	}
	for i := range dst {
		dst[i] *= f.explainer.scale
	}
	for i := range n {
		dst[i*(f.features+1)+f.features] = f.explainer.expected
	}
}

// explainGeneric adds the shares of one tree, at each node of the rule. The caller
// has set the product of the root's edge, and the f that holds for it.
func (r *rule) explainGeneric(t *shapTree, s *shapScratch, codes []uint8) {
	n := uint32(r.width)
	row := func(of []float64, at uint32) []float64 { return of[at/8 : at/8+n : at/8+n] }
	// Down, as far as a node has nodes below it.
	for i := range t.nodes[:t.inner] {
		d := &t.nodes[i]
		side, hot, cold := t.sides(i, n, codes)
		above := s.held[d.ancestor/4]
		s.held[hot/4], s.held[cold/4] = hot, 0
		if above == 0 {
			s.held[hot/4] = 0
		}
		s.taken[i] = hot
		h, c := &d.sides[side], &d.sides[1-side]
		f, toHot, toCold := row(t.factors, above), row(s.product, hot), row(s.product, cold)
		for k, p := range row(s.product, d.in) {
			pf := float64(p * f[k])
			toHot[k] = float64(h.share*pf) + float64(h.rest*(p-pf))
			toCold[k] = c.share * pf
		}
	}
	// The nodes with two leaves, down and up at once.
	for i := t.inner; i < len(t.nodes); i++ {
		d := &t.nodes[i]
		side, hot, _ := t.sides(i, n, codes)
		above := s.held[d.ancestor/4]
		if above == 0 {
			hot = 0
		}
		h, c := &d.sides[side], &d.sides[1-side]
		f, g := row(t.factors, above), row(t.factors, hot)
		in, shares := row(s.product, d.in), row(s.shares, d.shares)
		for k, p := range in {
			pf := float64(p * f[k])
			a := float64(h.share*pf) + float64(h.rest*(p-pf))
			b := float64(c.share * pf)
			in[k] = a + b
			shares[k] += float64(f[k]*in[k]) - float64(g[k]*a) - b
		}
	}
	// Up.
	for i := t.inner - 1; i >= 0; i-- {
		d := &t.nodes[i]
		hot := s.taken[i]
		cold := t.left(i, n)*2 + 8*n - hot
		f, g := row(t.factors, s.held[d.ancestor/4]), row(t.factors, s.held[hot/4])
		a, b := row(s.product, hot), row(s.product, cold)
		in, shares := row(s.product, d.in), row(s.shares, d.shares)
		for k := range in {
			in[k] = a[k] + b[k]
			shares[k] += float64(f[k]*in[k]) - float64(g[k]*a[k]) - b[k]
		}
	}
}

// left gives the row of the left edge from node i.
func (t *shapTree) left(i int, width uint32) uint32 { return uint32(2+2*i) * 8 * width }

// sides gives the side of node i that x takes, its edge, and the other's.
func (t *shapTree) sides(i int, width uint32, codes []uint8) (side int, hot, cold uint32) {
	hot = t.left(i, width)
	cold = hot + 8*width
	if d := &t.nodes[i]; uint32(codes[d.place]) > d.bound {
		return 1, cold, hot
	}
	return 0, hot, cold
}
