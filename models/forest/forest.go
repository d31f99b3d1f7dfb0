// SPDX-License-Identifier: Apache-2.0

// Package forest is the compiled predictor: a [models.Model] goes in once, and
// a form comes out that scores one vector or a batch of them, and explains a
// score exactly, without allocating and from any number of goroutines.
//
// Every form gives the bits of [models.Model.Margin], the naive walk: leaves
// are found by exact comparison, and their values are added in tree order.
// TestMargin and FuzzMargin hold it to that.
package forest

import (
	"fmt"

	"github.com/assayrisk/assay/models"
)

// Forest is a compiled model. It is immutable and safe for concurrent use.
type Forest struct {
	features int
	init     float64
	trees    []tree
	float32  bool // sums are rounded to float32
	average  bool
	explain  *explainer
}

// tree is one tree's nodes and leaves, packed for the walk.
type tree struct {
	nodes []node
	leaf  []float64
	cat   []uint32
}

// node is a split; children >= 0 are nodes, others are leaves ^child.
type node struct {
	threshold   float64
	left, right int32
	feature     int32
	catLo       int32 // categorical: words of tree.cat
	catHi       int32
	decision    uint8
}

// Compile validates m and makes its compiled form. m is not kept.
func Compile(m *models.Model) (*Forest, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	f := &Forest{features: len(m.Features), init: m.Init, float32: m.Float32Sums, average: m.Average, trees: make([]tree, len(m.Trees))}
	for i := range m.Trees {
		f.trees[i] = pack(&m.Trees[i])
	}
	f.explain = newExplainer(m)
	return f, nil
}

func pack(s *models.Tree) tree {
	t := tree{nodes: make([]node, len(s.Feature)), leaf: append([]float64(nil), s.LeafValue...), cat: append([]uint32(nil), s.CatBits...)}
	for i := range t.nodes {
		n := &t.nodes[i]
		*n = node{threshold: s.Threshold[i], left: s.Left[i], right: s.Right[i], feature: s.Feature[i], decision: s.Decision[i]}
		if n.decision&models.DecisionCategorical != 0 {
			c := int(n.threshold)
			n.catLo, n.catHi = s.CatBoundaries[c], s.CatBoundaries[c+1]
		}
	}
	return t
}

// Features returns the length of the vectors that f scores.
func (f *Forest) Features() int { return f.features }

// Trees returns the number of trees.
func (f *Forest) Trees() int { return len(f.trees) }

// Margin scores one vector of Features values, NaN for a missing one. A vector
// of another length is a mistake of the caller's and panics.
func (f *Forest) Margin(x []float64) float64 {
	f.check(len(x) == f.features)
	if f.float32 {
		s := float32(f.init)
		for i := range f.trees {
			t := &f.trees[i]
			s += float32(t.leaf[t.walk(x)])
		}
		return float64(s)
	}
	s := f.init
	for i := range f.trees {
		t := &f.trees[i]
		s += t.leaf[t.walk(x)]
	}
	if f.average && len(f.trees) > 0 {
		s /= float64(len(f.trees))
	}
	return s
}

// Margins scores len(dst) vectors, laid one after another in rows.
func (f *Forest) Margins(dst, rows []float64) {
	f.check(len(rows) == len(dst)*f.features)
	for i := range dst {
		dst[i] = f.Margin(rows[i*f.features : (i+1)*f.features])
	}
}

func (f *Forest) check(ok bool) {
	if !ok {
		panic(fmt.Sprintf("forest: the length of a vector or batch does not fit a model of %d features", f.features))
	}
}

// walk finds the leaf of x.
func (t *tree) walk(x []float64) int32 {
	if len(t.nodes) == 0 {
		return 0
	}
	i := int32(0)
	for i >= 0 {
		n := &t.nodes[i]
		if n.left32(t, x[n.feature]) {
			i = n.left
		} else {
			i = n.right
		}
	}
	return ^i
}

// left32 reports whether the value v goes left at n.
func (n *node) left32(t *tree, v float64) bool {
	if n.decision&models.DecisionCategorical != 0 {
		if !(v > -1 && v < 1<<31-1) {
			return false
		}
		k := int32(v)
		w := n.catLo + k/32
		return w < n.catHi && t.cat[w]>>(k%32)&1 != 0
	}
	missing := models.MissingType(n.decision >> 2 & 3)
	if v != v && missing != models.MissingNaN {
		v = 0
	}
	if missing == models.MissingZero && v >= -models.ZeroThreshold && v <= models.ZeroThreshold || missing == models.MissingNaN && v != v {
		return n.decision&models.DecisionDefaultLeft != 0
	}
	return v <= n.threshold
}
