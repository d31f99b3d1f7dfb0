// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"fmt"
	"runtime"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"
	"golang.org/x/sync/errgroup"
)

// DefaultForestRows is ForestConfig.MaxRows unless it is set.
const DefaultForestRows = 1500

// ForestConfig of a random forest or of one tree. The zero value works.
type ForestConfig struct {
	Trees    int // 0 = 50
	MaxDepth int // 0 = 8
	// rows drawn for a tree; 0 = DefaultForestRows: golearn's trees cost rows times cut points at each node
	MaxRows int
	Seed    uint64 // of the draws
}

func (c ForestConfig) withDefaults() ForestConfig {
	if c.Trees == 0 {
		c.Trees = 50
	}
	if c.MaxDepth == 0 {
		c.MaxDepth = 8
	}
	if c.MaxRows == 0 {
		c.MaxRows = DefaultForestRows
	}
	return c
}

// Forest is a bag of golearn's CART trees. Its score is the share of trees
// that predict that a row is bad.
type Forest struct {
	coder *coder
	trees []tree
}

// tree is one CART tree over some of the columns.
type tree struct {
	columns []int
	cart    *trees.CARTDecisionTreeClassifier
	names   []string
}

// FitForest grows the trees on bootstrap draws in which both classes are
// equally frequent, each on a random half of the columns. The result depends
// on the data and the seed, not on the number of threads. Errors match
// ErrInput, or are ctx's.
func FitForest(ctx context.Context, d *Data, c ForestConfig) (*Forest, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("random forest: %w", err)
	}
	c = c.withDefaults()
	f := &Forest{coder: newCoder(d), trees: make([]tree, c.Trees)}
	coded := f.coder.columns(d)
	byClass := rowsByClass(d.Label)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for t := range f.trees {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r := random(c.Seed*0x9E3779B97F4A7C15 + uint64(t)*0xD1342543DE82EF95)
			columns := r.half(len(d.Columns))
			n := min(c.MaxRows, len(d.Label))
			rows := make([]int, n)
			for k := range rows {
				class := byClass[k%2]
				rows[k] = class[r.below(len(class))]
			}
			grown, err := growTree(coded, d, columns, rows, c.MaxDepth)
			f.trees[t] = grown
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("random forest: %w", err)
	}
	return f, nil
}

func rowsByClass(label []float64) (rows [2][]int) {
	for i, y := range label {
		rows[int(y)] = append(rows[int(y)], i)
	}
	return rows
}

// growTree fits one tree on the given columns and rows of coded data.
func growTree(coded [][]float64, d *Data, columns, rows []int, depth int) (tree, error) {
	t := tree{columns: columns}
	for _, j := range columns {
		t.names = append(t.names, d.Names[j])
	}
	grid, err := t.grid(len(rows), func(k, row int) float64 { return coded[columns[k]][rows[row]] },
		func(row int) float64 { return d.Label[rows[row]] })
	if err != nil {
		return t, err
	}
	t.cart = trees.NewDecisionTreeClassifier(trees.GINI, int64(depth), []int64{0, 1})
	if err := t.cart.Fit(grid); err != nil {
		return t, fmt.Errorf("golearn: %w", err)
	}
	return t, nil
}

// grid copies a table into golearn's form.
func (t *tree) grid(rows int, value func(column, row int) float64, label func(row int) float64) (*base.DenseInstances,
	error) {
	grid := base.NewDenseInstances()
	specs := make([]base.AttributeSpec, len(t.columns))
	for k, j := range t.columns {
		// golearn takes two columns of the same name for one: the number tells them apart.
		specs[k] = grid.AddAttribute(base.NewFloatAttribute(fmt.Sprintf("c%d", j)))
	}
	class := base.NewFloatAttribute("class")
	classSpec := grid.AddAttribute(class)
	if err := grid.AddClassAttribute(class); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	if err := grid.Extend(rows); err != nil {
		return nil, fmt.Errorf("golearn: %w", err)
	}
	for i := range rows {
		for k := range specs {
			grid.Set(specs[k], i, base.PackFloatToBytes(value(k, i)))
		}
		grid.Set(classSpec, i, base.PackFloatToBytes(label(i)))
	}
	return grid, nil
}

// Scores returns the share of trees that predict that each row is bad, 0 to 1.
// The columns are those of training.
func (f *Forest) Scores(ctx context.Context, columns [][]float64) ([]float64, error) {
	if len(columns) != len(f.coder.columnCuts) {
		return nil, fmt.Errorf("random forest: %w: %d columns, want %d", ErrInput, len(columns),
			len(f.coder.columnCuts))
	}
	n := len(columns[0])
	coded := f.coder.columns(&Data{Columns: columns})
	votes := make([][]int64, len(f.trees))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for t := range f.trees {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			tr := &f.trees[t]
			grid, err := tr.grid(n, func(k, row int) float64 {
				return coded[tr.columns[k]][row]
			}, func(int) float64 { return 0 })
			if err != nil {
				return err
			}
			votes[t] = tr.cart.Predict(grid)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("random forest: %w", err)
	}
	out := make([]float64, n)
	for i := range out {
		sum := int64(0)
		for t := range votes {
			sum += votes[t][i]
		}
		out[i] = float64(sum) / float64(len(votes))
	}
	return out, nil
}
