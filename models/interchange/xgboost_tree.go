// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// xgbTree is a tree as XGBoost stores it, and what it becomes.
type xgbTree struct {
	left, right, feature []int
	condition            []float64
	defaultLeft, kind    []int
	gain, hess, weight   []float64
	sets                 map[int][]int // categories that go right, per node
	categorical          map[int32]bool
	out                  models.Tree
}

// maxCategory is the largest category code that XGBoost allows.
const maxCategory = 1<<24 - 1

func newXGBTree(d *document, features int) (*xgbTree, error) {
	x := &xgbTree{categorical: map[int32]bool{}, sets: map[int][]int{}}
	n := len(d.field("left_children").numbers)
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrFormat, what) }
	if n == 0 || n > 2*models.MaxLeaves {
		return nil, bad(fmt.Sprintf("%d nodes, want 1 to %d", n, 2*models.MaxLeaves))
	}
	if nodes, ok := d.field("tree_param", "num_nodes").number(); ok && nodes != float64(n) {
		return nil, bad(fmt.Sprintf("%d nodes, num_nodes is %v", n, nodes))
	}
	if size, ok := d.field("tree_param", "size_leaf_vector").number(); ok && size > 1 {
		return nil, fmt.Errorf("%w: leaves with %v values", ErrUnsupported, size)
	}
	for _, f := range []struct {
		name      string
		to        *[]int
		low, high float64
		optional  bool
	}{
		{"left_children", &x.left, -1, float64(n - 1), false},
		{"right_children", &x.right, -1, float64(n - 1), false},
		{"split_indices", &x.feature, 0, math.MaxInt32, false},
		{"default_left", &x.defaultLeft, 0, 1, false},
		{"split_type", &x.kind, 0, 1, true},
	} {
		v, ok := d.field(f.name).integers(f.low, f.high)
		if !ok || len(v) != n && !(f.optional && len(v) == 0) {
			return nil, bad(f.name + " is not a list of the right numbers")
		}
		*f.to = v
	}
	if x.condition = d.field("split_conditions").numbers; len(x.condition) != n {
		return nil, bad("split_conditions has another length than left_children")
	}
	if len(x.kind) == 0 {
		x.kind = make([]int, n)
	}
	for i := range n {
		if (x.left[i] < 0) != (x.right[i] < 0) {
			return nil, bad("a node with one child")
		}
		if x.left[i] >= 0 && x.feature[i] >= features {
			return nil, bad(fmt.Sprintf("a split on feature %d of %d", x.feature[i], features))
		}
	}
	for name, to := range map[string]*[]float64{"loss_changes": &x.gain, "sum_hessian": &x.hess, "base_weights": &x.weight} {
		if *to = d.field(name).numbers; len(*to) != n {
			*to = make([]float64, n)
		}
	}
	return x, x.categories(d)
}

// categories reads the sets of the categorical nodes.
func (x *xgbTree) categories(d *document) error {
	nodes, ok1 := d.field("categories_nodes").integers(0, float64(len(x.left)-1))
	segments, ok2 := d.field("categories_segments").integers(0, math.MaxInt32)
	sizes, ok3 := d.field("categories_sizes").integers(0, math.MaxInt32)
	all, ok4 := d.field("categories").integers(0, maxCategory)
	if !ok1 || !ok2 || !ok3 || !ok4 || len(segments) != len(nodes) || len(sizes) != len(nodes) {
		return fmt.Errorf("%w: the lists of categories do not fit together", ErrFormat)
	}
	for i, n := range nodes {
		if segments[i]+sizes[i] > len(all) {
			return fmt.Errorf("%w: the categories of node %d are out of range", ErrFormat, n)
		}
		x.sets[n] = all[segments[i] : segments[i]+sizes[i]]
	}
	return nil
}

// pending is a node to convert, and where the result goes.
type pending struct {
	node   int
	parent int32 // -1 for the root
	right  bool
}

// convert makes the tree of models, children after parents. A file can name a
// node as a child of two, or of itself: the bound on leaves ends that too.
func (x *xgbTree) convert() error {
	t := &x.out
	t.Shrinkage = 1
	queue := []pending{{0, -1, false}}
	budget := len(x.left) // of nodes, until something is copied
	for k := 0; k < len(queue); k++ {
		p := queue[k]
		i := p.node
		if t.Leaves() > models.MaxLeaves || len(queue) > 2*models.MaxLeaves+budget {
			return fmt.Errorf("%w: more than %d leaves, or a cycle", ErrFormat, models.MaxLeaves)
		}
		if x.left[i] < 0 {
			x.attach(p, ^int32(t.Leaves()))
			t.LeafValue = append(t.LeafValue, float64(float32(x.condition[i])))
			t.LeafHess = append(t.LeafHess, x.hess[i])
			continue
		}
		if x.kind[i] == 0 {
			if math.IsInf(x.condition[i], -1) || x.condition[i] != x.condition[i] {
				return fmt.Errorf("%w: node %d has the threshold %v", ErrFormat, i, x.condition[i])
			}
			n := x.add(p, i, below(float32(x.condition[i])), x.defaultLeft[i] == 1, false)
			queue = append(queue, pending{x.left[i], n, false}, pending{x.right[i], n, true})
			continue
		}
		set, ok := x.sets[i]
		if !ok {
			return fmt.Errorf("%w: node %d has no categories", ErrFormat, i)
		}
		if x.defaultLeft[i] == 0 {
			// Missing values go with the set. Only they pass this guard's right.
			guard := x.add(p, i, math.Inf(1), false, false)
			queue = append(queue, pending{x.right[i], guard, true})
			p = pending{i, guard, false}
		}
		n := x.add(p, i, x.addSet(set), false, true)
		queue = append(queue, pending{x.right[i], n, false}, pending{x.left[i], n, true})
	}
	if len(t.Feature) == 0 {
		t.Gain, t.NodeValue, t.NodeHess = nil, nil, nil
	}
	return nil
}

// add appends a node for XGBoost's node i and gives its number.
func (x *xgbTree) add(p pending, i int, threshold float64, defaultLeft, categorical bool) int32 {
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
	t.Gain, t.NodeValue, t.NodeHess = append(t.Gain, x.gain[i]), append(t.NodeValue, x.weight[i]), append(t.NodeHess, x.hess[i])
	return n
}

func (x *xgbTree) attach(p pending, child int32) {
	switch {
	case p.parent < 0:
	case p.right:
		x.out.Right[p.parent] = child
	default:
		x.out.Left[p.parent] = child
	}
}

// addSet appends a set of categories and gives its number.
func (x *xgbTree) addSet(set []int) float64 {
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
