// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// maxCategory is the largest category code that XGBoost allows.
const maxCategory = 1<<24 - 1

func newXGBTree(d *document, features int) (*foreignTree, error) {
	x := newForeignTree()
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
		{"split_type", &x.splitKind, 0, 1, true},
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
	if len(x.splitKind) == 0 {
		x.splitKind = make([]int, n)
	}
	for i := range n {
		if (x.left[i] < 0) != (x.right[i] < 0) {
			return nil, bad("a node with one child")
		}
		if x.left[i] >= 0 && x.feature[i] >= features {
			return nil, bad(fmt.Sprintf("a split on feature %d of %d", x.feature[i], features))
		}
	}
	for name, to := range map[string]*[]float64{"loss_changes": &x.gain, "sum_hessian": &x.hess,
		"base_weights": &x.weight} {
		if *to = d.field(name).numbers; len(*to) != n {
			*to = make([]float64, n)
			if name == "sum_hessian" { // every leaf counts the same
				for i := range *to {
					(*to)[i] = 1
				}
			}
		}
	}
	return x, x.categories(d)
}

// categories reads the sets of the categorical nodes.
func (x *foreignTree) categories(d *document) error {
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
