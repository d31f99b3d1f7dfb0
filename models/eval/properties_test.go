// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// near reports whether two figures are one, but for rounding; NaN is NaN.
func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b || math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(a))
}

// ranking are the figures of a curve that depend on the order of scores alone.
func ranking(c *Curve) map[string]float64 {
	ks, _ := c.KS()
	area, deLong := c.Area(), c.DeLong()
	return map[string]float64{"auc": c.AUC(), "gini": c.Gini(), "ks": ks, "h": c.HMeasure(),
		"average precision": c.AveragePrecision(), "partial": c.PartialAUC(0.2), "caught": c.TPRAt(0.1),
		"low": float64(area.Low), "high": float64(area.High), "DeLong low": float64(deLong.Low),
		"DeLong high": float64(deLong.High)}
}

// rounded gives scores of a few values, so that many rows are tied.
func rounded(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Round(20*v) / 20
	}
	return out
}

func sameFigures(t *testing.T, name string, a, b map[string]float64) {
	t.Helper()
	for k, v := range a {
		if !near(v, b[k]) {
			t.Errorf("%s: %s is %v and %v", name, k, v, b[k])
		}
	}
}

// TestRankingIsAllThatCounts: a rising function of the scores changes nothing that
// depends on their order.
func TestRankingIsAllThatCounts(t *testing.T) {
	t.Parallel()
	label, pd := made(700, 11)
	for _, scores := range [][]float64{pd, rounded(pd)} {
		want := ranking(CurveOf(label, scores, nil))
		for name, f := range map[string]func(float64) float64{
			"logit":  func(v float64) float64 { return math.Log((v + 1e-9) / (1 - v + 1e-9)) },
			"scaled": func(v float64) float64 { return 4*v - 900 },
			"cubed":  func(v float64) float64 { return v * v * v },
		} {
			changed := make([]float64, len(scores))
			for i, v := range scores {
				changed[i] = f(v)
			}
			sameFigures(t, name, want, ranking(CurveOf(label, changed, nil)))
		}
	}
}

// TestOrderOfRowsDoesNotCount, ties and weights included.
func TestOrderOfRowsDoesNotCount(t *testing.T) {
	t.Parallel()
	label, pd := made(500, 12)
	pd = rounded(pd)
	r := Random(5)
	order, weight := make([]int32, len(pd)), make([]float64, len(pd))
	for i := range order {
		k := r.Below(i + 1)
		order[i], order[k] = order[k], int32(i)
		weight[i] = float64(1 + r.Below(3))
	}
	for _, w := range [][]float64{nil, weight} {
		want := ranking(CurveOf(label, pd, w))
		got := ranking(CurveOf(Select(label, order), Select(pd, order), Select(w, order)))
		sameFigures(t, fmt.Sprint("weights ", w != nil), want, got)
	}
}

// TestReversedScores: what was won is lost.
func TestReversedScores(t *testing.T) {
	t.Parallel()
	label, pd := made(400, 13)
	pd = rounded(pd)
	turned := make([]float64, len(pd))
	for i, v := range pd {
		turned[i] = -v
	}
	a, b := CurveOf(label, pd, nil), CurveOf(label, turned, nil)
	ka, _ := a.KS()
	kb, _ := b.KS()
	if !near(a.AUC()+b.AUC(), 1) || !near(a.Gini(), -b.Gini()) || !near(ka, kb) {
		t.Errorf("AUC %v and %v, KS %v and %v", a.AUC(), b.AUC(), ka, kb)
	}
	d, err := CompareAUC(label, pd, turned)
	if err != nil || !near(float64(d.Value), a.AUC()-b.AUC()) {
		t.Errorf("difference %v, %v", d.Value, err)
	}
}

