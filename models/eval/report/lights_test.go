// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

func verdictOf(t *testing.T, r *document.Report, question string) document.Verdict {
	t.Helper()
	for _, v := range r.Verdicts {
		if v.Question == question {
			return v
		}
	}
	t.Fatalf("no verdict %q", question)
	return document.Verdict{}
}

// TestCalibrationLightByInterval: few rows neither pass nor fail.
func TestCalibrationLightByInterval(t *testing.T) {
	b := &builder{thresholds: Thresholds{}.withDefaults()}
	for _, c := range []struct {
		d, se float64
		want  document.Light
	}{
		{0.1, 0.05, document.Pass}, {-0.1, 0.05, document.Pass}, {0.1, 0.3, document.CannotTell},
		{0.3, 0.01, document.Look},
		{0.6, 0.1, document.Fail}, {-0.6, 0.1, document.Fail}, {0.6, 0.5, document.CannotTell},
		{0.3, 0.12, document.CannotTell},
		{math.NaN(), 0.1, document.CannotTell}, {0.1, math.NaN(), document.CannotTell},
	} {
		if got := b.calibrated(c.d, c.se); got != c.want {
			t.Errorf("%v with a standard error of %v: %s, want %s", c.d, c.se, got, c.want)
		}
	}
}

// TestBacktestLight: a period that ranks backwards fails, one with a wrong
// level is to be looked at, and periods of one kind pass.
func TestBacktestLight(t *testing.T) {
	const question = "Would a model trained earlier have worked later?"
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
		want document.Light
	}{{"as before", period(false, 1), document.Pass}, {"level", period(false, 0.7), document.Look},
		{"backwards", period(true, 1), document.Fail}} {
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
		want document.Light
	}{{0, document.Look}, {1, document.Pass}} {
		in := full(200, 3)
		old := in.Score
		in.Score = func(x []float64) float64 {
			if !slices.ContainsFunc(x[:3], func(v float64) bool { return v != 0 && v == v }) {
				return c.pd
			}
			return old(x)
		}
		r, _, _ := render(t, in)
		if v := verdictOf(t, r, "Do applicants gain nothing by leaving fields empty?"); v.Light != c.want {
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
	if m, ok := r.Metric("training_outcomes_known_later"); !ok || m.Value != 17 ||
		!strings.Contains(html, "17 of 300 training rows") {
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
	n, rows := 0, 0.0
	for _, b := range eval.BinVariable(y, x, names).Bins {
		rows += b.Bad + b.Good
		if b.Name == "other" {
			n++
		}
	}
	if n != 1 || rows != 320 {
		t.Errorf("%d bins are named other and all hold %v rows, want one and 320", n, rows)
	}
	// What is gathered is spelt out where bins are shown.
	label, pd := labelled(320, 2)
	r, _, js := render(t,
		Input{Label: label, PD: pd, Features: []Feature{{Name: "kind", Values: x, Categories: names}}})
	var other string
	for _, row := range blockTable(t, r, "variables", "All bins").Rows {
		if strings.HasPrefix(row[1].Text(), "other") {
			other = row[1].Text()
		}
	}
	want := "other: " + strings.Join(names[11:], ", ") + " and any value that the plan does not name"
	if other != want || !strings.Contains(js, want) {
		t.Errorf("the bin of rare levels is called %q, want %q", other, want)
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
		if e := reliableAUC(eval.CurveOf(y, s, nil)); e.Value.Defined() != defined || e.Low.Defined() != defined {
			t.Errorf("%d bad rows: AUC %v", bad, e.Value)
		}
	}
}

// TestBinsOfLargeNumbersHaveNames: bins of amounts past a thousand million, and of
// values that differ in their last digits, are told apart.
func TestBinsOfLargeNumbersHaveNames(t *testing.T) {
	for name, first := range map[string]float64{"9e9": 9e9, "1e18": 1e18, "1e6": 1e6, "1": 1} {
		var x, y []float64
		for i := range 200 {
			x, y = append(x, first*(1+float64(i)*1e-9)), append(y, float64(i%3/2))
		}
		seen := map[string]bool{}
		bins := eval.BinVariable(y, x, nil).Bins
		for _, b := range bins {
			if seen[b.Name] {
				t.Errorf("%s: two bins are named %q", name, b.Name)
			}
			seen[b.Name] = true
		}
		if len(bins) != 10 {
			t.Errorf("%s: %d bins", name, len(bins))
		}
	}
}

// TestPSIPartsAddUp: also where a bin is empty on one side.
func TestPSIPartsAddUp(t *testing.T) {
	label, pd := labelled(300, 3)
	in := Input{Label: label, PD: pd, Train: &Train{Label: label, PD: make([]float64, len(pd))}}
	for i, p := range pd {
		in.Train.PD[i] = min(1, 5*p)
	}
	r, _, _ := render(t, in)
	sum := 0.0
	for _, row := range blockTable(t, r, "stability", "Score against training").Rows {
		if !row[3].Number().Defined() {
			t.Fatalf("a part of the PSI is not defined: %v", row)
		}
		sum += float64(row[3].Number())
	}
	if m, _ := r.Metric("psi_score"); math.Abs(float64(m.Value)-sum) > 1e-12 {
		t.Errorf("the parts add up to %v, the PSI is %v", sum, m.Value)
	}
}

// TestGroundsInWords: no rows are not "0 rows" of which one would do.
func TestGroundsInWords(t *testing.T) {
	for _, c := range []struct {
		g    document.Grounds
		want string
	}{
		{notGiven(), "nothing was measured, as the input was not given"},
		{document.Grounds{Rows: 400, LeastRows: 1}, "based on 400 rows; needs at least 1"},
		{document.Grounds{Rows: 0, LeastRows: 30, Of: "the smallest group"},
			"based on 0 rows (the smallest group); needs at least 30"},
		{document.Grounds{Rows: 50, Bad: 2, LeastOfClass: 10},
			"based on 50 rows, 2 bad; needs 10 bad and 10 good"},
	} {
		if got := c.g.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	_, html, _ := render(t, Input{Label: []float64{0, 1}, PD: []float64{0.2, 0.3}})
	if strings.Contains(html, "based on 0 rows; needs") || !strings.Contains(html, "as the input was not given") {
		t.Error("the page words an input that was not given as a number of rows")
	}
}

// TestGroundsOfAFailingGroup: a group that fails is the one whose rows the
// verdict states, not another that is too small to tell of.
func TestGroundsOfAFailingGroup(t *testing.T) {
	in := spoiled(400, func(in *Input) {
		in.Groups = []Category{{Name: "region", Levels: []string{"north", "south", "few"},
			Code: make([]int32, len(in.Label))}}
		for i := range in.Groups[0].Code {
			in.Groups[0].Code[i], in.Outcome[i] = 0, assay.Approve
			switch {
			case i < 77:
				in.Groups[0].Code[i], in.Outcome[i] = 1, assay.Decline
			case i < 87:
				in.Groups[0].Code[i] = 2
			}
		}
	})
	r, _, _ := render(t, in)
	v := verdictOf(t, r, groupsQuestion)
	if v.Light != document.Fail || v.Grounds.Rows != 77 || v.Grounds.Of != "the group named" {
		t.Errorf("%v on %+v, want a failure on the 77 rows of the group that nobody is approved of", v.Light, v.Grounds)
	}
}
