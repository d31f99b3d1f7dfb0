// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
)

func TestCutsAndBins(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, tc := range []struct {
		name      string
		x, weight []float64
		k         int
		want      string
	}{
		{"four", []float64{1, 2, 3, 4, 5, 6, 7, 8}, nil, 4, "[2 4 6]"},
		{"ties", []float64{1, 1, 1, 1, 2}, nil, 2, "[1]"},
		{"constant", []float64{5, 5, 5}, nil, 10, "[]"},
		{"missing", []float64{nan, nan}, nil, 10, "[]"},
		{"none", nil, nil, 3, "[]"},
		{"missing left out", []float64{nan, 1, 2, nan}, nil, 2, "[1]"},
		{"weights", []float64{1, 2, 3}, []float64{1, 1, 2}, 2, "[2]"},
		{"heavy", []float64{1, 2, 3}, []float64{8, 1, 1}, 2, "[1]"},
	} {
		if got := fmt.Sprint(Cuts(tc.x, tc.weight, tc.k)); got != tc.want {
			t.Errorf("%s: cuts %s, want %s", tc.name, got, tc.want)
		}
	}
	cuts := []float64{2, 4}
	for v, want := range map[float64]int{-1: 0, 2: 0, 2.1: 1, 4: 1, 4.5: 2, math.Inf(1): 2} {
		if got := Bin(cuts, v); got != want {
			t.Errorf("%v is in bin %d, want %d", v, got, want)
		}
	}
	if Bin(cuts, nan) != 3 {
		t.Error("a missing value is not in the last bin")
	}
	if got := CountBins(cuts, []float64{1, 3, 9, nan}, []float64{1, 2, 3, 4}); !slices.Equal(got,
		[]float64{1, 2, 3, 4}) {
		t.Errorf("counts %v", got)
	}
	category := Bins{codes: 2}
	for v, want := range map[float64]int{0: 0, 1: 1, 7: 2, -1: 2} {
		if got := category.Of(v); got != want || category.Count() != 4 {
			t.Errorf("code %v is in bin %d of %d", v, got, category.Count())
		}
	}
	if got := IntervalNames([]float64{1, 2}, numfmt.Plain); fmt.Sprint(got) != "[≤ 1 1 – 2 > 2 missing]" {
		t.Errorf("names %v", got)
	}
}

// TestPSIOfShifts: none without a shift, more for a larger one, the same in both
// directions, and finite where a bin is empty.
func TestPSIOfShifts(t *testing.T) {
	t.Parallel()
	even, little, much := []float64{50, 50}, []float64{45, 55}, []float64{5, 95}
	psi := func(a, b []float64) float64 { return PSI(a, b, 0.5, 0.5) }
	if psi(even, even) != 0 || psi(even, []float64{5, 5}) != 0 {
		t.Errorf("equal shares shift by %v", psi(even, []float64{5, 5}))
	}
	if !(psi(even, little) < psi(even, much)) || !near(psi(even, much), psi(much, even)) {
		t.Errorf("shifts %v, %v, %v", psi(even, little), psi(even, much), psi(much, even))
	}
	if v := psi([]float64{0, 10}, []float64{5, 5}); !(v > 0) || math.IsInf(v, 0) {
		t.Errorf("an empty bin: %v", v)
	}
	if UsedBins([]float64{0, 1, 0}, []float64{0, 0, 2}) != 2 {
		t.Error("a bin is used if either sample has rows in it")
	}
}

// TestPSIByChance: the mean of the index over samples of one population is what
// ChancePSI says, and that of KS what ChanceKS says.
func TestPSIByChance(t *testing.T) {
	t.Parallel()
	const n, m, times = 400, 300, 400
	r := Random(77)
	var psi, ks float64
	for range times {
		label, score := make([]float64, n+m), make([]float64, n+m)
		for i := range score {
			score[i] = r.Normal()
			if i < n {
				label[i] = 1
			}
		}
		psi += ScorePSI(score[:n], score[n:]) / times
		d, _ := CurveOf(label, score, nil).KS()
		ks += d / times
	}
	if want := ChancePSI(10, n, m); math.Abs(psi/want-1) > 0.15 {
		t.Errorf("PSI by chance %v, want %v", psi, want)
	}
	if want := ChanceKS(n, m); math.Abs(ks/want-1) > 0.1 {
		t.Errorf("KS by chance %v, want %v", ks, want)
	}
}

// TestEvidenceByHand: weights of evidence and information value of two bins.
func TestEvidenceByHand(t *testing.T) {
	t.Parallel()
	label := []float64{1, 1, 1, 0, 1, 0, 0, 0}
	kind := []float64{0, 0, 0, 0, 1, 1, 1, 1}
	b := BinVariable(label, kind, []string{"a", "b"})
	if len(b.Bins) != 2 || !near(b.Bins[0].WOE, math.Log(3)) || !near(b.Bins[1].WOE, -math.Log(3)) ||
		!near(b.IV, math.Log(3)) {
		t.Errorf("%+v", b)
	}
	one := BinVariable([]float64{0, 0}, []float64{1, 2}, nil)
	if !math.IsNaN(one.IV) {
		t.Errorf("one class has an information value of %v", one.IV)
	}
	names, values := make([]string, 30), make([]float64, 0, 900)
	for k := range names {
		names[k] = fmt.Sprintf("level %02d", k)
		for range k + 1 {
			values = append(values, float64(k))
		}
	}
	labels := make([]float64, len(values))
	for i := range labels {
		labels[i] = float64(i % 2)
	}
	many := BinVariable(labels, values, names)
	if len(many.Bins) != MaxLevels || many.Bins[MaxLevels-1].Name != "other" || len(many.Other) != 30-MaxLevels+1 {
		t.Errorf("%d bins, %d levels in the last of them, %q", len(many.Bins), len(many.Other),
			many.Bins[len(many.Bins)-1].Name)
	}
}
