// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"slices"
	"testing"
)

// TestRadixIsAStableSort on values of every kind, with many ties.
func TestRadixIsAStableSort(t *testing.T) {
	t.Parallel()
	r := Random(5)
	for _, n := range []int{1, 100, radixMin - 1, radixMin, 10_000} {
		x := make([]float64, n)
		for i := range x {
			switch r.Below(6) {
			case 0:
				x[i] = math.Round(r.Normal() * 3)
			case 1:
				x[i] = math.Copysign(0, r.Normal())
			case 2:
				x[i] = math.Inf(1 - 2*r.Below(2))
			case 3:
				x[i] = math.Float64frombits(r.next() &^ (0x7FF << 52)) // subnormal
			default:
				x[i] = r.Normal() * math.Ldexp(1, r.Below(600)-300)
			}
		}
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int {
			switch {
			case x[a] > x[b]:
				return -1
			case x[a] < x[b]:
				return 1
			}
			return 0
		})
		if got := FallingOrder(x); !slices.Equal(got, want) {
			t.Errorf("%d values: the order is not that of a stable sort", n)
		}
		withNaN := append(slices.Clone(x), math.NaN(), math.NaN())
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		if got := SortedValues(withNaN); !slices.Equal(got, sorted) {
			t.Errorf("%d values: sortedValues differs from slices.Sort", n)
		}
	}
}
