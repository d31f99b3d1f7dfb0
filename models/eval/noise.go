// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// disturb adds noise of level standard deviations to a number, or replaces a
// category by that of another row with probability level. A whole number stays
// whole, and a missing value missing.
func disturb(r *random, v, level, sd float64, category bool, other func(r *random) float64) float64 {
	switch {
	case math.IsNaN(v):
		return v
	case category:
		if o := other(r); r.unit() < level && !math.IsNaN(o) {
			return o
		}
		return v
	}
	noisy := v + float64(level*sd*r.normal())
	if v == math.Trunc(v) {
		return math.Round(noisy)
	}
	return noisy
}

// Noise returns copies of columns, disturbed as the stress tests disturb rows:
// what a model can be trained on to depend less on exact values. Columns are
// laid out as the features; the result depends on its arguments alone.
func Noise(columns [][]float64, features []Feature, level float64, seed uint64) [][]float64 {
	out := make([][]float64, len(columns))
	for j, x := range columns {
		r := stream(seed, j)
		category := features[j].Categories != nil
		sd := spread(x, features[j].Categories)
		out[j] = make([]float64, len(x))
		for i, v := range x {
			out[j][i] = disturb(&r, v, level, sd, category, func(r *random) float64 { return x[r.below(len(x))] })
		}
	}
	return out
}
