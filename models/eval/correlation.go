// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// highRho is where two variables count as saying the same.
const highRho = 0.7

// correlate finds each number's closest partner by Spearman's rank
// correlation, and the groups that correlations tie together.
func (b *builder) correlate(v []column) (groups [][]string, sampled string) {
	rows := stride(len(b.in.Label), 10_000)
	sampled = sampleNote(len(rows), len(b.in.Label))
	ranks := make([][]float64, len(v))
	for j, f := range b.in.Features {
		if f.Categories == nil {
			ranks[j] = centredRanks(subset(f.Values, rows))
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
			if ranks[i] == nil || ranks[j] == nil {
				continue
			}
			rho := pairedCorrelation(ranks[i], ranks[j])
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

// centredRanks returns midranks less their mean; NaN stays NaN.
func centredRanks(x []float64) []float64 {
	var order []int
	for i, v := range x {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := range out {
		out[i] = math.NaN()
	}
	middle := float64(len(order)-1) / 2
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1)/2 - middle
		}
		i = j
	}
	return out
}

// pairedCorrelation is Pearson's over the rows where both are known.
func pairedCorrelation(x, y []float64) float64 {
	var n, mx, my float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			n, mx, my = n+1, mx+x[i], my+y[i]
		}
	}
	if n < 3 {
		return math.NaN()
	}
	mx, my = mx/n, my/n
	var xx, yy, xy float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, c := x[i]-mx, y[i]-my
			xx, yy, xy = xx+float64(a*a), yy+float64(c*c), xy+float64(a*c)
		}
	}
	return ratio(xy, math.Sqrt(float64(xx*yy)))
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
		return fmt.Sprintf("all %s rows", Count.Print(float64(n)))
	}
	return fmt.Sprintf("%s evenly spaced rows of %s", Count.Print(float64(k)), Count.Print(float64(n)))
}
