// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"math"
	"slices"
)

// StrongCorrelation is the absolute rank correlation from which two variables are
// reported as a group.
const StrongCorrelation = 0.7

// Correlations holds the rank correlations of columns.
type Correlations struct {
	Partner []int     // the column most correlated with each, -1 for none
	Rho     []float64 // Spearman's correlation with it
	Groups  [][]int   // columns that a chain of correlations of at least StrongCorrelation ties together
}

// Correlate computes Spearman's rank correlation of each pair of columns, on the rows
// where both are present. A nil column has no partner.
func Correlate(columns [][]float64) Correlations {
	c := Correlations{Partner: make([]int, len(columns)), Rho: make([]float64, len(columns))}
	ranks, root := make([]rankedColumn, len(columns)), make([]int, len(columns))
	for j, x := range columns {
		c.Partner[j], c.Rho[j], root[j] = -1, math.NaN(), j
		if x != nil {
			ranks[j] = rankRows(x)
		}
	}
	find := func(j int) int {
		for root[j] != j {
			j = root[j]
		}
		return j
	}
	for i := range columns {
		for j := i + 1; j < len(columns); j++ {
			if ranks[i].value == nil || ranks[j].value == nil {
				continue
			}
			rho := rankCorrelation(ranks[i], ranks[j])
			for _, p := range [][2]int{{i, j}, {j, i}} {
				if a := p[0]; !math.IsNaN(rho) && (c.Partner[a] < 0 || math.Abs(rho) > math.Abs(c.Rho[a])) {
					c.Partner[a], c.Rho[a] = p[1], rho
				}
			}
			if math.Abs(rho) >= StrongCorrelation {
				root[find(j)] = find(i)
			}
		}
	}
	for j := range columns {
		if find(j) != j {
			continue
		}
		var group []int
		for k := range columns {
			if find(k) == j {
				group = append(group, k)
			}
		}
		if len(group) > 1 {
			c.Groups = append(c.Groups, group)
		}
	}
	return c
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

// among sets the midranks of the rows where both columns are present, ranked among
// those rows alone, and returns the number of those rows.
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
	return Ratio(ab, math.Sqrt(aa)*math.Sqrt(bb))
}
