// SPDX-License-Identifier: Apache-2.0

// Package models holds what a trained model is, apart from how it was trained
// and how it is evaluated: the portable forest of decision trees, the
// calibration of its margin into a probability, the scale of points and
// grades, and the bundle that keeps them on disk with their provenance.
//
// A [Model] is the meeting place of the trainer (models/gbdt), the readers and
// writers of foreign formats (models/interchange) and the compiled predictor
// (models/forest), none of which knows another. Its [Model.Margin] is the
// naive walk: slow, obvious, and the definition that every faster form must
// match bit for bit.
package models

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Objective says what a model's margin means.
type Objective string

// The objectives. The names are LightGBM's.
const (
	Binary       Objective = "binary"        // margin is log-odds of label 1
	CrossEntropy Objective = "cross_entropy" // margin is log-odds of a label in [0, 1]
	Regression   Objective = "regression"    // margin is the value itself
	Quantile     Objective = "quantile"      // margin is the quantile of the value
)

// MissingType says which values of a numerical feature are missing.
type MissingType uint8

// The missing types, numbered as in LightGBM's decision_type (bits 2 and 3).
const (
	MissingNone MissingType = 0 // NaN is read as 0
	MissingZero MissingType = 1 // NaN and |x| <= ZeroThreshold go the default way
	MissingNaN  MissingType = 2 // NaN goes the default way
)

// ZeroThreshold is the magnitude up to which MissingZero counts a value as
// zero: LightGBM's kZeroThreshold, which is 1e-35 rounded to a float32.
const ZeroThreshold = 1.0000000180025095e-35

// Bits of a node's Decision, LightGBM's decision_type.
const (
	DecisionCategorical uint8 = 1
	DecisionDefaultLeft uint8 = 2
)

// Tree is one regression tree with n leaves and n-1 nodes, in parallel arrays.
// A child >= 0 is a node, a child < 0 is leaf ^child. Node 0 is the root; a
// tree of one leaf has no nodes. A child node has a larger index than its
// parent, so that a walk ends.
type Tree struct {
	// Per node, length n-1.
	Feature   []int32   // column of the vector
	Threshold []float64 // numerical: x <= Threshold goes left; categorical: index into CatBoundaries
	Decision  []uint8   // DecisionCategorical | DecisionDefaultLeft | MissingType<<2
	Left      []int32
	Right     []int32
	Gain      []float64 // split gain, for importance
	NodeValue []float64 // output the node would have as a leaf
	NodeHess  []float64 // sum of hessians (weights) that reached the node
	NodeCount []int64   // training rows that reached the node

	// Categorical splits: split c sends category k left when bit k%32 of word
	// CatBits[CatBoundaries[c]+k/32] is set; every other value goes right.
	CatBoundaries []int32 // length (number of categorical splits)+1, or empty
	CatBits       []uint32

	// Per leaf, length n.
	LeafValue []float64 // shrinkage applied
	LeafHess  []float64
	LeafCount []int64

	Shrinkage float64 // learning rate that LeafValue already contains
}

// Leaves returns the number of leaves.
func (t *Tree) Leaves() int { return len(t.LeafValue) }

// FeatureInfo describes one column of the vector as the model saw it.
type FeatureInfo struct {
	Name        string
	Categorical bool
	Min, Max    float64     // range seen in training, numerical features
	Categories  []int32     // codes seen in training, categorical features
	Monotone    int8        // -1, 0, +1: direction the margin was constrained to
	Constant    bool        // the trainer found nothing to split on
	Dictionary  *Dictionary // what the codes stand for, where a file says it
}

