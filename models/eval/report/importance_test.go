// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/assayrisk/assay/models/eval"
)

type goldenShuffles struct {
	X            [][]*float64 // columns, null = missing
	Label        []float64
	VIF          []float64
	Lost, Spread []float64
}

func readShuffles(t *testing.T) (g goldenShuffles, features []Feature) {
	t.Helper()
	b, err := os.ReadFile("../testdata/golden_importance.json")
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

// scoreOf is the model of ../testdata/golden_importance.py.
func scoreOf(x []float64) float64 {
	var z [4]float64
	for j, v := range x {
		if v == v {
			z[j] = v
		}
	}
	return 1 / (1 + math.Exp(1-1.2*z[0]-0.6*z[1]-0.3*z[0]*z[3]))
}

// TestShufflingIsThatOfScikitLearn holds permutation importance to the mean of
// 2,000 shuffles by scikit-learn, within five standard errors of the five here.
func TestShufflingIsThatOfScikitLearn(t *testing.T) {
	g, features := readShuffles(t)
	b := &builder{ctx: t.Context(), in: &Input{Label: g.Label, PD: make([]float64, len(g.Label)), Features: features,
		Score: scoreOf, Seed: 3}, measured: make([]eval.Variable, 4)}
	for j, s := range b.sampleForStress(eval.EvenlySpaced(len(g.Label), len(g.Label))).shuffles() {
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
