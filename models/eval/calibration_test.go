// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// TestCalibrationLineOfManyRows: the sums' own rounding does not keep a million
// rows from having a slope.
func TestCalibrationLineOfManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for seed := range uint64(3) {
		r := Random(seed)
		label, pd := make([]float64, 1_000_000), make([]float64, 1_000_000)
		for i := range pd {
			pd[i] = 1 / (1 + math.Exp(4-2.5*r.Normal()))
			if r.Unit() < pd[i] {
				label[i] = 1
			}
		}
		if l := CalibrationLine(label, pd, nil); !(math.Abs(l.Slope-1) < 0.02 && math.Abs(l.Large) < 0.02) {
			t.Errorf("seed %d: %+v", seed, l)
		}
	}
}

// TestCalibrationByChance: the mean of each figure over samples whose PDs are right
// is what CalibrationByChance says, with and without weights.
func TestCalibrationByChance(t *testing.T) {
	t.Parallel()
	const n, times = 600, 1500
	_, pd := made(n, 21)
	uneven := make([]float64, n)
	for i := range uneven {
		uneven[i] = float64(1 + i%4)
	}
	order := FallingOrder(pd)
	for name, weight := range map[string][]float64{"equal": nil, "uneven": uneven} {
		r := Random(5)
		mean := map[string]float64{}
		var chance map[string]float64
		for range times {
			label := make([]float64, n)
			for i, p := range pd {
				if r.Unit() < p {
					label[i] = 1
				}
			}
			groups := Groups(label, pd, weight, order, 10)
			parts := Decompose(Brier(label, pd, weight), groups)
			chi2, _, _ := HosmerLemeshow(groups)
			mean["ece"] += ECE(groups) / times
			mean["brier_reliability"] += parts.Reliability / times
			mean["brier_resolution"] += parts.Resolution / times
			mean["hosmer_lemeshow"] += chi2 / times
			chance = CalibrationByChance(groups)
		}
		if len(chance) != len(mean) {
			t.Errorf("%s: %d figures by chance, want %d", name, len(chance), len(mean))
		}
		for figure, want := range mean {
			if got := chance[figure]; !(math.Abs(got/want-1) < 0.05) {
				t.Errorf("%s: %s by chance %v, the mean of samples is %v", name, figure, got, want)
			}
		}
	}
}

// TestHosmerLemeshowHoldsItsLevel: of samples whose PDs are right, one in twenty has
// a p-value below 0.05; PDs that are half of what they should be are found out.
func TestHosmerLemeshowHoldsItsLevel(t *testing.T) {
	t.Parallel()
	const n, times = 1000, 600
	hits, spiegelhalter, found := 0, 0, 0
	for seed := range uint64(times) {
		label, pd := made(n, 1000+seed)
		groups := Groups(label, pd, nil, FallingOrder(pd), 10)
		if _, df, p := HosmerLemeshow(groups); df != 10 {
			t.Fatalf("%d degrees of freedom of ten groups", df)
		} else if p < 0.05 {
			hits++
		}
		if _, p := Spiegelhalter(label, pd, nil); p < 0.05 {
			spiegelhalter++
		}
		for i := range pd {
			pd[i] /= 2
		}
		if _, _, p := HosmerLemeshow(Groups(label, pd, nil, FallingOrder(pd), 10)); p < 0.05 {
			found++
		}
	}
	for name, k := range map[string]int{"Hosmer-Lemeshow": hits, "Spiegelhalter": spiegelhalter} {
		if share := float64(k) / times; share < 0.03 || share > 0.075 {
			t.Errorf("%s: %.1f %% of right samples are below 0.05", name, 100*share)
		}
	}
	if found < times*99/100 {
		t.Errorf("%d of %d samples of halved PDs are found out", found, times)
	}
	if _, df, p := HosmerLemeshow([]Group{{N: 5, Bad: 0, Mean: 0}}); df != 1 || !math.IsNaN(p) {
		t.Errorf("a group that is certain: %d degrees of freedom, p %v", df, p)
	}
}

// TestGroupRate: a group that was made by hand has rows of weight 1, and the
// interval of its rate is Wilson's.
func TestGroupRate(t *testing.T) {
	t.Parallel()
	e, w := (Group{N: 40, Bad: 3}).Rate(), Wilson(3, 40)
	if e.Low != w.Low || e.High != w.High || e.N != 40 || !near(float64(e.Value), 3.0/40) {
		t.Errorf("%+v, want %+v", e, w)
	}
	if o := (Group{N: 40, Bad: 3}).Observed(); !near(o, 3.0/40) {
		t.Errorf("observed rate %v", o)
	}
	g := Groups([]float64{1, 0, 0}, []float64{0.5, 0.5, 0.5}, []float64{3, 1, 1}, []int32{0, 1, 2}, 1)
	if len(g) != 1 || !near(g[0].Observed(), 0.6) || !near(float64(g[0].Rate().Value), 0.6) || g[0].Rate().N != 3 {
		t.Errorf("a bad row of weight 3 among 5: %+v, rate %+v", g, g[0].Rate())
	}
}
