// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// sklearnLeaf says what a leaf gives: one number times a rate, or, of numbers
// for two classes, the share of the second.
type sklearnLeaf struct {
	rate  float64
	width int // numbers of a node
}

func (l sklearnLeaf) of(values []float64) float64 {
	if l.width == 1 {
		return l.rate * values[0]
	}
	// Since 1.3 they are shares; before, weights, of which predict_proba makes shares.
	if sum := values[0] + values[1]; sum != 0 && math.Abs(sum-1) > 1e-9 {
		return values[1] / sum
	}
	return values[1]
}

// sklearnTree reads a tree of sklearn.tree.
func sklearnTree(o *pickled, leaf sklearnLeaf, features int, budget *int) (models.Tree, error) {
	bad := func(what string) (models.Tree, error) { return models.Tree{}, fmt.Errorf("%w: %s", ErrFormat, what) }
	if !o.is("sklearn.tree", "Tree") {
		return bad("it is missing")
	}
	nodes, ok1 := arrayOf(o.field("nodes"))
	values, ok2 := arrayOf(o.field("values"))
	if !ok1 || !ok2 || nodes.size == 0 || values.kind != 'f' || values.size != 8 || values.fortran && leaf.width > 1 {
		return bad("its nodes and values are not arrays")
	}
	n := len(nodes.data) / nodes.size
	if n == 0 || n > 2*models.MaxLeaves || len(values.data) != 8*n*leaf.width {
		return bad(fmt.Sprintf("%d nodes and %d values, want 1 to %d nodes, and %d values of each", n,
			len(values.data)/8, 2*models.MaxLeaves, leaf.width))
	}
	if *budget -= len(nodes.data); *budget < 0 {
		return bad("the trees have more nodes than the file has room for")
	}
	var left, right, feature, count, threshold, impurity member
	for _, f := range []struct {
		name  string
		to    *member
		float bool
	}{
		{"left_child", &left, false}, {"right_child", &right, false}, {"feature", &feature, false},
		{"n_node_samples", &count, false}, {"threshold", &threshold, true}, {"impurity", &impurity, true},
	} {
		var ok bool
		if *f.to, ok = nodes.member(f.name); !ok || (f.to.kind == 'f') != f.float {
			return bad("its nodes have no " + f.name)
		}
	}
	weight, weighted := nodes.member("weighted_n_node_samples")
	missing, hasMissing := nodes.member("missing_go_to_left")
	x := emptyTree(n)
	x.threshold = upTo32
	x.value = func(v float64) float64 { return v }
	for i := range n {
		l, r := nodes.int(i, left), nodes.int(i, right)
		// The rows of a node, by their weights: shares of covers are of these.
		if x.hess[i] = float64(max(nodes.int(i, count), 0)); weighted && weight.kind == 'f' {
			x.hess[i] = nodes.float(i*nodes.size + weight.offset)
		}
		if l < 0 {
			numbers := make([]float64, leaf.width)
			for k := range numbers {
				numbers[k] = values.float(8 * (i*leaf.width + k))
			}
			x.condition[i] = leaf.of(numbers)
			continue
		}
		f, c := nodes.int(i, feature), nodes.float(i*nodes.size+threshold.offset)
		if l >= int64(n) || r < 0 || r >= int64(n) || f < 0 || f >= int64(features) || c != c {
			return bad(fmt.Sprintf("node %d has a child, a feature or a threshold out of range", i))
		}
		x.left[i], x.right[i], x.feature[i], x.condition[i] = int(l), int(r), int(f), c
		if hasMissing && nodes.int(i, missing) != 0 {
			x.defaultLeft[i] = 1
		}
		x.gain[i] = decrease(nodes, i, int(l), int(r), count, impurity)
	}
	if err := x.convert(); err != nil {
		return models.Tree{}, err
	}
	x.out.NodeValue = nil // an inner node's value is no output
	x.out.Shrinkage = leaf.rate
	return x.out, nil
}

// emptyTree has n leaves of value 0.
func emptyTree(n int) *foreignTree {
	x := newForeignTree()
	for _, list := range []*[]int{&x.left, &x.right, &x.feature, &x.defaultLeft, &x.kind} {
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

// decrease is by how much a split lowers the impurity, summed over its rows.
func decrease(nodes array, i, l, r int, count, impurity member) float64 {
	of := func(i int) float64 {
		return float64(float64(nodes.int(i, count)) * nodes.float(i*nodes.size+impurity.offset))
	}
	if d := of(i) - of(l) - of(r); d > 0 && !math.IsInf(d, 0) {
		return d
	}
	return 0
}

// upTo32 gives the largest float64 that, rounded to float32, is at most c.
func upTo32(c float64) float64 {
	f := float32(c)
	if float64(f) > c {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	if math.IsInf(float64(f), 0) {
		return float64(f)
	}
	return below(math.Nextafter32(f, float32(math.Inf(1))))
}
