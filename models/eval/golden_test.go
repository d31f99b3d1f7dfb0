// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
)

type golden struct {
	Samples []struct {
		Name                       string
		Label, PD, Other, Declined []float64
		Want                       map[string]float64
	}
	Proportions []struct {
		K1, N1, K2, N2         int
		Wilson, Newcombe, Katz []float64
		Binomial               float64
	}
	Quantiles struct{ X, P, Want []float64 }
}

func readGolden(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGolden holds every statistic to scikit-learn, scipy, statsmodels, or a
// second definition; testdata/golden.py made the values.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, s := range readGolden(t).Samples {
		t.Run(s.Name, func(t *testing.T) {
			c, err := NewCurve(s.Label, s.PD)
			if err != nil {
				t.Fatal(err)
			}
			ks, _ := c.KS()
			d := c.DeLong()
			diff, err := CompareAUC(s.Label, s.PD, s.Other)
			if err != nil {
				t.Fatal(err)
			}
			l := CalibrationLine(s.Label, s.PD, nil)
			g := Groups(s.Label, s.PD, nil, FallingOrder(s.PD), 10)
			m := Decompose(Brier(s.Label, s.PD, nil), g)
			hl, _, hp := HosmerLemeshow(g)
			z, zp := Spiegelhalter(s.Label, s.PD, nil)
			half := len(s.PD) / 2
			got := map[string]float64{
				"auc": c.AUC(), "auc_other": c.AUC() - float64(diff.Value), "average_precision": c.AveragePrecision(),
				"ks": ks, "h": c.HMeasure(),
				"brier": Brier(s.Label, s.PD, nil), "logloss": LogLoss(s.Label, s.PD, nil), "tpr_0.05": c.TPRAt(0.05),
				"partial_auc": c.PartialAUC(0.2),
				"area_low":    float64(c.Area().Low), "area_high": float64(c.Area().High),
				"delong_low": float64(d.Low), "delong_high": float64(d.High),
				"difference": float64(diff.Value), "difference_low": float64(diff.Low),
				"difference_high": float64(diff.High), "difference_z": float64(diff.Z), "difference_p": float64(diff.P),
				"intercept": l.Intercept, "slope": l.Slope, "large": l.Large, "intercept_se": l.SEIntercept,
				"slope_se": l.SESlope, "large_se": l.SELarge,
				"hl": hl, "hl_p": hp, "ece": ECE(g), "reliability": m.Reliability, "resolution": m.Resolution,
				"spiegelhalter_z": z, "spiegelhalter_p": zp,
				"psi":      ScorePSI(s.PD[:half], s.PD[half:]),
				"spearman": rankCorrelation(rankRows(s.PD), rankRows(s.Other)),
			}
			some := func(x []float64, every int) rankedColumn {
				x = slices.Clone(x)
				for i := 0; i < len(x); i += every {
					x[i] = math.NaN()
				}
				return rankRows(x)
			}
			got["spearman_pairs"] = rankCorrelation(some(s.PD, 3), some(s.Other, 4))
			for _, k := range []float64{1, 2} {
				f := Augment(s.Label, s.PD, nil, s.Declined, nil, k)
				got["fuzzy_auc_"+numfmt.Plain.Print(k)], got["fuzzy_brier_"+numfmt.Plain.Print(k)] = f.AUC, f.Brier
			}
			for name, want := range s.Want {
				v, ok := got[name]
				if !ok {
					t.Errorf("%s is not computed here", name)
				} else if !(math.Abs(v-want) <= 1e-9*math.Max(1, math.Abs(want))) {
					t.Errorf("%s = %.15g, want %.15g", name, v, want)
				}
			}
			if sum := m.Reliability - m.Resolution + m.Uncertainty + m.Within; math.Abs(sum-got["brier"]) > 1e-15 {
				t.Errorf("the parts of the Brier score add up to %v, not %v", sum, got["brier"])
			}
		})
	}
}

func TestGoldenProportions(t *testing.T) {
	t.Parallel()
	near := func(what string, got numfmt.Number, want float64) {
		t.Helper()
		if !(math.Abs(float64(got)-want) <= 1e-9) {
			t.Errorf("%s = %.15g, want %.15g", what, float64(got), want)
		}
	}
	for _, p := range readGolden(t).Proportions {
		w, d, r := Wilson(float64(p.K1), float64(p.N1)), DifferenceOfRates(equal(p.K1), equal(p.N1),
			equal(p.K2), equal(p.N2)),
			RatioOfRates(equal(p.K1), equal(p.N1), equal(p.K2), equal(p.N2))
		near("Wilson low", w.Low, p.Wilson[0])
		near("Wilson high", w.High, p.Wilson[1])
		near("Newcombe low", d.Low, p.Newcombe[0])
		near("Newcombe high", d.High, p.Newcombe[1])
		near("Katz low", r.Low, p.Katz[0])
		near("Katz high", r.High, p.Katz[1])
		near("binomial", numfmt.Number(BinomialTest(float64(p.K1), float64(p.N1), 0.2)), p.Binomial)
	}
}

func TestGoldenQuantiles(t *testing.T) {
	t.Parallel()
	q := readGolden(t).Quantiles
	x := slices.Clone(q.X)
	slices.Sort(x)
	for i, p := range q.P {
		if got := Quantile(x, p); math.Abs(got-q.Want[i]) > 1e-12 {
			t.Errorf("quantile %v = %v, want %v", p, got, q.Want[i])
		}
	}
}
