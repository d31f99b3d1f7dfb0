// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"github.com/assayrisk/assay/models"
)

// explainer holds what exact path-dependent TreeSHAP needs beside the splits:
// the share of training rows that went each way.
type explainer struct {
	trees    []coverTree
	expected float64 // mean margin under the covers
	scale    float64 // 1, or 1/trees for an averaged forest
	depth    int     // deepest path, in nodes
}

type coverTree struct {
	src   models.Tree
	cover []float64 // per node
	leaf  []float64 // per leaf
}

func newExplainer(m *models.Model) *explainer {
	e := &explainer{trees: make([]coverTree, len(m.Trees)), scale: 1, expected: m.Init}
	for i := range m.Trees {
		e.trees[i] = newCoverTree(&m.Trees[i])
		c := &e.trees[i]
		mean, depth := c.mean(0, 0)
		e.expected += mean
		e.depth = max(e.depth, depth)
	}
	if m.Average && len(m.Trees) > 0 {
		e.scale = 1 / float64(len(m.Trees))
		e.expected *= e.scale
	}
	return e
}

// newCoverTree takes training row counts as covers, as LightGBM does, else
// sums of hessians, as XGBoost does, else one for each leaf.
func newCoverTree(t *models.Tree) coverTree {
	c := coverTree{src: *t, cover: make([]float64, len(t.Feature)), leaf: make([]float64, t.Leaves())}
	var total float64
	for i := range c.leaf {
		switch {
		case len(t.LeafCount) > 0:
			c.leaf[i] = float64(t.LeafCount[i])
		case len(t.LeafHess) > 0:
			c.leaf[i] = t.LeafHess[i]
		default:
			c.leaf[i] = 1
		}
		total += c.leaf[i]
	}
	if !(total > 0) {
		for i := range c.leaf {
			c.leaf[i] = 1
		}
	}
	for i := len(c.cover) - 1; i >= 0; i-- {
		c.cover[i] = c.of(t.Left[i]) + c.of(t.Right[i])
	}
	return c
}

func (c *coverTree) of(child int32) float64 {
	if child < 0 {
		return c.leaf[^child]
	}
	return c.cover[child]
}

// mean gives the cover-weighted mean of the leaves under node i, and the depth.
func (c *coverTree) mean(i int32, depth int) (float64, int) {
	if len(c.cover) == 0 {
		return c.src.LeafValue[0], depth
	}
	if i < 0 {
		return c.src.LeafValue[^i], depth
	}
	l, dl := c.mean(c.src.Left[i], depth+1)
	r, dr := c.mean(c.src.Right[i], depth+1)
	if c.cover[i] == 0 {
		return (l + r) / 2, max(dl, dr)
	}
	return (float64(l*c.of(c.src.Left[i])) + float64(r*c.of(c.src.Right[i]))) / c.cover[i], max(dl, dr)
}

// Contributions writes to dst[j] what feature j adds to the margin of x, and
// to dst[features] the expected margin: exact path-dependent SHAP values
// (Lundberg, Erion and Lee, "Consistent individualized feature attribution for
// tree ensembles", arXiv 1802.03888, algorithm 2). They sum to Margin(x) but
// for rounding. len(dst) = Features()+1.
func (f *Forest) Contributions(dst, x []float64) {
	f.check(len(x) == f.features && len(dst) == f.features+1)
	clear(dst)
	e := f.explain
	w := newShapWalk(e.depth, dst, x)
	for i := range e.trees {
		if len(e.trees[i].cover) > 0 {
			w.c = &e.trees[i]
			w.visit(0, nil, 1, 1, -1)
		}
	}
	for j := range dst {
		dst[j] *= e.scale
	}
	dst[f.features] = e.expected
}

// pathStep is one distinct feature on the way from the root: the fraction of
// rows that pass when the feature is unknown (zero) and known (one), and the
// permutation weight.
type pathStep struct {
	feature           int32
	zero, one, weight float64
}

type shapWalk struct {
	c      *coverTree
	dst, x []float64
	buf    []pathStep
}

func newShapWalk(depth int, dst, x []float64) *shapWalk {
	return &shapWalk{dst: dst, x: x, buf: make([]pathStep, 0, (depth+2)*(depth+3)/2)}
}

func (w *shapWalk) visit(i int32, parent []pathStep, zero, one float64, feature int32) {
	from := len(w.buf)
	w.buf = append(w.buf, parent...)
	w.buf = append(w.buf, pathStep{})
	path := extend(w.buf[from:], zero, one, feature)
	if i < 0 {
		v := w.c.src.LeafValue[^i]
		for k := 1; k < len(path); k++ {
			s := unwoundSum(path, k)
			w.dst[path[k].feature] += float64(float64(s*(path[k].one-path[k].zero)) * v)
		}
		w.buf = w.buf[:from]
		return
	}
	t := &w.c.src
	hot, cold := t.Left[i], t.Right[i]
	if t.Next(int(i), w.x) != hot {
		hot, cold = cold, hot
	}
	inZero, inOne := 1.0, 1.0
	f := t.Feature[i]
	for k := 1; k < len(path); k++ {
		if path[k].feature == f {
			inZero, inOne = path[k].zero, path[k].one
			path = unwind(path, k)
			break
		}
	}
	hotShare, coldShare := 0.5, 0.5
	if c := w.c.cover[i]; c > 0 {
		hotShare, coldShare = w.c.of(hot)/c, w.c.of(cold)/c
	}
	w.visit(hot, path, float64(hotShare*inZero), inOne, f)
	w.visit(cold, path, float64(coldShare*inZero), 0, f)
	w.buf = w.buf[:from]
}

// extend fills the last step of path and the weights for one more feature.
func extend(path []pathStep, zero, one float64, feature int32) []pathStep {
	d := len(path) - 1
	path[d] = pathStep{feature: feature, zero: zero, one: one}
	if d == 0 {
		path[d].weight = 1
	}
	for i := d - 1; i >= 0; i-- {
		path[i+1].weight += float64(one*path[i].weight) * float64(i+1) / float64(d+1)
		path[i].weight = float64(zero*path[i].weight) * float64(d-i) / float64(d+1)
	}
	return path
}

// unwind takes step k out of the path again.
func unwind(path []pathStep, k int) []pathStep {
	d := len(path) - 1
	one, zero := path[k].one, path[k].zero
	next := path[d].weight
	for i := d - 1; i >= 0; i-- {
		switch {
		case one != 0:
			old := path[i].weight
			path[i].weight = next * float64(d+1) / (float64(i+1) * one)
			next = old - float64(path[i].weight*zero)*float64(d-i)/float64(d+1)
		case zero != 0:
			path[i].weight = path[i].weight * float64(d+1) / (zero * float64(d-i))
		default:
			path[i].weight = 0
		}
	}
	for i := k; i < d; i++ {
		path[i].feature, path[i].zero, path[i].one = path[i+1].feature, path[i+1].zero, path[i+1].one
	}
	return path[:d]
}

// unwoundSum is the total weight of the path without step k.
func unwoundSum(path []pathStep, k int) float64 {
	d := len(path) - 1
	one, zero := path[k].one, path[k].zero
	next, total := path[d].weight, 0.0
	for i := d - 1; i >= 0; i-- {
		switch {
		case one != 0:
			tmp := next * float64(d+1) / (float64(i+1) * one)
			total += tmp
			next = path[i].weight - float64(tmp*zero)*float64(d-i)/float64(d+1)
		case zero != 0:
			total += path[i].weight * float64(d+1) / (zero * float64(d-i))
		}
	}
	return total
}
