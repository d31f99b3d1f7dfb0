// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestCurvesRefuseBadInput(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, tc := range []struct {
		name                 string
		label, score, weight []float64
		want                 string
	}{
		{"lengths", []float64{0, 1}, []float64{1}, nil, "2 labels and 1 scores"},
		{"label", []float64{0, 0.5}, []float64{1, 2}, nil, "label of row 1"},
		{"label NaN", []float64{nan, 1}, []float64{1, 2}, nil, "label of row 0"},
		{"score NaN", []float64{0, 1}, []float64{1, nan}, nil, "score of row 1"},
		{"weight zero", []float64{0, 1}, []float64{1, 2}, []float64{1, 0}, "weight of row 1"},
		{"weight NaN", []float64{0, 1}, []float64{1, 2}, []float64{nan, 1}, "weight of row 0"},
		{"weights", []float64{0, 1}, []float64{1, 2}, []float64{1}, "1 weights for 2"},
	} {
		_, err := NewWeightedCurve(tc.label, tc.score, tc.weight)
		if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := NewCurve([]float64{0, 1}, []float64{math.Inf(-1), math.Inf(1)}); err != nil {
		t.Errorf("infinite scores: %v", err)
	}
	for k, pair := range [][2][]float64{{{nan, 1}, {1, 2}}, {{1, 2}, {nan, 1}}} {
		_, err := CompareAUC([]float64{0, 1}, pair[0], pair[1])
		if want := []string{"first score", "second score"}[k]; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of the %s", err, want)
		}
	}
}

// TestNothingIsUndefined: no rows give NaN everywhere, and no panic.
func TestNothingIsUndefined(t *testing.T) {
	t.Parallel()
	for _, labels := range [][]float64{nil, {1}, {0}, {1, 1, 1}, {0, 0}} {
		c := CurveOf(labels, make([]float64, len(labels)), nil)
		ks, at := c.KS()
		for name, v := range map[string]float64{"auc": c.AUC(), "ks": ks, "at": at, "h": c.HMeasure(),
			"partial": c.PartialAUC(0.2), "caught": c.TPRAt(0.1), "low": float64(c.Area().Low),
			"gap": float64(GapOfAreas(c, c).Low)} {
			if !math.IsNaN(v) {
				t.Errorf("labels %v: %s is %v", labels, name, v)
			}
		}
		if x, y := c.Points(10); len(x) != 1 || len(y) != 1 {
			t.Errorf("labels %v: a curve of %d points", labels, len(x))
		}
	}
	_, _, p := HosmerLemeshow(nil)
	z, zp := Spiegelhalter(nil, nil, nil)
	line := CalibrationLine(nil, nil, nil)
	for name, v := range map[string]float64{"brier": Brier(nil, nil, nil), "logloss": LogLoss(nil, nil, nil),
		"hl": p, "z": z, "zp": zp, "slope": line.Slope, "large": line.Large, "mean": Mean(nil),
		"quantile": Quantile(nil, 0.5), "psi": PSI(nil, nil, 0.5, 0.5), "ece": ECE(nil),
		"binomial": BinomialTest(0, 0, 0.1), "wilson": float64(Wilson(0, 0).Value)} {
		if !math.IsNaN(v) {
			t.Errorf("%s of no rows is %v", name, v)
		}
	}
}

// TestCertainPDs: PDs of 0 and 1 have finite losses, and a right one has nearly none.
func TestCertainPDs(t *testing.T) {
	t.Parallel()
	label := []float64{0, 1}
	if v := LogLoss(label, []float64{0, 1}, nil); !(v >= 0 && v < 1e-15) {
		t.Errorf("right for certain: %v", v)
	}
	if v := LogLoss(label, []float64{1, 0}, nil); math.IsInf(v, 0) || math.Abs(v-52*math.Ln2) > 1e-9 {
		t.Errorf("wrong for certain: %v", v)
	}
	if z, _ := Spiegelhalter(label, []float64{0, 1}, nil); !math.IsNaN(z) {
		t.Errorf("a test of certain PDs: %v", z)
	}
	if l := CalibrationLine([]float64{0, 0, 1, 1}, []float64{0.1, 0.2, 0.8, 0.9}, nil); !math.IsNaN(l.Slope) {
		t.Errorf("classes that PDs separate have a slope of %v", l.Slope)
	}
}

