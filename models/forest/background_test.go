// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"errors"
	"math"
	"math/bits"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestBackground compares with the definition: the Shapley values of the game
// whose value is the mean margin with the absent features taken from the
// background, summed over all sets of features.
func TestBackground(t *testing.T) {
	for name, shape := range map[string]foresttest.Shape{
		"plain":   {Trees: 5, Leaves: 16, Features: 7, Missing: 0.5, Init: 0.5},
		"repeat":  {Trees: 5, Leaves: 31, Features: 3, Missing: 1},
		"cats":    {Trees: 5, Leaves: 16, Features: 6, Categories: 9, Categorical: 0.6},
		"average": {Trees: 5, Leaves: 16, Features: 6, Average: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(9, shape)
			f := compile(t, m)
			n := len(m.Features)
			rows := foresttest.Rows(9, m, 5)
			b, err := forest.NewBackground(f, rows)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float64, n+1)
			mixed := make([]float64, n)
			for _, x := range [][]float64{rows[:n], foresttest.Rows(10, m, 1), foresttest.Rows(11, m, 1)} {
				value := make([]float64, 1<<n)
				for known := range value {
					for z := 0; z < len(rows); z += n {
						for j := range n {
							if mixed[j] = rows[z+j]; known>>j&1 != 0 {
								mixed[j] = x[j]
							}
						}
						value[known] += m.Margin(mixed) / 5
					}
				}
				b.Contributions(got, x)
				for j := range n {
					want := 0.0
					for known := range value {
						if known>>j&1 == 0 {
							want += (value[known|1<<j] - value[known]) /
								(float64(n) * binomial(n-1, bits.OnesCount(uint(known))))
						}
					}
					if math.Abs(got[j]-want) > 1e-9 {
						t.Fatalf("feature %d: %v, the definition gives %v", j, got[j], want)
					}
				}
				if math.Abs(got[n]-value[0]) > 1e-9 {
					t.Fatalf("expected margin %v, want %v", got[n], value[0])
				}
			}
		})
	}
}

func TestBackgroundRefuses(t *testing.T) {
	f := compile(t, foresttest.Model(1, shapes["small"]))
	for _, n := range []int{0, 4, 3 * (forest.MaxBackground + 1)} {
		if _, err := forest.NewBackground(f, make([]float64, n)); !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%d values: error %v, want ErrInvalid", n, err)
		}
	}
	a, _ := forest.NewBackground(f, make([]float64, 6))
	b, _ := forest.NewBackground(f, []float64{0, 0, 0, 0, 0, 1})
	if a.Digest() == b.Digest() {
		t.Error("two backgrounds have one digest")
	}
}
