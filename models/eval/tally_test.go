// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenWeights struct {
	Label, PD, Weight, Rival []float64
	Want                     map[string]float64
}

// TestWeightedFigures holds the figures of rows of unequal weight to those of
// scikit-learn, statsmodels and numpy.
func TestWeightedFigures(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/golden_weights.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenWeights
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	c, rival := CurveOf(g.Label, g.PD, g.Weight), CurveOf(g.Label, g.Rival, g.Weight)
	metrics, err := Metrics(t.Context(), c, g.Label, g.PD, g.Weight, 20, 0)
	if err != nil {
		t.Fatal(err)
	}
	vb, vg := c.areaVariance()
	d := CompareCurves(g.Label, c, rival)
	l := CalibrationLine(g.Label, g.PD, g.Weight)
	z, _ := Spiegelhalter(g.Label, g.PD, g.Weight)
	got := map[string]float64{
		"auc_variance": vb + vg, "difference": float64(d.Value), "effective": c.Tally().Effective(), "spiegelhalter": z,
		"slope": l.Slope, "intercept": l.Intercept, "large": l.Large, "slope_se": l.SESlope,
		"intercept_se": l.SEIntercept, "large_se": l.SELarge,
	}
	if z := float64(d.Z); z != 0 {
		got["difference_variance"] = math.Pow(float64(d.Value)/z, 2)
	}
	for _, m := range metrics {
		if got[m.Name] = float64(m.Value); m.Name == "bad_rate" {
			got["bad_rate_low"], got["bad_rate_high"] = float64(m.Low), float64(m.High)
		}
	}
	for name, want := range g.Want {
		if v, ok := got[name]; !ok || !(math.Abs(v-want) <= 1e-9*math.Max(1, math.Abs(want))) {
			t.Errorf("%s = %.15g, want %.15g", name, v, want)
		}
	}
}