// TestWeightsAreRepeatedRows: a row of weight 3 has the figures of three rows.
// Intervals are not compared: three copies are not three observations.
func TestWeightsAreRepeatedRows(t *testing.T) {
	t.Parallel()
	label, pd := made(300, 14)
	pd = rounded(pd)
	r := Random(2)
	var weight, labels, pds []float64
	for i := range pd {
		w := 1 + r.Below(3)
		weight = append(weight, float64(w))
		for range w {
			labels, pds = append(labels, label[i]), append(pds, pd[i])
		}
	}
	figures := func(y, p, w []float64) map[string]float64 {
		c := CurveOf(y, p, w)
		ks, at := c.KS()
		line := CalibrationLine(y, p, w)
		groups := Groups(y, p, w, FallingOrder(p), 10)
		parts := Decompose(Brier(y, p, w), groups)
		out := map[string]float64{"auc": c.AUC(), "ks": ks, "at": at, "h": c.HMeasure(), "rate": c.BadRate(),
			"average precision": c.AveragePrecision(), "partial": c.PartialAUC(0.2), "caught": c.TPRAt(0.05),
			"brier": Brier(y, p, w), "logloss": LogLoss(y, p, w), "mean": WeightedMean(p, w),
			"ece": ECE(groups), "reliability": parts.Reliability, "resolution": parts.Resolution}
		for name, v := range map[string]float64{"slope": line.Slope, "intercept": line.Intercept, "large": line.Large} {
			out[name] = math.Round(v*1e9) / 1e9 // Newton stops a little elsewhere
		}
		return out
	}
	a, b := figures(label, pd, weight), figures(labels, pds, nil)
	if len(a) != len(b) {
		t.Fatalf("%d and %d figures", len(a), len(b))
	}
	sameFigures(t, "weights and copies", a, b)
}

// TestConstantWeightsChangeNothing, intervals included.
func TestConstantWeightsChangeNothing(t *testing.T) {
	t.Parallel()
	label, pd := made(300, 15)
	weight := make([]float64, len(pd))
	for i := range weight {
		weight[i] = 0.25
	}
	a, b := CurveOf(label, pd, nil), CurveOf(label, pd, weight)
	sameFigures(t, "a quarter", ranking(a), ranking(b))
	x, y := a.BadRateEstimate(), b.BadRateEstimate()
	if !near(float64(x.Low), float64(y.Low)) || !near(float64(x.High), float64(y.High)) || x.N != y.N {
		t.Errorf("bad rate %+v and %+v", x, y)
	}
	if !b.Weighted() || a.Weighted() || b.Tally().WholeRows() != 300 {
		t.Errorf("worth %d rows", b.Tally().WholeRows())
	}
}

// TestPerfectAndUselessScores: the ends of every scale.
func TestPerfectAndUselessScores(t *testing.T) {
	t.Parallel()
	label := []float64{0, 0, 0, 1, 1}
	perfect, useless := CurveOf(label, label, nil), CurveOf(label, make([]float64, 5), nil)
	ks, at := perfect.KS()
	if perfect.AUC() != 1 || ks != 1 || at != 1 || perfect.HMeasure() != 1 || perfect.AveragePrecision() != 1 ||
		!near(perfect.PartialAUC(0.2), 1) || perfect.TPRAt(0) != 1 {
		t.Errorf("perfect: %v", ranking(perfect))
	}
	ks, _ = useless.KS()
	if useless.AUC() != 0.5 || ks != 0 || !near(useless.HMeasure(), 0) || !near(useless.AveragePrecision(), 0.4) ||
		!near(useless.PartialAUC(0.2), 0.5) || !near(useless.TPRAt(0.3), 0.3) {
		t.Errorf("useless: %v", ranking(useless))
	}
	e := perfect.Area()
	if !(e.Low < 1 && e.Low > 0) || e.High != 1 || e.Method != "Newcombe" {
		t.Errorf("the interval of a perfect ranking of five rows: %+v", e)
	}
}

// TestIntervalsHoldTheirValue: an interval is around its value and within the
// scale, at every size.
func TestIntervalsHoldTheirValue(t *testing.T) {
	t.Parallel()
	for n := 4; n < 200; n += 13 {
		label, pd := made(n, uint64(n))
		c := CurveOf(label, pd, nil)
		for name, e := range map[string]Estimate{"area": c.Area(), "DeLong": c.DeLong(), "rate": c.BadRateEstimate()} {
			if !e.Low.Defined() {
				continue
			}
			if e.Low > e.Value || e.High < e.Value || e.Low < 0 || e.High > 1 || e.Level != Level || e.N != n {
				t.Errorf("%s of %d rows: %+v", name, n, e)
			}
		}
	}
}

