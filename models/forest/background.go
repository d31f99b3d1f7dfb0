// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"fmt"

	"github.com/assayrisk/assay"
)

// MaxBackground is the largest number of rows of a background.
const MaxBackground = 4096

// Background is a fixed sample that scores are explained against: what moves
// the margin of a vector away from the sample's mean. Its contributions are the
// interventional SHAP values, which break the dependence between features where
// path-dependent ones follow the training rows. A Background is immutable and
// safe for concurrent use.
type Background struct {
	f        *Forest
	digest   assay.Digest
	codes    []uint8 // of each row, width bytes
	width    int
	rows     int
	expected float64
	trees    []backgroundTree
	weights  [][]float64 // [a][b] = (a-1)! b! / (a+b)!, a > 0
	depth    int
}

// backgroundTree is a tree of the explainer and where its edges lead.
type backgroundTree struct {
	*shapTree
	child []int32 // per edge: a node, or -1 for a leaf
}

// NewBackground makes a background of rows, which follow one another.
func NewBackground(f *Forest, rows []float64) (*Background, error) {
	n := len(rows) / f.features
	if len(rows)%f.features != 0 || n == 0 || n > MaxBackground {
		return nil, fmt.Errorf("forest: a background of %d values: want 1 to %d rows of %d features: %w", len(rows),
			MaxBackground, f.features, assay.ErrInvalid)
	}
	const maxDepth = 1024
	if f.explainer.longestPath > maxDepth {
		return nil, fmt.Errorf("forest: a path of %d features, backgrounds allow %d: %w", f.explainer.longestPath,
			maxDepth, assay.ErrInvalid)
	}
	b := &Background{f: f, rows: n, width: f.encoder.width, depth: f.explainer.longestPath}
	b.codes = make([]uint8, n*b.width)
	s := f.newScratch()
	v := assay.Vector{Values: rows}
	b.digest = assay.Sum("assay/background/v1\n", v.AppendBinary(nil))
	for i := range n {
		x := rows[i*f.features : (i+1)*f.features]
		f.encoder.encode(s.codes, s.missing, x)
		f.encoder.encodeSets(s.codes, x)
		copy(b.codes[i*b.width:], s.codes[:b.width])
		b.expected += f.Margin(x)
	}
	b.expected /= float64(n)
	b.fillWeights()
	for i := range f.explainer.rules {
		r := &f.explainer.rules[i]
		for j := range r.trees {
			t := backgroundTree{&r.trees[j], make([]int32, 2+2*len(r.trees[j].nodes))}
			for e := range t.child {
				t.child[e] = -1
			}
			for k := range t.nodes {
				t.child[int(t.nodes[k].in)/8/r.width] = int32(k)
			}
			b.trees = append(b.trees, t)
		}
	}
	return b, nil
}

// fillWeights fills the weights: w(a, 0) = 1/a, and w(a, b) = w(a, b-1) b / (a+b).
func (b *Background) fillWeights() {
	b.weights = make([][]float64, b.depth+1)
	for a := 1; a <= b.depth; a++ {
		w := make([]float64, b.depth-a+1)
		w[0] = 1 / float64(a)
		for k := 1; k < len(w); k++ {
			w[k] = w[k-1] * float64(k) / float64(a+k)
		}
		b.weights[a] = w
	}
}

// Digest identifies the background: SHA-256 of "assay/background/v1\n" and the rows'
// canonical bytes.
func (b *Background) Digest() assay.Digest { return b.digest }

// Contributions writes to dst[j] what feature j adds to the margin of x, and to
// dst[Features()] the mean margin of the background: the mean, over the rows z,
// of the Shapley values of the game in which an absent feature has z's value
// (Lundberg et al., "From local explanations to global understanding with
// explainable AI for trees", algorithm 3). They sum to Margin(x) but for
// rounding. The time is that of as many explanations as there are rows.
func (b *Background) Contributions(dst, x []float64) {
	f := b.f
	f.mustFit(len(x) == f.features && len(dst) == f.features+1)
	s := f.pool.Get().(*scratch)
	f.encoder.encode(s.codes, s.missing, x)
	f.encoder.encodeSets(s.codes, x)
	if s.side == nil {
		s.side = make([]int8, f.features)
	}
	clear(dst)
	w := pairWalk{b: b, x: s.codes, dst: dst, side: s.side}
	for i := range b.rows {
		w.z = b.codes[i*b.width:]
		for j := range b.trees {
			w.t = &b.trees[j]
			w.visit(w.t.child[1], 0, 0)
		}
	}
	f.pool.Put(s)
	for j := range dst {
		dst[j] *= f.explainer.scale / float64(b.rows)
	}
	dst[f.features] = b.expected
}

// pairWalk walks one tree for a vector x and a row z at once.
type pairWalk struct {
	b    *Background
	t    *backgroundTree
	x, z []uint8 // codes
	dst  []float64
	side []int8 // per feature: 1 where the path is x's and not z's, -1 the other way, 0 not decided
}

// visit gives the sums, over the leaves below node i that can be reached, of
// the leaf's value times the weight of a feature that x, or that z, must
// provide, when so far they provide nx and nz features.
func (w *pairWalk) visit(i int32, nx, nz int) (forX, forZ float64) {
	d := &w.t.nodes[i]
	toX, toZ := 2+2*i, 2+2*i
	if uint32(w.x[d.place]) > d.bound {
		toX++
	}
	if uint32(w.z[d.place]) > d.bound {
		toZ++
	}
	side := &w.side[d.feature]
	switch {
	case toX == toZ || *side > 0:
		return w.follow(toX, nx, nz)
	case *side < 0:
		return w.follow(toZ, nx, nz)
	}
	*side = 1
	ax, az := w.follow(toX, nx+1, nz)
	*side = -1
	bx, bz := w.follow(toZ, nx, nz+1)
	*side = 0
	w.dst[d.feature] += ax - bz
	return ax + bx, az + bz
}

func (w *pairWalk) follow(edge int32, nx, nz int) (forX, forZ float64) {
	if c := w.t.child[edge]; c >= 0 {
		return w.visit(c, nx, nz)
	}
	v := w.t.nodes[edge/2-1].sides[edge%2].rest // of a leaf
	if nx > 0 {
		forX = v * w.b.weights[nx][nz]
	}
	if nz > 0 {
		forZ = v * w.b.weights[nz][nx]
	}
	return forX, forZ
}
