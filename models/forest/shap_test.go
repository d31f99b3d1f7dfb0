// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"math"
	"math/bits"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// conditional is the expected output of tree t when only the features in the
// set known are known to be x, by the covers: the game that path-dependent
// SHAP values are the Shapley values of.
func conditional(t *models.Tree, i int32, x []float64, known uint) float64 {
	if len(t.Feature) == 0 {
		return t.LeafValue[0]
	}
	if i < 0 {
		return t.LeafValue[^i]
	}
	if known>>t.Feature[i]&1 != 0 {
		return conditional(t, t.Next(int(i), x), x, known)
	}
	cover := func(c int32) float64 {
		if c < 0 {
			return float64(t.LeafCount[^c])
		}
		return float64(t.NodeCount[c])
	}
	l, r := t.Left[i], t.Right[i]
	return (cover(l)*conditional(t, l, x, known) + cover(r)*conditional(t, r, x, known)) / (cover(l) + cover(r))
}

// shapley sums over all 2^n sets of features.
func shapley(m *models.Model, x []float64) []float64 {
	n := len(m.Features)
	value := make([]float64, 1<<n)
	for known := range value {
		value[known] = m.Init
		for i := range m.Trees {
			value[known] += conditional(&m.Trees[i], 0, x, uint(known))
		}
		if m.Average {
			value[known] /= float64(len(m.Trees))
		}
	}
	weight := make([]float64, n)
	for k := range weight { // k!(n-k-1)!/n!
		weight[k] = 1 / (float64(n) * binomial(n-1, k))
	}
	phi := make([]float64, n+1)
	for known := range value {
		for j := range n {
			if known>>j&1 == 0 {
				phi[j] += weight[bits.OnesCount(uint(known))] * (value[known|1<<j] - value[known])
			}
		}
	}
	phi[n] = value[0]
	return phi
}

func binomial(n, k int) float64 {
	b := 1.0
	for i := range k {
		b = b * float64(n-i) / float64(i+1)
	}
	return b
}

// TestContributions compares with the definition, summed over all sets.
func TestContributions(t *testing.T) {
	for name, shape := range map[string]foresttest.Shape{
		"plain":   {Trees: 5, Leaves: 16, Features: 8, Missing: 0.5},
		"repeat":  {Trees: 5, Leaves: 31, Features: 3, Missing: 1},
		"chain":   {Trees: 5, Leaves: 20, Features: 6, Chain: true},
		"cats":    {Trees: 5, Leaves: 16, Features: 6, Categories: 9, Categorical: 0.6},
		"average": {Trees: 5, Leaves: 16, Features: 6, Average: true},
		"init":    {Trees: 5, Leaves: 1, Features: 2, Init: 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(7, shape)
			f := compile(t, m)
			n := len(m.Features)
			rows := foresttest.Rows(7, m, 40)
			got := make([]float64, n+1)
			for i := 0; i < len(rows); i += n {
				x := rows[i : i+n]
				f.Contributions(got, x)
				want := shapley(m, x)
				sum := 0.0
				for j := range got {
					sum += got[j]
					if math.Abs(got[j]-want[j]) > 1e-9 {
						t.Fatalf("feature %d: %v, the definition gives %v", j, got[j], want[j])
					}
				}
				if math.Abs(sum-m.Margin(x)) > 1e-9 {
					t.Fatalf("contributions sum to %v, the margin is %v", sum, m.Margin(x))
				}
			}
		})
	}
}

// TestContributionsAll: several vectors at once get the numbers, to the bit,
// that each gets alone.
func TestContributionsAll(t *testing.T) {
	for name, shape := range map[string]foresttest.Shape{
		"one rule": {Trees: 9, Leaves: 16, Features: 8, Missing: 0.5},
		"rules":    {Trees: 30, Leaves: 40, Features: 40, Chain: true},
		"cats":     {Trees: 9, Leaves: 16, Features: 6, Categories: 9, Categorical: 0.6},
		"average":  {Trees: 9, Leaves: 16, Features: 6, Average: true},
		"no tree":  {Trees: 3, Leaves: 1, Features: 2, Init: 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(11, shape)
			f := compile(t, m)
			n := len(m.Features)
			rows := foresttest.Rows(11, m, 21)
			for _, count := range []int{0, 1, 2, 8, 9, 21} {
				got, want := make([]float64, count*(n+1)), make([]float64, n+1)
				f.ContributionsAll(got, rows[:count*n])
				for i := range count {
					f.Contributions(want, rows[i*n:(i+1)*n])
					for j, v := range want {
						if math.Float64bits(got[i*(n+1)+j]) != math.Float64bits(v) {
							t.Fatalf("of %d, vector %d, feature %d: %v, alone %v", count, i, j, got[i*(n+1)+j], v)
						}
					}
				}
			}
		})
	}
}