// TestGroupsKeepTies: groups have nearly equal sizes, equal PDs are in one, and
// they hold each row once.
func TestGroupsKeepTies(t *testing.T) {
	t.Parallel()
	label, pd := made(1003, 9)
	for _, scores := range [][]float64{pd, rounded(pd), make([]float64, 1003)} {
		groups := Groups(label, scores, nil, FallingOrder(scores), 10)
		n, bad := 0, 0
		for k, g := range groups {
			n, bad = n+g.N, bad+g.Bad
			if g.Low > g.High || g.Mean < g.Low-1e-15 || g.Mean > g.High+1e-15 {
				t.Errorf("group %d: %+v", k, g)
			}
			if k > 0 && groups[k-1].High >= g.Low {
				t.Errorf("groups %d and %d share a PD", k-1, k)
			}
		}
		if n != 1003 || bad != int(Mean(label)*1003+0.5) || len(groups) > 10 {
			t.Errorf("%d groups of %d rows, %d bad", len(groups), n, bad)
		}
	}
}

func TestCorrelatedColumns(t *testing.T) {
	t.Parallel()
	r := Random(1)
	a, b, c, d := make([]float64, 200), make([]float64, 200), make([]float64, 200), make([]float64, 200)
	for i := range a {
		a[i], c[i] = r.Normal(), r.Normal()
		b[i], d[i] = -math.Exp(a[i]), 3
	}
	got := Correlate([][]float64{a, nil, b, c, d})
	if got.Partner[0] != 2 || got.Partner[2] != 0 || !near(got.Rho[0], -1) || got.Partner[1] != -1 ||
		!math.IsNaN(got.Rho[1]) || got.Partner[4] != -1 {
		t.Errorf("%+v", got)
	}
	if fmt.Sprint(got.Groups) != "[[0 2]]" {
		t.Errorf("groups %v", got.Groups)
	}
}

func TestRatesAndTheirIntervals(t *testing.T) {
	t.Parallel()
	if e := Wilson(0, 10); e.Value != 0 || e.Low != 0 || !(e.High > 0.2 && e.High < 0.4) {
		t.Errorf("none of ten: %+v", e)
	}
	if e := Wilson(10, 10); e.Value != 1 || e.High != 1 || !(e.Low > 0.6 && e.Low < 0.8) {
		t.Errorf("all of ten: %+v", e)
	}
	for _, tc := range []struct{ k, n, p, want float64 }{{0, 10, 0.1, 1}, {1, 10, 0.1, 1 - math.Pow(0.9, 10)},
		{10, 10, 0.5, math.Pow(0.5, 10)}, {1, 10, 0, 0}, {3, 10, 2, math.NaN()}} {
		if got := BinomialTest(tc.k, tc.n, tc.p); !near(got, tc.want) {
			t.Errorf("at least %v of %v at %v: %v, want %v", tc.k, tc.n, tc.p, got, tc.want)
		}
	}
	none := Tally{}
	if e := RatioOfRates(none, none, equal(1), equal(2)); e.Value.Defined() {
		t.Errorf("no rows have a ratio: %+v", e)
	}
	if e := RatioOfRates(equal(5), equal(10), equal(5), equal(10)); e.Value != 1 || !(e.Low < 1 && e.High > 1) {
		t.Errorf("equal rates: %+v", e)
	}
	if e := DifferenceOfRates(equal(5), equal(10), equal(5), equal(10)); e.Value != 0 ||
		!near(float64(e.Low), -float64(e.High)) {
		t.Errorf("equal rates: %+v", e)
	}
	if e := Wald(1, 0, 5); e.Low.Defined() || e.Value != 1 {
		t.Errorf("no standard error, an interval: %+v", e)
	}
}

// TestEffectiveRows: Kish's number by hand; hits that are few and heavy are worth less.
func TestEffectiveRows(t *testing.T) {
	t.Parallel()
	m := TallyOf([]float64{1, 1, 2}, 3)
	if m.Rows != 3 || m.Sum != 4 || m.Squares != 6 || !near(m.Effective(), 16.0/6) || m.WholeRows() != 2 ||
		!near(m.HalfRow(), 4.0/6) {
		t.Errorf("%+v: worth %v", m, m.Effective())
	}
	if all := TallyOf(nil, 7); all.WholeRows() != 7 || all.HalfRow() != 0.5 || all.EffectiveFor(TallyOf(nil, 2)) != 7 {
		t.Errorf("%+v", all)
	}
	all, heavy := TallyOf([]float64{1, 1, 1, 1, 1, 1, 9}, 7), TallyOf([]float64{9}, 1)
	if n := all.EffectiveFor(heavy); n > all.Effective() {
		t.Errorf("a heavy hit is worth %v of %v rows", n, all.Effective())
	}
	if (Tally{}).Effective() != 0 || (Tally{}).HalfRow() != 0.5 {
		t.Error("no rows are worth something")
	}
}

