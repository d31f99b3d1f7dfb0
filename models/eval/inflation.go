// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Inflations returns the variance inflation factor of each number: 1/(1 - R²)
// of the regression of its values on all other numbers (Marquardt 1970). A
// missing value counts as the variable's mean. The factor is NaN for a column that is
// nil or has one value, and infinite where the others determine it.
//
// The factors are the diagonal of the inverse of the correlation matrix, taken
// from its eigenvectors, so that columns that determine each other do not affect the
// factors of unrelated ones.
func Inflations(numbers [][]float64) []float64 {
	out := make([]float64, len(numbers))
	var used []int
	var columns [][]float64
	for j, x := range numbers {
		out[j] = math.NaN()
		if z := standardised(x); z != nil {
			used, columns = append(used, j), append(columns, z)
		}
	}
	m := len(used)
	if m == 0 {
		return out
	}
	correlation := mat.NewSymDense(m, nil)
	for a := range m {
		for b := a; b < m; b++ {
			r := 0.0
			for i, v := range columns[a] {
				r += float64(v * columns[b][i])
			}
			correlation.SetSym(a, b, r)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(correlation, true) {
		return out
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil)
	for a, j := range used {
		out[j] = 0
		for k, v := range values {
			part := vectors.At(a, k) * vectors.At(a, k)
			switch {
			case v > float64(m)*0x1p-40:
				out[j] += part / v
			case part > 0x1p-30: // it has a share in a sum of columns that is constant
				out[j] = math.Inf(1)
			}
		}
	}
	return out
}

// standardised subtracts the mean and divides by the root of the sum of squares; a
// missing value is 0. nil where values do not vary or are not finite.
func standardised(x []float64) []float64 {
	largest := 0.0
	for _, v := range x {
		if v == v {
			largest = math.Max(largest, math.Abs(v))
		}
	}
	if largest == 0 || math.IsInf(largest, 0) {
		return nil
	}
	middle, n := 0.0, 0.0
	for _, v := range x { // scaled, so that no square overflows
		if v == v {
			middle, n = middle+v/largest, n+1
		}
	}
	middle /= n
	out, squares := make([]float64, len(x)), 0.0
	for i, v := range x {
		if v == v {
			out[i] = v/largest - middle
			squares += float64(out[i] * out[i])
		}
	}
	if !(squares > 1e-24*n) {
		return nil
	}
	for i := range out {
		out[i] /= math.Sqrt(squares)
	}
	return out
}
