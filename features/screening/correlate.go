// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/isolation"
)

// groupByCorrelation puts features that rank rows alike into one group. In the order
// of their information value, each feature joins the first group with whose best
// feature its ranks correlate by at least the limit, or begins a group of its own. A
// sample of about 10,000 evenly spaced rows decides. Categories have no ranks: each
// is a group of its own.
func groupByCorrelation(out []Score, infos []features.FeatureInfo, m *features.Matrix, rows []int, limit float64) {
	var sample []int
	for i := 0; i < len(rows); i += max(1, len(rows)/10_000) {
		sample = append(sample, rows[i])
	}
	ranked := make([][]float64, len(out))
	order := make([]int, len(out))
	for i := range out {
		order[i] = i
		if !infos[i].Categorical {
			ranked[i] = ranks(isolation.FillGaps(valuesAt(m.Columns[i], sample)))
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case out[a].IV > out[b].IV:
			return -1
		case out[a].IV < out[b].IV:
			return 1
		}
		return 0
	})
	var best []int // the best feature of each group
	for _, i := range order {
		out[i].Group, out[i].Correlation = len(best), 1
		if ranked[i] != nil {
			for g, l := range best {
				if ranked[l] == nil {
					continue
				}
				if r := pearson(ranked[i], ranked[l]); math.Abs(r) >= limit {
					out[i].Group, out[i].Correlation = g, r
					out[i].Why = fmt.Sprintf("ranks rows as %s does", out[l].Name)
					break
				}
			}
		}
		if out[i].Group == len(best) {
			best = append(best, i)
		}
	}
}

// ranks returns the rank of each value, counted from 0; equal values have the mean of their ranks.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return a - b
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}

// pearson returns the correlation of two columns, 0 if one of them is constant.
func pearson(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xx, yy, xy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xx, yy, xy = xx+float64(dx*dx), yy+float64(dy*dy), xy+float64(dx*dy)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
