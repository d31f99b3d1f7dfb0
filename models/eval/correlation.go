// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/numfmt"
)

// highRho is where two variables count as saying the same.
const highRho = 0.7

// correlatedRows bounds the rows that correlations are computed on.
const correlatedRows = 10_000

// correlate finds each number's closest partner by Spearman's rank
// correlation, and the groups that correlations tie together.
func (b *builder) correlate(v []column) (groups [][]string, sampled string) {
	rows := stride(len(b.in.Label), correlatedRows)
	sampled = sampleNote(len(rows), len(b.in.Label))
	ranks := make([]rankedColumn, len(v))
	for j, f := range b.in.Features {
		if f.Categories == nil {
			ranks[j] = rankRows(subset(f.Values, rows))
		}
	}
	root := make([]int, len(v))
	for j := range root {
		root[j] = j
	}
	find := func(j int) int {
		for root[j] != j {
			j = root[j]
		}
		return j
	}
	for i := range v {
		for j := i + 1; j < len(v); j++ {
			if ranks[i].value == nil || ranks[j].value == nil {
				continue
			}
			rho := rankCorrelation(ranks[i], ranks[j])
			for _, p := range [][2]int{{i, j}, {j, i}} {
				if a := &v[p[0]]; !math.IsNaN(rho) && (a.partner < 0 || math.Abs(rho) > math.Abs(a.rho)) {
					a.partner, a.rho = p[1], rho
				}
			}
			if math.Abs(rho) >= highRho {
				root[find(j)] = find(i)
			}
		}
	}
	for j := range v {
		if find(j) != j {
			continue
		}
		var g []string
		for k := range v {
			if find(k) == j {
				g = append(g, b.in.Features[k].Name)
			}
		}
		if len(g) > 1 {
			groups = append(groups, g)
		}
	}
	return groups, sampled
}

// rankedColumn is a column and its rows in the order of their values, missing
// ones left out.
type rankedColumn struct {
	value []float64
	order []int32
}

func rankRows(x []float64) rankedColumn {
	r := rankedColumn{value: x, order: make([]int32, 0, len(x))}
	for i, v := range x {
		if v == v {
			r.order = append(r.order, int32(i))
		}
	}
	slices.SortFunc(r.order, func(a, b int32) int { return cmp.Or(cmp.Compare(x[a], x[b]), cmp.Compare(a, b)) })
	return r
}

// among sets the midranks of the rows where the other column is present, too,
// among those rows alone, and returns their number.
func (r rankedColumn) among(other, rank []float64) (n int) {
	var tie []int32
	place := 0
	close := func() {
		for _, i := range tie {
			rank[i] = float64(2*place+len(tie)-1) / 2
		}
		place, tie = place+len(tie), tie[:0]
	}
	for _, i := range r.order {
		if other[i] != other[i] {
			continue
		}
		if len(tie) > 0 && r.value[i] != r.value[tie[0]] {
			close()
		}
		tie = append(tie, i)
	}
	close()
	return place
}

// rankCorrelation is Spearman's correlation of the rows where both are present:
// Pearson's of their ranks among those rows.
func rankCorrelation(a, b rankedColumn) float64 {
	ra, rb := make([]float64, len(a.value)), make([]float64, len(a.value))
	n := a.among(b.value, ra)
	b.among(a.value, rb)
	if n < 3 {
		return math.NaN()
	}
	middle := float64(n-1) / 2
	var aa, bb, ab float64
	for i := range ra {
		if a.value[i] != a.value[i] || b.value[i] != b.value[i] {
			continue
		}
		x, y := ra[i]-middle, rb[i]-middle
		aa, bb, ab = aa+float64(x*x), bb+float64(y*y), ab+float64(x*y)
	}
	return ratio(ab, math.Sqrt(aa)*math.Sqrt(bb))
}

// stride returns at most most row numbers, evenly spaced.
func stride(n, most int) []int32 {
	k := min(n, most)
	out := make([]int32, k)
	for i := range out {
		out[i] = int32(i * n / k)
	}
	return out
}

func sampleNote(k, n int) string {
	if k == n {
		return fmt.Sprintf("all %s rows", numfmt.Count.Print(float64(n)))
	}
	return fmt.Sprintf("%s evenly spaced rows of %s", numfmt.Count.Print(float64(k)), numfmt.Count.Print(float64(n)))
}
