// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

type tiedSample struct {
	Label, PD, Weight, X []float64
	Spearman             float64
	Want                 map[string]float64
}

func readTies(t *testing.T) (samples []tiedSample) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_ties.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &samples); err != nil {
		t.Fatal(err)
	}
	if len(samples) != 5 {
		t.Fatalf("%d samples", len(samples))
	}
	return samples
}

// TestTiesAsInScikitLearn compares samples of many ties, few rows of a class, and
// weights with scikit-learn and scipy; testdata/golden_ties.py made the values.
func TestTiesAsInScikitLearn(t *testing.T) {
	t.Parallel()
	for k, s := range readTies(t) {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			c, err := NewWeightedCurve(s.Label, s.PD, s.Weight)
			if err != nil {
				t.Fatal(err)
			}
			ks, _ := c.KS()
			got := map[string]float64{"auc": c.AUC(), "average_precision": c.AveragePrecision(), "ks": ks,
				"brier": Brier(s.Label, s.PD, s.Weight), "logloss": LogLoss(s.Label, s.PD, s.Weight),
				"partial_auc": c.PartialAUC(0.2), "tpr_0.05": c.TPRAt(0.05), "tpr_0.2": c.TPRAt(0.2),
				"ks_scipy": ks, "mann_whitney": c.AUC()}
			for name, want := range s.Want {
				if v, ok := got[name]; !ok || !(math.Abs(v-want) <= 1e-10) {
					t.Errorf("%s = %.15g, want %.15g", name, v, want)
				}
			}
			if rho := rankCorrelation(rankRows(s.PD), rankRows(s.X)); math.Abs(rho-s.Spearman) > 1e-12 {
				t.Errorf("Spearman's correlation %v, scipy has %v", rho, s.Spearman)
			}
		})
	}
}

// TestTiedAreaByPairs: the area of each sample is the share of weighted pairs
// that are won, a tie half; so is the area of two samples of one column.
func TestTiedAreaByPairs(t *testing.T) {
	t.Parallel()
	for k, s := range readTies(t) {
		var won, pairs float64
		for i, a := range s.PD {
			for j, b := range s.PD {
				if s.Label[i] != 1 || s.Label[j] != 0 {
					continue
				}
				w := WeightAt(s.Weight, i) * WeightAt(s.Weight, j)
				pairs += w
				switch {
				case a > b:
					won += w
				case a == b:
					won += w / 2
				}
			}
		}
		if got := CurveOf(s.Label, s.PD, s.Weight).AUC(); math.Abs(got-won/pairs) > 1e-12 {
			t.Errorf("sample %d: AUC %v, %v of the pairs are won", k, got, won/pairs)
		}
	}
}
