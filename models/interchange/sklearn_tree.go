// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange/pickle"
)

// sklearnLeaf says what the value of a leaf is made of: one number times a rate;
// or numbers for two classes, of which the second's share is the value.
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
func sklearnTree(o *pickle.Object, leaf sklearnLeaf, features int, budget *int) (models.Tree, error) {
	bad := func(what string) (models.Tree, error) { return models.Tree{}, fmt.Errorf("%w: %s", ErrFormat, what) }
	if !o.Is("sklearn.tree", "Tree") {
		return bad("it is missing")
	}
	nodes, ok1 := pickle.ArrayOf(o.Attribute("nodes"))
	values, ok2 := pickle.ArrayOf(o.Attribute("values"))
	if !ok1 || !ok2 || nodes.Members == nil || values.Kind != 'f' || values.Size != 8 ||
		values.ColumnsFirst && leaf.width > 1 {
		return bad("its nodes and values are not arrays")
	}
	n := nodes.Len()
	if n == 0 || n > 2*models.MaxLeaves || len(values.Data) != 8*n*leaf.width {
		return bad(fmt.Sprintf("%d nodes and %d values, want 1 to %d nodes, and %d values of each", n,
			len(values.Data)/8, 2*models.MaxLeaves, leaf.width))
	}
	if *budget -= len(nodes.Data); *budget < 0 {
		return bad("the trees have more nodes than the file has room for")
	}
	var left, right, feature, count, threshold, impurity pickle.Member
	for _, f := range []struct {
		name  string
		to    *pickle.Member
		float bool
	}{
		{"left_child", &left, false}, {"right_child", &right, false}, {"feature", &feature, false},
		{"n_node_samples", &count, false}, {"threshold", &threshold, true}, {"impurity", &impurity, true},
	} {
		var ok bool
		if *f.to, ok = nodes.Member(f.name); !ok || (f.to.Kind == 'f') != f.float {
			return bad("its nodes have no " + f.name)
		}
	}
	weight, weighted := nodes.Member("weighted_n_node_samples")
	missing, hasMissing := nodes.Member("missing_go_to_left")
	x := emptyTree(n)
	x.threshold = atMost32
	x.value = func(v float64) float64 { return v }
	for i := range n {
		l, r := nodes.Int(i, left), nodes.Int(i, right)
		// The rows of a node, by their weights: shares of covers are of these.
		if x.hess[i] = float64(max(nodes.Int(i, count), 0)); weighted && weight.Kind == 'f' {
			x.hess[i] = nodes.Float(i, weight)
		}
		if l < 0 {
			numbers := make([]float64, leaf.width)
			for k := range numbers {
				numbers[k], _ = values.Number(i*leaf.width + k)
			}
			x.condition[i] = leaf.of(numbers)
			continue
		}
		f, c := nodes.Int(i, feature), nodes.Float(i, threshold)
		if l >= int64(n) || r < 0 || r >= int64(n) || f < 0 || f >= int64(features) || c != c {
			return bad(fmt.Sprintf("node %d has a child, a feature or a threshold out of range", i))
		}
		x.left[i], x.right[i], x.feature[i], x.condition[i] = int(l), int(r), int(f), c
		if hasMissing && nodes.Int(i, missing) != 0 {
			x.defaultLeft[i] = 1
		}
		x.gain[i] = impurityDecrease(nodes, i, int(l), int(r), count, impurity)
	}
	if err := x.convert(); err != nil {
		return models.Tree{}, err
	}
	x.out.NodeValue = nil // an inner node's value is no output
	x.out.Shrinkage = leaf.rate
	return x.out, nil
}

// impurityDecrease is by how much a split lowers the impurity, summed over its
// rows.
func impurityDecrease(nodes pickle.Array, i, l, r int, count, impurity pickle.Member) float64 {
	of := func(i int) float64 {
		return float64(float64(nodes.Int(i, count)) * nodes.Float(i, impurity))
	}
	if d := of(i) - of(l) - of(r); d > 0 && !math.IsInf(d, 0) {
		return d
	}
	return 0
}
