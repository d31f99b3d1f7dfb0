// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Scores returns a score of each row by an isolation forest (Liu, Ting, Zhou,
// "Isolation Forest", ICDM 2008): 2^(-E[path]/c(sample)), near 1 for a row that a
// few random cuts separate from the others. Each tree is grown on so many rows as
// sample says, which are drawn with replacement. Missing values count as the
// column's median.
//
// golearn has such a forest, too, and TestIsolationAgainstGolearn compares the two.
// It is not used here because it draws from the global random generator: the same
// rows would give a different plan each time.
func Scores(cols [][]float64, trees, sample int) []float64 {
	n := len(cols[0])
	filled := make([][]float64, len(cols))
	for i, c := range cols {
		filled[i] = FillGaps(c)
	}
	rng := rand.New(rand.NewPCG(0x150, uint64(n)))
	depth := int(math.Ceil(math.Log2(float64(max(sample, 2)))))
	path := make([]float64, n)
	rows := make([]int, sample)
	for range trees {
		for i := range rows {
			rows[i] = rng.IntN(n)
		}
		var t tree
		t.grow(filled, slices.Clone(rows), depth, rng)
		for i := range path {
			path[i] += t.pathLength(filled, i)
		}
	}
	c := meanPathLength(sample)
	for i := range path {
		path[i] = bitmath.Exp(-math.Ln2 * path[i] / float64(trees) / c)
	}
	return path
}

// FillGaps returns a copy of a column with the median in place of missing values: of
// an even number of values the lower of the two in the middle, of none 0.
func FillGaps(c []float64) []float64 {
	known := slices.DeleteFunc(slices.Clone(c), func(x float64) bool { return x != x })
	slices.Sort(known)
	median := 0.0
	if len(known) > 0 {
		median = known[(len(known)-1)/2]
	}
	out := slices.Clone(c)
	for i, x := range out {
		if x != x {
			out[i] = median
		}
	}
	return out
}

// tree is a tree in arrays. A child of 0 or more is the number of a node, a child of
// -1-k is a leaf of k rows.
type tree struct {
	column      []int
	cut         []float64
	left, right []int
}

// grow adds the subtree over some rows, and returns its number as a child.
func (t *tree) grow(cols [][]float64, rows []int, depth int, rng *rand.Rand) int {
	if depth == 0 || len(rows) <= 1 {
		return -1 - len(rows)
	}
	// Cut the first column that has different values, beginning at a random one.
	first := rng.IntN(len(cols))
	for k := range cols {
		c := (first + k) % len(cols)
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, r := range rows {
			lo, hi = min(lo, cols[c][r]), max(hi, cols[c][r])
		}
		if !(lo < hi) {
			continue
		}
		cut := lo + float64(rng.Float64()*(hi-lo))
		i := 0
		for j, r := range rows {
			if cols[c][r] <= cut {
				rows[i], rows[j] = rows[j], rows[i]
				i++
			}
		}
		node := len(t.column)
		t.column, t.cut = append(t.column, c), append(t.cut, cut)
		t.left, t.right = append(t.left, 0), append(t.right, 0)
		l := t.grow(cols, rows[:i], depth-1, rng)
		r := t.grow(cols, rows[i:], depth-1, rng)
		t.left[node], t.right[node] = l, r
		return node
	}
	return -1 - len(rows)
}

// pathLength returns how many cuts lead to the leaf of row i, plus the mean number of
// cuts that would separate the rows of that leaf. A tree without cuts has length 0.
func (t *tree) pathLength(cols [][]float64, i int) float64 {
	if len(t.column) == 0 {
		return 0
	}
	n, steps := 0, 0.0
	for {
		steps++
		next := t.right[n]
		if cols[t.column[n]][i] <= t.cut[n] {
			next = t.left[n]
		}
		if next < 0 {
			return steps + meanPathLength(-1-next)
		}
		n = next
	}
}

// meanPathLength returns the mean path length of an unsuccessful search in a binary
// search tree of n keys, which is what n rows need on average to be separated.
func meanPathLength(n int) float64 {
	switch {
	case n <= 1:
		return 0
	case n == 2:
		return 1
	}
	m := float64(n - 1)
	return float64(2*(bitmath.Log(m)+0.5772156649015329)) - 2*m/float64(n)
}
