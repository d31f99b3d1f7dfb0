// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenImportance struct {
	X            [][]*float64 // columns, null = missing
	Label        []float64
	VIF          []float64
	Lost, Spread []float64
}

func readImportance(t *testing.T) (g goldenImportance, features []Feature) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_importance.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	for j, x := range g.X {
		features = append(features, Feature{Name: string(rune('a' + j)), Values: missing(x)})
	}
	return g, features
}

// scoreOf is the model of testdata/golden_importance.py.
func scoreOf(x []float64) float64 {
	var z [4]float64
	for j, v := range x {
		if v == v {
			z[j] = v
		}
	}
	return 1 / (1 + math.Exp(1-1.2*z[0]-0.6*z[1]-0.3*z[0]*z[3]))
}

// TestInflationIsThatOfStatsmodels holds variance inflation factors to those of
// statsmodels, also beside a column of huge numbers, one that is determined by
// others, and columns that have none.
func TestInflationIsThatOfStatsmodels(t *testing.T) {
	g, features := readImportance(t)
	n := len(g.Label)
	rows := stride(n, n)
	check := func(what string, features []Feature) []float64 {
		t.Helper()
		got := inflations(features, rows)
		for j, want := range g.VIF {
			if math.Abs(got[j]-want) > 1e-9*want {
				t.Errorf("%s: %s has %v, statsmodels %v", what, features[j].Name, got[j], want)
			}
		}
		return got
	}
	check("as they are", features)
	constant, empty := make([]float64, n), make([]float64, n)
	fill(empty, math.NaN())
	got := check("beside others", append(features[:4:4], Feature{Name: "constant", Values: constant},
		Feature{Name: "missing", Values: empty},
		Feature{Name: "kind", Values: constant, Categories: []string{"x"}}))
	for j := 4; j < 7; j++ {
		if !math.IsNaN(got[j]) {
			t.Errorf("column %d has a factor: %v", j, got[j])
		}
	}
	huge := make([]float64, n)
	for i, v := range features[2].Values {
		huge[i] = v * 1e290
	}
	scaled := append([]Feature(nil), features...)
	scaled[2].Values = huge
	check("numbers of 1e299", scaled)

	sum := make([]float64, n)
	for i := range sum {
		sum[i] = 2*features[0].Values[i] - features[2].Values[i]/1e9
	}
	determined := inflations(append(features[:4:4], Feature{Name: "sum", Values: sum}), rows)
	for j, want := range []bool{true, false, true, false, true} {
		if math.IsInf(determined[j], 1) != want {
			t.Errorf("column %d of a sum and its parts: factor %v", j, determined[j])
		}
	}
}

// TestShufflingIsThatOfScikitLearn holds permutation importance to the mean of
// 2,000 shuffles by scikit-learn, within five standard errors of the five here.
func TestShufflingIsThatOfScikitLearn(t *testing.T) {
	g, features := readImportance(t)
	b := &builder{ctx: t.Context(), in: &Input{Label: g.Label, PD: make([]float64, len(g.Label)), Features: features,
		Score: scoreOf, Seed: 3}, cols: make([]column, 4)}
	for j, s := range b.sampleForStress(stride(len(g.Label), len(g.Label))).shuffles() {
		if math.Abs(s.lost-g.Lost[j]) > 5*g.Spread[j]/math.Sqrt(draws) {
			t.Errorf("%s loses %v, scikit-learn has %v ± %v", features[j].Name, s.lost, g.Lost[j], g.Spread[j])
		}
		// The standard deviation of five draws lies within 0.15 and 2.3 times the true one in all but a few of ten
		// thousand.
		if g.Spread[j] > 0 && (s.spread < 0.15*g.Spread[j] || s.spread > 2.3*g.Spread[j]) {
			t.Errorf("%s spreads by %v, scikit-learn has %v", features[j].Name, s.spread, g.Spread[j])
		}
		if g.Spread[j] == 0 && s != (shuffle{}) {
			t.Errorf("%s, which the model does not read, loses %v", features[j].Name, s)
		}
	}
}
