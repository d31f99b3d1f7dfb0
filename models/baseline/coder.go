// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"math"
	"slices"
	"sort"
)

// coder turns values into a few ordered codes, because golearn's trees try every
// distinct value and have no missing ones. A number becomes the number of its
// quantile bin, a category its rank by bad rate in training, a missing value -1.
type coder struct {
	columnCuts [][]float64 // numbers
	rank       [][]float64 // categories, by code; nil for numbers
}

const coderBins = 24

func newCoder(d *Data) *coder {
	c := &coder{columnCuts: make([][]float64, len(d.Columns)), rank: make([][]float64, len(d.Columns))}
	for j, x := range d.Columns {
		if !d.categorical(j) {
			c.columnCuts[j] = equalCuts(x, coderBins)
			continue
		}
		var bad, n []float64
		for i, v := range x {
			if math.IsNaN(v) {
				continue
			}
			for int(v) >= len(n) {
				n, bad = append(n, 0), append(bad, 0)
			}
			n[int(v)]++
			bad[int(v)] += d.Label[i]
		}
		order := make([]int, len(n))
		for k := range order {
			order[k] = k
		}
		rate := func(k int) float64 { return (bad[k] + 0.5) / (n[k] + 1) }
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case rate(a) < rate(b):
				return -1
			case rate(a) > rate(b):
				return 1
			}
			return 0
		})
		rank := make([]float64, len(n))
		for r, k := range order {
			rank[k] = math.Floor(float64(r) * coderBins / float64(max(coderBins, len(order))))
		}
		c.rank[j] = rank
	}
	return c
}

func (c *coder) columns(d *Data) [][]float64 {
	out := make([][]float64, len(d.Columns))
	for j, x := range d.Columns {
		out[j] = make([]float64, len(x))
		for i, v := range x {
			out[j][i] = c.code(j, v)
		}
	}
	return out
}

func (c *coder) code(j int, v float64) float64 {
	switch rank := c.rank[j]; {
	case math.IsNaN(v):
		return -1
	case rank == nil:
		return float64(sort.SearchFloat64s(c.columnCuts[j], v))
	case v >= 0 && v < float64(len(rank)):
		return rank[int(v)]
	}
	return -1
}
