// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func verdictOf(t *testing.T, r *Report, question string) Verdict {
	t.Helper()
	for _, v := range r.Verdicts {
		if v.Question == question {
			return v
		}
	}
	t.Fatalf("no verdict %q", question)
	return Verdict{}
}

// TestCalibrationLightByInterval: few rows neither pass nor fail.
func TestCalibrationLightByInterval(t *testing.T) {
	b := &builder{th: Thresholds{}.withDefaults()}
	for _, c := range []struct {
		d, se float64
		want  Light
	}{
		{0.1, 0.05, Green}, {-0.1, 0.05, Green}, {0.1, 0.3, Amber}, {0.3, 0.01, Amber},
		{0.6, 0.1, Red}, {-0.6, 0.1, Red}, {0.6, 0.5, Amber}, {math.NaN(), 0.1, Grey}, {0.1, math.NaN(), Grey},
	} {
		if got := b.calibrated(c.d, c.se); got != c.want {
			t.Errorf("%v with a standard error of %v: %s, want %s", c.d, c.se, got, c.want)
		}
	}
}

// TestBacktestLight: a period that ranks backwards fails, one with a wrong
// level is to be looked at, and periods of one kind pass.
func TestBacktestLight(t *testing.T) {
	const question = "Does the recipe hold forward in time?"
	period := func(flip bool, scale float64) Period {
		var p Period
		for i := range 400 {
			pd := 0.05 + 0.9*float64(i)/400
			y := 0.0
			if i*7%400 < int(400*pd) {
				y = 1
			}
			if flip {
				pd = 1 - pd
			}
			p.Label, p.PD = append(p.Label, y), append(p.PD, pd*scale)
		}
		return p
	}
	for _, c := range []struct {
		name string
		last Period
		want Light
	}{{"as before", period(false, 1), Green}, {"level", period(false, 0.7), Amber}, {"backwards", period(true, 1), Red}} {
		in := full(200, 3)
		in.Backtest = []Period{period(false, 1), period(false, 1), c.last}
		r, _, _ := render(t, in)
		if v := verdictOf(t, r, question); v.Light != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, v.Light, v.Finding, c.want)
		}
	}
}

// TestNothingStatedIsSeen: a model that trusts empty applications is to be
// looked at, one that distrusts them passes.
func TestNothingStatedIsSeen(t *testing.T) {
	for _, c := range []struct {
		pd   float64
		want Light
	}{{0, Amber}, {1, Green}} {
		in := full(200, 3)
		old := in.Score
		in.Score = func(x []float64) float64 {
			if !slices.ContainsFunc(x[:3], func(v float64) bool { return v != 0 && v == v }) {
				return c.pd
			}
			return old(x)
		}
		r, _, _ := render(t, in)
		if v := verdictOf(t, r, "Is saying nothing refused?"); v.Light != c.want {
			t.Errorf("a PD of %v for nothing: %s (%s), want %s", c.pd, v.Light, v.Finding, c.want)
		}
	}
}

// TestOutcomesKnownLater counts training outcomes of the model's own future.
func TestOutcomesKnownLater(t *testing.T) {
	in := full(300, 3)
	_, html, _ := render(t, in)
	if !strings.Contains(html, "were known is not stated") {
		t.Error("the report does not say that the times of outcomes are not known")
	}
	in.Train.Known = make([]time.Time, len(in.Train.Label))
	for i := range in.Train.Known {
		in.Train.Known[i] = in.TrainedUntil
		if i < 17 {
			in.Train.Known[i] = in.TrainedUntil.AddDate(0, 3, 0)
		}
	}
	r, html, _ := render(t, in)
	if m, ok := r.Metric("training_outcomes_known_later"); !ok || m.Value != 17 || !strings.Contains(html, "17 of 300 training rows") {
		t.Errorf("known later: %v, want 17", m.Value)
	}
}

// TestOneBinNamedOther: a category's own "other" and the rare ones share one.
func TestOneBinNamedOther(t *testing.T) {
	names := []string{"other"}
	var x, y []float64
	for k := range 15 {
		names = append(names, strings.Repeat("x", k+1))
	}
	for i := range 320 {
		x, y = append(x, float64(i%16)), append(y, float64(i%2))
	}
	n, rows := 0, 0
	for _, b := range BinVariable(y, x, names).Bins {
		rows += b.Bad + b.Good
		if b.Name == "other" {
			n++
		}
	}
	if n != 1 || rows != 320 {
		t.Errorf("%d bins are named other and all hold %d rows, want one and 320", n, rows)
	}
}

// TestFewRowsOfAClassHaveNoAUC holds the stated minimum.
func TestFewRowsOfAClassHaveNoAUC(t *testing.T) {
	for bad, defined := range map[int]bool{leastOfClass - 1: false, leastOfClass: true} {
		var y, s []float64
		for i := range 50 {
			label := 0.0
			if i < bad {
				label = 1
			}
			y, s = append(y, label), append(s, float64(i*7%50))
		}
		if e := newCurve(y, s).enough(); e.Value.Defined() != defined || e.Low.Defined() != defined {
			t.Errorf("%d bad rows: AUC %v", bad, e.Value)
		}
	}
}