// Model is a portable additive forest. Margin(x) = ((Init + t0) + t1) + ...
// with the trees' outputs summed in order; when Float32Sums is set, sums and
// leaf values are rounded to float32 at each step, as XGBoost does.
type Model struct {
	Objective   Objective
	Alpha       float64 // quantile level, for Quantile
	Sigmoid     float64 // slope of the link, 1 for models that this project trains
	Features    []FeatureInfo
	Init        float64 // constant before the first tree; 0 in LightGBM text
	Trees       []Tree
	Float32Sums bool
	Average     bool              // random forest: divide the sum by the number of trees
	Share       bool              // the margin is the probability itself, a mean of shares, and no log-odds
	Params      map[string]string // training parameters, for the record
	Classes     []string          // names of the two classes, where a file says them; the margin is of the second
}

// Bounds on a model that is read from bytes or compiled.
const (
	MaxFeatures = 1 << 16
	MaxTrees    = 1 << 17
	MaxLeaves   = 1 << 16
)

// ErrMalformed is matched by every error of Validate.
var ErrMalformed = errors.New("malformed model")

// Next returns the child of node i that the vector x goes to.
func (t *Tree) Next(i int, x []float64) int32 {
	v, d := x[t.Feature[i]], t.Decision[i]
	if d&DecisionCategorical != 0 {
		if t.InCategory(i, v) {
			return t.Left[i]
		}
		return t.Right[i]
	}
	missing := MissingType(d >> 2 & 3)
	if v != v && missing != MissingNaN {
		v = 0
	}
	if missing == MissingZero && v >= -ZeroThreshold && v <= ZeroThreshold || missing == MissingNaN && v != v {
		if d&DecisionDefaultLeft != 0 {
			return t.Left[i]
		}
		return t.Right[i]
	}
	if v <= t.Threshold[i] {
		return t.Left[i]
	}
	return t.Right[i]
}

// InCategory reports whether the value v of a categorical node i is in the set
// that goes left. NaN, negative values and codes past the bit set are not in it.
// The fraction of v is cut off.
func (t *Tree) InCategory(i int, v float64) bool {
	if !(v > -1 && v < math.MaxInt32) {
		return false
	}
	k, c := int32(v), int(t.Threshold[i])
	lo, hi := t.CatBoundaries[c], t.CatBoundaries[c+1]
	w := lo + k/32
	return w < hi && t.CatBits[w]>>(k%32)&1 != 0
}

// Leaf returns the index of the leaf that x falls into.
func (t *Tree) Leaf(x []float64) int {
	if len(t.Feature) == 0 {
		return 0
	}
	i := int32(0)
	for i >= 0 {
		i = t.Next(int(i), x)
	}
	return int(^i)
}

// Margin returns the model's output for one vector, by the naive walk. It is
// the definition of the model; models/forest gives the same bits, faster. x
// has one value per feature.
func (m *Model) Margin(x []float64) float64 {
	if m.Float32Sums {
		s := float32(m.Init)
		for i := range m.Trees {
			s += float32(m.Trees[i].LeafValue[m.Trees[i].Leaf(x)])
		}
		return float64(s)
	}
	s := m.Init
	for i := range m.Trees {
		s += m.Trees[i].LeafValue[m.Trees[i].Leaf(x)]
	}
	if m.Average && len(m.Trees) > 0 {
		s /= float64(len(m.Trees))
	}
	return s
}

// Probability turns a margin into what the objective predicts: a probability
// for Binary and CrossEntropy, the margin itself otherwise.
func (m *Model) Probability(margin float64) float64 {
	switch m.Objective {
	case Binary, CrossEntropy:
		k := m.Sigmoid
		if k == 0 {
			k = 1
		}
		return bitmath.Sigmoid(float64(k * margin))
	}
	return margin
}

