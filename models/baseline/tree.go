// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sjwhitworth/golearn/trees"
)

// Tree is one CART tree (golearn). Its leaves have the bad rate of all training rows
// that fall into them. It fits on half a page.
type Tree struct {
	coder  *coder
	names  []string
	cats   [][]string
	leaves []Leaf
	node   *node
}

// Leaf is one rule of the tree.
type Leaf struct {
	Rule      string // conditions joined by "and"; "always" for a tree of one leaf
	When      []Condition
	Rows, Bad int
}

// PD returns the leaf's bad rate, with half a row of each class added.
func (l Leaf) PD() float64 { return (float64(l.Bad) + 0.5) / (float64(l.Rows) + 1) }

type node struct {
	feature     int
	threshold   float64 // codes below go left
	left, right *node
	leaf        int // of a node without children
}

// FitTree grows a tree of at most depth levels (0 = 4) on a draw of at most
// c.MaxRows rows (0 = 1500) in which the classes are equally frequent, then
// counts all rows in its leaves. categories names the codes of each column;
// nil, or nil for a column, prints the codes. Errors match ErrInput.
func FitTree(ctx context.Context, d *Data, categories [][]string, c ForestConfig) (*Tree, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("single tree: %w", err)
	}
	if c.MaxDepth == 0 {
		c.MaxDepth = 4
	}
	c = c.withDefaults()
	t := &Tree{coder: newCoder(d), names: d.Names, cats: categories}
	coded := t.coder.columns(d)
	all := make([]int, len(d.Columns))
	for j := range all {
		all[j] = j
	}
	byClass, r := rowsByClass(d.Label), random(c.Seed)
	rows := make([]int, 0, c.MaxRows)
	for len(rows) < min(c.MaxRows, len(d.Label)) {
		class := byClass[len(rows)%2]
		rows = append(rows, class[r.below(len(class))])
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	grown, err := growTree(coded, d, all, rows, c.MaxDepth)
	if err != nil {
		return nil, fmt.Errorf("single tree: %w", err)
	}
	t.node = copyTree(grown.cart)
	t.label(t.node, nil)
	for i, y := range d.Label {
		l := &t.leaves[t.walk(func(j int) float64 { return coded[j][i] })]
		l.Rows++
		l.Bad += int(y)
	}
	return t, nil
}

// copyTree copies the splits of golearn's tree. Its node type is not exported but
// its fields are, so the nodes are collected in a list whose type is inferred.
// golearn's labels are not used: a root that found no split carries a wrong
// one.
func copyTree(cart *trees.CARTDecisionTreeClassifier) *node {
	from, to := listOf(cart.RootNode), []*node{{}}
	for i := 0; i < len(from); i++ {
		f, n := from[i], to[i]
		n.feature, n.threshold = int(f.Feature), f.Threshold
		n.left, n.right = &node{}, &node{}
		if f.Left != nil {
			from, to = append(from, f.Left), append(to, n.left)
		}
		if f.Right != nil {
			from, to = append(from, f.Right), append(to, n.right)
		}
	}
	return to[0]
}

func listOf[T any](v ...T) []T { return v }

// label numbers the leaves from left to right and writes their rules.
func (t *Tree) label(n *node, path []Condition) {
	if n.left == nil {
		n.leaf = len(t.leaves)
		rule := "always"
		if len(path) > 0 {
			said := make([]string, len(path))
			for i, c := range path {
				said[i] = c.String()
			}
			rule = strings.Join(said, " and ")
		}
		t.leaves = append(t.leaves, Leaf{Rule: rule, When: path})
		return
	}
	t.label(n.left, append(slices.Clone(path), t.condition(n, true)))
	t.label(n.right, append(slices.Clone(path), t.condition(n, false)))
}

func (t *Tree) walk(code func(j int) float64) int {
	n := t.node
	for n.left != nil {
		if code(n.feature) < n.threshold {
			n = n.left
		} else {
			n = n.right
		}
	}
	return n.leaf
}

// Leaves returns the rules, from left to right; rules that no training row
// meets are left out.
func (t *Tree) Leaves() []Leaf {
	return slices.DeleteFunc(slices.Clone(t.leaves), func(l Leaf) bool { return l.Rows == 0 })
}

// Score returns the PD of a row with one value per column.
func (t *Tree) Score(x []float64) float64 {
	return t.leaves[t.walk(func(j int) float64 { return t.coder.code(j, x[j]) })].PD()
}

// Condition is one side of a split in words. Of a category it lists the values.
type Condition struct {
	Words  string // "utilisation above 0.49", or "region is"
	Values []string
}

// String is the condition in full.
func (c Condition) String() string {
	if len(c.Values) == 0 {
		return c.Words
	}
	return c.Words + " " + strings.Join(c.Values, ", ")
}

// condition words one side of a split in the variable's own values.
func (t *Tree) condition(n *node, left bool) Condition {
	j, name := n.feature, t.names[n.feature]
	if rank := t.coder.rank[j]; rank != nil {
		var in []string
		for code, r := range rank {
			if r < n.threshold == left {
				in = append(in, t.category(j, code))
			}
		}
		if (-1 < n.threshold) == left {
			in = append(in, "missing")
		}
		return Condition{Words: name + " is", Values: in}
	}
	cuts := t.coder.columnCuts[j]
	k := int(math.Ceil(n.threshold)) // codes below k go left
	switch {
	case k <= 0 && left:
		return Condition{Words: name + " is missing"}
	case k <= 0:
		return Condition{Words: name + " is known"}
	case k > len(cuts):
		return Condition{Words: name + " has any value"}
	case left:
		return Condition{Words: fmt.Sprintf("%s up to %s or missing", name, shortNumber(cuts[k-1]))}
	}
	return Condition{Words: fmt.Sprintf("%s above %s", name, shortNumber(cuts[k-1]))}
}

func (t *Tree) category(j, code int) string {
	if j < len(t.cats) && code < len(t.cats[j]) {
		return t.cats[j][code]
	}
	return strconv.Itoa(code)
}
