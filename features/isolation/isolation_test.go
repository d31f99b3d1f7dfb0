// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"
)

// outlyingCloud is 500 rows of two normal columns, the last ten far away.
func outlyingCloud() [][]float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	cols := [][]float64{make([]float64, 500), make([]float64, 500)}
	for i := range 500 {
		cols[0][i], cols[1][i] = rng.NormFloat64(), rng.NormFloat64()
		if i >= 490 {
			cols[0][i] += 6 * float64(1-i%2*2)
			cols[1][i] += 6
		}
	}
	return cols
}

// TestIsolationAgainstGolearn compares the scores with those of golearn's
// forest, which uses another random sequence: they must rank the rows alike.
func TestIsolationAgainstGolearn(t *testing.T) {
	t.Parallel()
	cols := outlyingCloud()
	ours := Scores(cols, 200, 256)
	inst := base.NewDenseInstances()
	var specs []base.AttributeSpec
	for _, n := range []string{"a", "b", "class"} { // golearn takes the class as data, too: a constant says nothing
		specs = append(specs, inst.AddAttribute(base.NewFloatAttribute(n)))
	}
	if err := inst.AddClassAttribute(specs[2].GetAttribute()); err != nil {
		t.Fatal(err)
	}
	if err := inst.Extend(500); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		inst.Set(specs[0], i, base.PackFloatToBytes(cols[0][i]))
		inst.Set(specs[1], i, base.PackFloatToBytes(cols[1][i]))
		inst.Set(specs[2], i, base.PackFloatToBytes(0))
	}
	forest := trees.NewIsolationForest(200, 8, 256)
	forest.Fit(inst)
	theirs := forest.Predict(inst)
	if r := rankCorrelation(ours, theirs); r < 0.95 {
		t.Errorf("rank correlation with golearn's forest is %.3f, want 0.95 or more", r)
	}
	for i := 490; i < 500; i++ {
		if ours[i] < 0.6 {
			t.Errorf("row %d is an outlier and scores %.3f", i, ours[i])
		}
	}
}

// rankCorrelation is Spearman's, of samples without ties.
func rankCorrelation(x, y []float64) float64 {
	ranks := func(x []float64) []int {
		order := make([]int, len(x))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
		out := make([]int, len(x))
		for rank, i := range order {
			out[i] = rank
		}
		return out
	}
	sum, rx, ry, n := 0.0, ranks(x), ranks(y), float64(len(x))
	for i := range rx {
		d := float64(rx[i] - ry[i])
		sum += d * d
	}
	return 1 - 6*sum/(n*(n*n-1))
}
