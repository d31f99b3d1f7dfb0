// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// Helpers over columns and row numbers, for whoever measures parts of a sample.

// Select returns the values at the rows; nil values stay nil.
func Select[T any](x []T, rows []int32) []T {
	if len(x) == 0 {
		return x
	}
	out := make([]T, len(rows))
	for k, i := range rows {
		out[k] = x[i]
	}
	return out
}

// EvenlySpaced returns at most most row numbers, evenly spaced.
func EvenlySpaced(n, most int) []int32 {
	k := min(n, most)
	out := make([]int32, k)
	for i := range out {
		out[i] = int32(i * n / k)
	}
	return out
}

func Mean(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return Ratio(s, float64(len(x)))
}

func countNaN(x []float64) (n int) {
	for _, v := range x {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

// Ratio returns a/b, NaN when b is zero.
func Ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
