// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// TestDeLongAgainstExactPermutation: under the hypothesis that two scores rank
// equally well, exchanging a row's two ranks changes nothing (Venkatraman and
// Begg 1996). All 2^14 exchanges of 14 rows give the exact distribution of the
// difference. DeLong's test is asymptotic: on so few rows its p-values are
// held to the exact ones within 0.15, and on average within 0.05.
func TestDeLongAgainstExactPermutation(t *testing.T) {
	const n, rounds = 14, 12
	var gap float64
	for seed := range uint64(rounds) {
		r := random(seed + 100)
		label, a, b := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			label[i] = float64(i % 2)
			a[i], b[i] = r.normal()+label[i], r.normal()+float64(seed%3)/2*label[i]
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
	truth := 0.5 * math.Erfc(-1/math.Sqrt2/math.Sqrt2) // two normals one apart
	const rounds = 300
	hit := 0
	for seed := range uint64(rounds) {
		r := random(seed * 77)
		label, score := make([]float64, 200), make([]float64, 200)
		for i := range score {
			label[i] = float64(i % 2)
			score[i] = r.normal() + label[i]
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
