// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"math"
	"testing"

	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestFewLanes: blocks of every length on both sides of half a line, and after
// a longer block whose rest the arena still holds, give each vector the margin
// that it has alone, to the bit.
func TestFewLanes(t *testing.T) {
	for name, shape := range map[string]foresttest.Shape{
		"plain":   {Trees: 40, Leaves: 31, Features: 40, Missing: 0.5},
		"cats":    {Trees: 30, Leaves: 31, Features: 20, Categories: 40, Categorical: 0.5, Missing: 0.5},
		"float32": {Trees: 40, Leaves: 31, Features: 40, Float32: true},
		"stumps":  {Trees: 9, Leaves: 1, Features: 2, Init: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(13, shape)
			f := compile(t, m)
			n := len(m.Features)
			const most = 70
			rows := foresttest.Rows(13, m, most)
			want := make([]float64, most)
			for i := range want {
				want[i] = f.Margin(rows[i*n : (i+1)*n])
			}
			for count := most; count > 0; count-- {
				first := (most - count) / 2 // others than those that were there before
				got := make([]float64, count)
				f.Margins(got, rows[first*n:(first+count)*n])
				for i, v := range got {
					if math.Float64bits(v) != math.Float64bits(want[first+i]) {
						t.Fatalf("of %d, vector %d: %v, alone %v", count, i, v, want[first+i])
					}
				}
			}
		})
	}
}
