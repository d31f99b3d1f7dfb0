// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestDeLongAgainstExactPermutation: under the hypothesis that two scores rank
// equally well, exchanging a row's two ranks changes nothing (Venkatraman and
// Begg 1996). All 2^14 exchanges of 14 rows give the exact distribution of the
// difference. DeLong's test is asymptotic: on so few rows its p-values are
// held to the exact ones within 0.15, and on average within 0.05.
func TestDeLongAgainstExactPermutation(t *testing.T) {
	t.Parallel()
	const n, rounds = 14, 12
	var gap float64
	for seed := range uint64(rounds) {
		r := Random(seed + 100)
		label, a, b := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			label[i] = float64(i % 2)
			a[i], b[i] = r.Normal()+label[i], r.Normal()+float64(seed%3)/2*label[i]
		}
		ranksOf(a)
		ranksOf(b)
		d, err := CompareAUC(label, a, b)
		if err != nil {
			t.Fatal(err)
		}
		seen, as := 0, math.Abs(float64(d.Value))
		x, y := make([]float64, n), make([]float64, n)
		for mask := range 1 << n {
			for i := range n {
				x[i], y[i] = a[i], b[i]
				if mask>>i&1 == 1 {
					x[i], y[i] = b[i], a[i]
				}
			}
			if math.Abs(naiveAUC(label, x)-naiveAUC(label, y)) >= as-1e-12 {
				seen++
			}
		}
		exact, p := float64(seen)/(1<<n), float64(d.P)
		if as == 0 {
			exact, p = 1, 1
		}
		if math.Abs(p-exact) > 0.15 {
			t.Errorf("seed %d: DeLong p %.3f, exact %.3f", seed, p, exact)
		}
		gap += math.Abs(p-exact) / rounds
	}
	t.Logf("mean distance of p %.3f", gap)
	if gap > 0.05 {
		t.Errorf("p-values are %.3f from the exact ones on average", gap)
	}
}

// ranksOf replaces values by their ranks, so that two scores can be exchanged.
func ranksOf(x []float64) {
	rank := make([]float64, len(x))
	rankRows(x).among(x, rank)
	copy(x, rank)
}

// TestIntervalCovers: of 300 samples whose true AUC is known, the 95 %
// interval holds it in 92 to 98 %.
func TestIntervalCovers(t *testing.T) {
	t.Parallel()
	truth := 0.5 * math.Erfc(-1/math.Sqrt2/math.Sqrt2) // two normals one apart
	const rounds = 300
	hit := 0
	for seed := range uint64(rounds) {
		r := Random(seed * 77)
		label, score := make([]float64, 200), make([]float64, 200)
		for i := range score {
			label[i] = float64(i % 2)
			score[i] = r.Normal() + label[i]
		}
		c, err := NewCurve(label, score)
		if err != nil {
			t.Fatal(err)
		}
		if e := c.DeLong(); float64(e.Low) <= truth && truth <= float64(e.High) {
			hit++
		}
	}
	if share := float64(hit) / rounds; share < 0.92 || share > 0.98 {
		t.Errorf("the interval holds the true AUC in %.1f %% of samples", 100*share)
	}
}

// TestDeLongIsThatOfPROC holds intervals and the paired test to pROC, the
// package that made DeLong's method a habit; testdata/golden_proc.R made the
// values.
func TestDeLongIsThatOfPROC(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/golden_proc.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Name                 string
		AUC, Low, High, Z, P float64
		Other                float64 `json:"auc_other"`
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	samples := readGolden(t).Samples
	if len(want) != len(samples) {
		t.Fatalf("%d samples in R, %d here", len(want), len(samples))
	}
	for k, s := range samples {
		w := want[k]
		e := CurveOf(s.Label, s.PD, nil).DeLong()
		d, err := CompareAUC(s.Label, s.PD, s.Other)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string][2]float64{
			"AUC": {float64(e.Value), w.AUC}, "low": {float64(e.Low), w.Low}, "high": {float64(e.High), w.High},
			"difference": {float64(d.Value), w.AUC - w.Other}, "z": {float64(d.Z), w.Z}, "p": {float64(d.P), w.P},
		} {
			if !(math.Abs(v[0]-v[1]) <= 1e-9) {
				t.Errorf("%s: %s = %.15g, pROC has %.15g", s.Name, name, v[0], v[1])
			}
		}
	}
}