// TestIntervalsNarrow: ten times the rows have intervals about a third as wide.
func TestIntervalsNarrow(t *testing.T) {
	t.Parallel()
	width := func(n int) float64 {
		label, pd := made(n, 3)
		e := CurveOf(label, pd, nil).Area()
		return float64(e.High - e.Low)
	}
	if ratio := width(500) / width(50_000); ratio < 7 || ratio > 14 {
		t.Errorf("a hundred times the rows have an interval %v times narrower, want about 10", ratio)
	}
}

// TestGapOfEqualSamples: no gap, and an interval that is wider than either's.
func TestGapOfEqualSamples(t *testing.T) {
	t.Parallel()
	label, pd := made(400, 4)
	c := CurveOf(label, pd, nil)
	g, e := GapOfAreas(c, c), c.DeLong()
	if g.Value != 0 || !(g.Low < 0 && g.High > 0) || float64(g.High-g.Low) <= float64(e.High-e.Low) {
		t.Errorf("gap %+v, area %+v", g, e)
	}
	if g := GapOfAreas(c, CurveOf([]float64{1, 0}, []float64{1, 0}, nil)); g.Low.Defined() {
		t.Errorf("an interval from one row of each class: %+v", g)
	}
	if d := CompareCurves(label, c, c); d.Value != 0 || d.Z.Defined() || d.Low != 0 || d.High != 0 {
		t.Errorf("a model differs from itself: %+v", d)
	}
}

// TestPlacesInTheRanking: places that a tie shares are shared in proportion, and
// each row's shares add up to what it weighs.
func TestPlacesInTheRanking(t *testing.T) {
	t.Parallel()
	c := CurveOf([]float64{1, 0, 1, 0}, []float64{9, 5, 5, 1}, nil)
	got := map[int32]float64{}
	c.EachBetween(0, 2, func(row int32, share float64) { got[row] = share })
	if len(got) != 3 || got[0] != 1 || got[1] != 0.5 || got[2] != 0.5 {
		t.Errorf("the first two places: %v", got)
	}
	if safest := c.Safest(2); !slices.Equal(safest, []float64{0, 0.5, 0.5, 1}) {
		t.Errorf("the two safest: %v", safest)
	}
	label, pd := made(200, 6)
	weight, total := make([]float64, 200), make([]float64, 200)
	for i := range weight {
		weight[i] = float64(1 + i%4)
	}
	c = CurveOf(label, rounded(pd), weight)
	n := c.Tally().Sum
	for d := range 10 {
		c.EachBetween(float64(d)*n/10, float64(d+1)*n/10, func(row int32, share float64) { total[row] += share })
	}
	for i, v := range total {
		if math.Abs(v-1) > 1e-9 {
			t.Errorf("row %d is %v times in the ten tenths", i, v)
		}
	}
}

// TestPointsOfTheCurve: from corner to corner, rising, at most as many as asked
// for, and with the area that AUC gives where none is left out.
func TestPointsOfTheCurve(t *testing.T) {
	t.Parallel()
	label, pd := made(3000, 8)
	c := CurveOf(label, rounded(pd), nil)
	x, y := c.Points(0)
	if !near(trapezoid(x, y), c.AUC()) {
		t.Errorf("area %v, AUC %v", trapezoid(x, y), c.AUC())
	}
	x, y = CurveOf(label, pd, nil).Points(50)
	last := len(x) - 1
	if last > 52 || x[0] != 0 || y[0] != 0 || x[last] != 1 || y[last] != 1 ||
		!slices.IsSorted(x) || !slices.IsSorted(y) {
		t.Errorf("%d points from (%v, %v) to (%v, %v)", last+1, x[0], y[0], x[last], y[last])
	}
	score, bad, good := CurveOf(label, pd, nil).Distributions(100)
	last = len(score) - 1
	if !slices.IsSorted(score) || !slices.IsSorted(bad) || !slices.IsSorted(good) ||
		bad[last] != 1 || good[last] != 1 ||
		len(score) > 110 {
		t.Errorf("%d points of the distributions, ending at %v and %v", len(score), bad[last], good[last])
	}
}

func trapezoid(x, y []float64) (area float64) {
	for i := 1; i < len(x); i++ {
		area += (x[i] - x[i-1]) * (y[i] + y[i-1]) / 2
	}
	return area
}