// Validate checks that every index is in range, that walks end, and that
// numbers are finite, so that no later stage needs to check again. Its errors
// match ErrMalformed and say where.
func (m *Model) Validate() error {
	if n := len(m.Features); n == 0 || n > MaxFeatures {
		return fmt.Errorf("%w: %d features, want 1 to %d", ErrMalformed, n, MaxFeatures)
	}
	if n := len(m.Trees); n > MaxTrees {
		return fmt.Errorf("%w: %d trees, at most %d are allowed", ErrMalformed, n, MaxTrees)
	}
	if !isFinite(m.Init) {
		return fmt.Errorf("%w: the initial score is not finite", ErrMalformed)
	}
	// Each processor checks a part of the trees. Of several errors, the first tree's is returned.
	errs := make([]error, min(runtime.GOMAXPROCS(0), len(m.Trees)))
	var wg sync.WaitGroup
	for part := range errs {
		wg.Go(func() {
			for i := len(m.Trees) * part / len(errs); i < len(m.Trees)*(part+1)/len(errs); i++ {
				if err := m.Trees[i].validate(len(m.Features)); err != nil {
					errs[part] = fmt.Errorf("%w: tree %d: %w", ErrMalformed, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) validate(features int) error {
	n := len(t.LeafValue)
	if n == 0 || n > MaxLeaves {
		return fmt.Errorf("%d leaves, want 1 to %d", n, MaxLeaves)
	}
	for _, l := range []int{len(t.Feature), len(t.Threshold), len(t.Decision), len(t.Left), len(t.Right)} {
		if l != n-1 {
			return fmt.Errorf("an array of %d nodes in a tree of %d leaves, want %d", l, n, n-1)
		}
	}
	if err := t.optionalLengths(n); err != nil {
		return err
	}
	for i, v := range t.LeafValue {
		if !isFinite(v) {
			return fmt.Errorf("the value of leaf %d is not finite", i)
		}
	}
	for c := 1; c < len(t.CatBoundaries); c++ {
		if lo, hi := t.CatBoundaries[c-1], t.CatBoundaries[c]; lo < 0 || hi < lo || int(hi) > len(t.CatBits) {
			return fmt.Errorf("the bit set of categorical split %d is out of range", c-1)
		}
	}
	nodes, leaves := make([]bool, n-1), make([]bool, n)
	for i := range t.Feature {
		if f := t.Feature[i]; f < 0 || int(f) >= features {
			return fmt.Errorf("node %d splits on feature %d of %d", i, f, features)
		}
		if t.Decision[i] > 11 {
			return fmt.Errorf("node %d has the unknown decision type %d", i, t.Decision[i])
		}
		if th := t.Threshold[i]; t.Decision[i]&DecisionCategorical != 0 {
			if !(th >= 0 && th < float64(len(t.CatBoundaries)-1)) || th != math.Trunc(th) {
				return fmt.Errorf("node %d names categorical split %v of %d", i, th, len(t.CatBoundaries)-1)
			}
		} else if th != th {
			return fmt.Errorf("the threshold of node %d is NaN", i)
		}
		for _, c := range [2]int32{t.Left[i], t.Right[i]} {
			switch {
			case c >= 0 && (int(c) <= i || int(c) >= n-1):
				return fmt.Errorf("node %d has the child %d, want one of %d to %d", i, c, i+1, n-2)
			case c < 0 && int(^c) >= n:
				return fmt.Errorf("node %d has the leaf %d of %d", i, ^c, n)
			case c >= 0 && nodes[c], c < 0 && leaves[^c]:
				return fmt.Errorf("node %d shares a child with another node", i)
			}
			if c >= 0 {
				nodes[c] = true
			} else {
				leaves[^c] = true
			}
		}
	}
	return nil
}

func (t *Tree) optionalLengths(n int) error {
	for _, a := range []struct {
		name      string
		got, want int
	}{
		{"Gain", len(t.Gain), n - 1}, {"NodeValue", len(t.NodeValue), n - 1},
		{"NodeHess", len(t.NodeHess), n - 1}, {"NodeCount", len(t.NodeCount), n - 1},
		{"LeafHess", len(t.LeafHess), n}, {"LeafCount", len(t.LeafCount), n},
	} {
		if a.got != 0 && a.got != a.want {
			return fmt.Errorf("%s has %d entries, want %d or none", a.name, a.got, a.want)
		}
	}
	return nil
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
