// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// foreignTree is a tree as XGBoost stores it, and the tree of models that it
// becomes. The trees of scikit-learn and CatBoost take the same form first: all
// of these libraries send missing categories either way, models only to the
// right.
type foreignTree struct {
	left, right, feature   []int
	condition              []float64 // a node's threshold, a leaf's value
	defaultLeft, splitKind []int     // kind 1: categorical
	gain, hess, weight     []float64
	sets                   map[int][]int // categories that go right, per node
	categorical            map[int32]bool
	threshold              func(condition float64) float64 // the largest float64 that goes left
	value                  func(condition float64) float64 // of a leaf
	out                    models.Tree
}

// newForeignTree is a tree whose numbers are XGBoost's.
func newForeignTree() *foreignTree {
	return &foreignTree{
		categorical: map[int32]bool{}, sets: map[int][]int{},
		threshold: func(c float64) float64 { return below32(float32(c)) },
		value:     func(c float64) float64 { return float64(float32(c)) },
	}
}

// emptyTree has n leaves of value 0.
func emptyTree(n int) *foreignTree {
	x := newForeignTree()
	for _, list := range []*[]int{&x.left, &x.right, &x.feature, &x.defaultLeft, &x.splitKind} {
		*list = make([]int, n)
	}
	for _, list := range []*[]float64{&x.condition, &x.gain, &x.hess, &x.weight} {
		*list = make([]float64, n)
	}
	for i := range n {
		x.left[i], x.right[i] = -1, -1
	}
	return x
}

// pending is a node to convert, and where the result goes.
type pending struct {
	node   int
	parent int32 // -1 for the root
	right  bool
	share  float64 // of the node's cover, that this copy of it has: 1, or copyShare once or more
}

// copyShare is the share of its original's cover that the copy of a subtree for
// missing values has. A power of two keeps the shares within the copy, and what
// it adds to a sum is rounded away.
const copyShare = 1.0 / (1 << 56)

// convert makes the tree of models, children after parents. A file can name a
// node as the child of two nodes, or of itself: the bound on leaves ends the loop
// then, too.
func (x *foreignTree) convert() error {
	t := &x.out
	t.Shrinkage = 1
	queue := []pending{{node: 0, parent: -1, share: 1}}
	budget := len(x.left) // of nodes, until something is copied
	for k := 0; k < len(queue); k++ {
		p := queue[k]
		i := p.node
		if t.Leaves() > models.MaxLeaves || len(queue) > 2*models.MaxLeaves+budget {
			return fmt.Errorf("%w: more than %d leaves, or a cycle", ErrFormat, models.MaxLeaves)
		}
		if x.left[i] < 0 {
			x.attach(p, ^int32(t.Leaves()))
			t.LeafValue = append(t.LeafValue, x.value(x.condition[i]))
			t.LeafHess = append(t.LeafHess, x.hess[i]*p.share)
			continue
		}
		if x.splitKind[i] == 0 {
			if math.IsInf(x.condition[i], -1) || x.condition[i] != x.condition[i] {
				return fmt.Errorf("%w: node %d has the threshold %v", ErrFormat, i, x.condition[i])
			}
			n := x.add(p, i, x.threshold(x.condition[i]), x.defaultLeft[i] == 1, false)
			queue = append(queue, pending{x.left[i], n, false, p.share}, pending{x.right[i], n, true, p.share})
			continue
		}
		set, ok := x.sets[i]
		if !ok {
			return fmt.Errorf("%w: node %d has no categories", ErrFormat, i)
		}
		if len(set) == 0 { // all that is not missing goes left
			n := x.add(p, i, math.Inf(1), x.defaultLeft[i] == 1, false)
			queue = append(queue, pending{x.left[i], n, false, p.share}, pending{x.right[i], n, true, p.share})
			continue
		}
		if x.defaultLeft[i] == 0 {
			// Missing values go with the set. Of this guard's sides, only they take the
			// right one. XGBoost has no such split: the rows of the copy are counted in
			// its original.
			guard := x.add(p, i, math.Inf(1), false, false)
			t.Gain[guard] = 0
			queue = append(queue, pending{x.right[i], guard, true, p.share * copyShare})
			p = pending{i, guard, false, p.share}
		}
		n := x.add(p, i, x.addSet(set), false, true)
		queue = append(queue, pending{x.right[i], n, false, p.share}, pending{x.left[i], n, true, p.share})
	}
	if len(t.Feature) == 0 {
		t.Gain, t.NodeValue, t.NodeHess = nil, nil, nil
	}
	return nil
}

// add appends a node for node i of the file and gives its number.
func (x *foreignTree) add(p pending, i int, threshold float64, defaultLeft, categorical bool) int32 {
	t := &x.out
	n := int32(len(t.Feature))
	x.attach(p, n)
	d := uint8(models.MissingNaN) << 2
	if defaultLeft {
		d |= models.DecisionDefaultLeft
	}
	f := int32(x.feature[i])
	if categorical {
		d |= models.DecisionCategorical
		x.categorical[f] = true
	}
	t.Feature, t.Threshold, t.Decision = append(t.Feature, f), append(t.Threshold, threshold), append(t.Decision, d)
	t.Left, t.Right = append(t.Left, 0), append(t.Right, 0)
	gain := x.gain[i]
	if p.share < 1 {
		gain = 0 // its original has it
	}
	t.Gain, t.NodeValue, t.NodeHess = append(t.Gain, gain), append(t.NodeValue, x.weight[i]), append(t.NodeHess,
		x.hess[i]*p.share)
	return n
}

func (x *foreignTree) attach(p pending, child int32) {
	switch {
	case p.parent < 0:
	case p.right:
		x.out.Right[p.parent] = child
	default:
		x.out.Left[p.parent] = child
	}
}

// addSet appends a set of categories and gives its number.
func (x *foreignTree) addSet(set []int) float64 {
	t := &x.out
	if len(t.CatBoundaries) == 0 {
		t.CatBoundaries = []int32{0}
	}
	top := 0
	for _, c := range set {
		top = max(top, c)
	}
	words := make([]uint32, top/32+1)
	for _, c := range set {
		words[c/32] |= 1 << (c % 32)
	}
	t.CatBits = append(t.CatBits, words...)
	t.CatBoundaries = append(t.CatBoundaries, int32(len(t.CatBits)))
	return float64(len(t.CatBoundaries) - 2)
}

// below32 gives the largest float64 that, rounded to float32, is less than c:
// x < c in float32 is x <= below32(c) in float64.
func below32(c float32) float64 {
	p := math.Nextafter32(c, float32(math.Inf(-1)))
	// Numbers up to the middle between p and c round to p; the middle itself
	// rounds to the one whose last bit is 0. Beyond the largest float32, 2^128 takes
	// the place of infinity.
	const past = 1 << 128
	mid := max(float64(p), -past)/2 + min(float64(c), past)/2
	if math.Float32bits(p)&1 == 0 {
		return mid
	}
	return math.Nextafter(mid, math.Inf(-1))
}

// atMost32 gives the largest float64 that, rounded to float32, is at most c.
func atMost32(c float64) float64 {
	f := float32(c)
	if float64(f) > c {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	if math.IsInf(float64(f), 0) {
		return float64(f)
	}
	return below32(math.Nextafter32(f, float32(math.Inf(1))))
}