func TestPeriodsOfTimes(t *testing.T) {
	t.Parallel()
	day := func(y, m int) time.Time { return time.Date(y, time.Month(m), 15, 0, 0, 0, 0, time.UTC) }
	for _, tc := range []struct {
		at    []time.Time
		names string
		codes string
	}{
		{nil, "[]", "[]"},
		{[]time.Time{day(2024, 12), day(2025, 2)}, "[2024-12 2025-01 2025-02]", "[0 2]"},
		{[]time.Time{day(2019, 2), day(2025, 2)}, "", "[0 24]"},
		{[]time.Time{day(2000, 2), day(2020, 2)}, "", "[0 20]"},
	} {
		names, code := Periods(tc.at)
		if tc.names != "" && fmt.Sprint(names) != tc.names || fmt.Sprint(code) != tc.codes {
			t.Errorf("%v: %v, %v", tc.at, names, code)
		}
	}
	rates := RateBy([]float64{1, 0, 1}, nil, []int32{0, 0, -1}, 2)
	if rates[0].Value != 0.5 || rates[0].N != 2 || rates[1].Value.Defined() {
		t.Errorf("rates %+v", rates)
	}
}

// TestAugmentByHand: one declined row of PD 0.5 is half a bad row and half a good one.
func TestAugmentByHand(t *testing.T) {
	t.Parallel()
	label, pd := []float64{1, 0}, []float64{0.8, 0.2}
	if a := Augment(label, pd, nil, nil, nil, 1); a.BadRate != 0.5 || a.AUC != 1 || a.KS != 1 ||
		!near(a.Brier, Brier(label, pd, nil)) {
		t.Errorf("none declined: %+v", a)
	}
	a := Augment(label, pd, nil, []float64{0.5}, nil, 1)
	// Of 1.5 by 1.5 pairs the bad one wins all but those of the declined row with itself, half of 0.25.
	if a.BadRate != 0.5 || !near(a.AUC, 1-0.125/2.25) {
		t.Errorf("%+v", a)
	}
	if b := Augment(label, pd, nil, []float64{0.5}, nil, 3); !near(b.BadRate, 1.75/3) {
		t.Errorf("odds three times as high: %+v", b)
	}
	if c := Augment([]float64{0}, []float64{0.2}, nil, []float64{0}, nil, 1); !math.IsNaN(c.AUC) || c.BadRate != 0 {
		t.Errorf("no bad row: %+v", c)
	}
}

// TestMetrics: the same twice, each name once; a cancelled context ends them.
func TestMetrics(t *testing.T) {
	t.Parallel()
	label, pd := made(300, 2)
	c := CurveOf(label, pd, nil)
	a, err := Metrics(t.Context(), c, label, pd, nil, 50, 7)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Metrics(t.Context(), c, label, pd, nil, 50, 7)
	if err != nil || len(a) != 14 {
		t.Fatalf("%d metrics, %v", len(a), err)
	}
	seen := map[string]bool{}
	for k, m := range a {
		if m.Estimate.Low != b[k].Low || m.Estimate.High != b[k].High || m.Name != b[k].Name || seen[m.Name] {
			t.Errorf("%s: %+v and %+v", m.Name, m, b[k])
		}
		seen[m.Name] = true
		if m.Low.Defined() && (m.Low > m.High || m.N != 300) {
			t.Errorf("%+v", m)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Metrics(ctx, c, label, pd, nil, 50, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSelectAndSpacing(t *testing.T) {
	t.Parallel()
	if got := Select([]string{"a", "b", "c"}, []int32{2, 0}); fmt.Sprint(got) != "[c a]" {
		t.Errorf("selected %v", got)
	}
	if Select([]float64(nil), []int32{1}) != nil {
		t.Error("none does not stay none")
	}
	if got := fmt.Sprint(EvenlySpaced(10, 4), EvenlySpaced(3, 9), EvenlySpaced(0, 5)); got != "[0 2 5 7] [0 1 2] []" {
		t.Errorf("spaced %s", got)
	}
	if s := Spread([]float64{1, 2, 3, 4, 5}, nil); !near(s, 2/1.349) ||
		Spread([]float64{0, 1}, []string{"a", "b"}) != 0 {
		t.Errorf("spread %v", s)
	}
	if s := Spread([]float64{0, 0, 0, 0, 10}, nil); !near(s, 4) {
		t.Errorf("spread where the quartiles coincide %v", s)
	}
}
