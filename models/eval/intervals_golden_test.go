// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// goldenIntervals is a sample, a second one that is independent of it, and two sets
// of resamples of its KS: biased upwards and downwards.
type goldenIntervals struct {
	Label, Score, Weight    []float64
	Label2, Score2, Weight2 []float64
	KS                      float64
	High, Low               []*float64
	Want                    map[string][]float64
}

// TestIntervalsAreThoseOfScipy holds the intervals of resampled statistics, of the
// gap of two areas and of two rates, and a sample with declined rows, to what numpy,
// scipy and statsmodels have; testdata/golden_intervals.py made the values.
func TestIntervalsAreThoseOfScipy(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/golden_intervals.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples []goldenIntervals
	if err := json.Unmarshal(b, &samples); err != nil {
		t.Fatal(err)
	}
	for k, s := range samples {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			got := s.intervals()
			if len(got) != len(s.Want) {
				t.Errorf("%d intervals here, %d in the file", len(got), len(s.Want))
			}
			for name, want := range s.Want {
				for i, w := range want {
					if len(got[name]) != len(want) || !(math.Abs(got[name][i]-w) <= 1e-9) {
						t.Errorf("%s = %.12g, want %.12g", name, got[name], want)
						break
					}
				}
			}
		})
	}
}

func (s *goldenIntervals) intervals() map[string][]float64 {
	c := CurveOf(s.Label, s.Score, s.Weight)
	ks, _ := c.KS()
	got := map[string][]float64{}
	ends := func(name string, e Estimate) { got[name] = []float64{float64(e.Low), float64(e.High)} }
	for name, draws := range map[string][]*float64{"high": s.High, "low": s.Low} {
		r := replicated{ks, missing(draws), c.Rows(), c.rarer(), "40 resamples"}
		ends("share_"+name, r.share())
		ends("size_"+name, r.size())
		ends("distance_"+name, c.ksInterval(r))
		ends("catch_"+name, c.catchInterval(r, 0.5))
		got["corrected_"+name] = []float64{float64(*r.corrected())}
	}
	ends("gap", GapOfAreas(c, CurveOf(s.Label2, s.Score2, s.Weight2)))
	code := make([]int32, len(s.Label))
	var bad, all [2]Tally
	for i, y := range s.Label {
		g := i % 2
		code[i] = int32(g)
		all[g].Add(WeightAt(s.Weight, i))
		if y == 1 {
			bad[g].Add(WeightAt(s.Weight, i))
		}
	}
	for g, e := range RateBy(s.Label, s.Weight, code, 2) {
		ends(fmt.Sprintf("rate_%d", g), e)
	}
	ends("ratio", RatioOfRates(bad[0], all[0], bad[1], all[1]))
	ends("difference", DifferenceOfRates(bad[0], all[0], bad[1], all[1]))
	a := Augment(s.Label, s.Score, s.Weight, s.Score2, s.Weight2, 1.5)
	got["augmented"] = []float64{a.BadRate, a.AUC, a.KS, a.Brier}
	return got
}

// TestIntervalsThatCannotBe: resamples that mostly have no value, or one row of a
// class, give no interval; the value stays.
func TestIntervalsThatCannotBe(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	c := CurveOf([]float64{1, 1, 0, 0}, []float64{4, 2, 3, 1}, nil)
	for name, r := range map[string]replicated{
		"most undefined": {0.5, []float64{0.4, nan, nan, nan, 0.6}, 4, 2, ""},
		"one resample":   {0.5, []float64{0.4}, 4, 2, ""},
		"no value":       {nan, []float64{0.4, 0.6}, 4, 2, ""},
		"one bad row":    {0.5, []float64{0.4, 0.6}, 4, 1, ""},
	} {
		for kind, e := range map[string]Estimate{"share": r.share(), "size": r.size(), "distance": c.ksInterval(r),
			"catch": c.catchInterval(r, 0.5)} {
			if e.Low.Defined() || e.High.Defined() || !near(float64(e.Value), r.value) {
				t.Errorf("%s: %s is %+v", name, kind, e)
			}
		}
	}
	few := c.catchInterval(replicated{0.5, []float64{0.4, 0.6}, 4, 2, ""}, 0.05)
	if few.Value.Defined() || few.Low.Defined() || few.Method != "it takes 20 good rows" {
		t.Errorf("a twentieth of two good rows: %+v", few)
	}
}

// TestRatiosWithEmptyCells: Walter's half row where nobody of one group is approved,
// or everybody of both; the interval holds its ratio.
func TestRatiosWithEmptyCells(t *testing.T) {
	t.Parallel()
	katz := func(a, m, b, n float64) (low, high float64) {
		se := math.Sqrt(1/a - 1/m + 1/b - 1/n)
		return a / m / (b / n) * math.Exp(-1.959963984540054*se), a / m / (b / n) * math.Exp(1.959963984540054*se)
	}
	_, high := katz(0.5, 20.5, 10.5, 30.5)
	if e := RatioOfRates(equal(0), equal(20), equal(10), equal(30)); e.Value != 0 || e.Low != 0 ||
		!near(float64(e.High), high) {
		t.Errorf("nobody of the first: %+v, want up to %v", e, high)
	}
	low, high := katz(20.5, 20.5, 30.5, 30.5)
	if e := RatioOfRates(equal(20), equal(20), equal(30), equal(30)); e.Value != 1 || !near(float64(e.Low), low) ||
		!near(float64(e.High), high) {
		t.Errorf("everybody of both: %+v, want %v to %v", e, low, high)
	}
	if e := RatioOfRates(equal(5), equal(20), equal(0), equal(30)); e.Value.Defined() || e.High.Defined() {
		t.Errorf("nobody of the second has a ratio: %+v", e)
	}
	if e := DifferenceOfRates(equal(5), equal(20), equal(0), equal(0)); e.Value.Defined() || e.Low.Defined() {
		t.Errorf("no second group has a difference: %+v", e)
	}
	e := Wald(2, 0.5, 40)
	if !near(float64(e.Low), 2-0.5*1.959963984540054) || !near(float64(e.High), 2+0.5*1.959963984540054) ||
		e.Level != Level || e.N != 40 {
		t.Errorf("a coefficient of 2 ± 0.5: %+v", e)
	}
	if e := Wald(math.NaN(), 0.5, 40); e.Low.Defined() || e.Method != "" {
		t.Errorf("no coefficient, an interval: %+v", e)
	}
	n := studentQuantile(7)
	if math.Abs(n-2.364624251592784) > 1e-9 || !near(studentQuantile(math.Inf(1)), NormalQuantile) {
		t.Errorf("Student's t of 7 degrees of freedom reaches to %v", n)
	}
}
