// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// few returns n rows of which so many are bad, ranked well but not perfectly,
// with every part that a verdict needs.
func few(n, bad int) Input {
	in := full(n, 5)
	in.Label = make([]float64, n)
	// Bad rows are spread over the upper half of the scores.
	order := eval.FallingOrder(in.Margin)
	for k := range bad {
		in.Label[order[k*n/max(1, 2*bad)]] = 1
	}
	in.Train.OutOfFold, in.Train.OutOfFoldPD = in.Train.Margin, in.Train.PD
	in.Groups[0].Levels = []string{"north", "south"}
	for i := range in.Groups[0].Code {
		in.Groups[0].Code[i] = int32(i % 2)
	}
	for k := range in.Backtest {
		in.Backtest[k].Label = in.Label[k*n/3 : (k+1)*n/3]
	}
	return in
}

// TestVerdictsOfHardTables is the table of what verdicts say about few rows, few
// bad rows, and scores that say nothing: a question that the rows cannot answer
// is never answered by "pass".
func TestVerdictsOfHardTables(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	byClass := []string{separationQuestion, simplerQuestion, levelQuestion, directionQuestion, trainingQuestion,
		missingQuestion, forwardQuestion}
	for _, rows := range []int{50, 100, 1000} {
		for _, bad := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("%d rows, %d bad", rows, bad), func(t *testing.T) {
				r, _, _ := render(t, few(rows, bad))
				for _, q := range byClass {
					if v := verdictOf(t, r, q); v.Light != document.CannotTell {
						t.Errorf("%s: %s (%s), want cannot tell", q, v.Light, v.Finding)
					}
				}
				if v := verdictOf(t, r, sizeQuestion); v.Light != document.Fail {
					t.Errorf("%s: %s, want fail", v.Question, v.Light)
				}
				if v := verdictOf(t, r, shiftQuestion); (v.Light == document.CannotTell) != (rows < leastForShift) {
					t.Errorf("%s: %s (%s) of %d rows", v.Question, v.Light, v.Finding, rows)
				}
			})
		}
	}
	for name, c := range map[string]struct {
		in   Input
		want map[string]document.Light
	}{
		"50 rows, 10 bad": {few(50, 10),
			map[string]document.Light{sizeQuestion: document.Fail, forwardQuestion: document.CannotTell,
				shiftQuestion: document.CannotTell, separationQuestion: document.CannotTell,
				levelQuestion: document.CannotTell}},
		// 34.5 % predicted
		"100 rows, 10 bad": {few(100, 10),
			map[string]document.Light{sizeQuestion: document.Fail, forwardQuestion: document.CannotTell,
				separationQuestion: document.CannotTell, levelQuestion: document.Fail}},
		"1,000 rows, 10 bad": {few(1000, 10),
			map[string]document.Light{sizeQuestion: document.Fail, forwardQuestion: document.CannotTell}},
		"all scores equal": {spoiled(400, func(in *Input) {
			fill(in.Margin, 0.3)
			fill(in.PD, 0.3)
			fill(in.RawPD, 0.3)
			for i := range in.Outcome {
				in.Outcome[i] = assay.Approve
			}
		}), map[string]document.Light{levelQuestion: document.CannotTell, separationQuestion: document.Fail}},
		"PD 0 and 1": {spoiled(400, func(in *Input) {
			copy(in.PD, in.Label)
			in.PD[0] = 1 - in.PD[0]
			in.Margin = nil
			in.Served = nil
		}), map[string]document.Light{levelQuestion: document.Fail, separationQuestion: document.Pass,
			parityQuestion: document.CannotTell}},
		"all groups tiny": {spoiled(400, func(in *Input) {
			g := Category{Name: "region"}
			for k := range 40 {
				g.Levels = append(g.Levels, fmt.Sprint("g", k))
			}
			for i := range in.Label {
				g.Code = append(g.Code, int32(i%40))
			}
			in.Groups = []Category{g}
		}), map[string]document.Light{groupsQuestion: document.CannotTell}},
		"a group of which nobody is approved": {spoiled(400, func(in *Input) {
			for i := range in.Groups[0].Code {
				in.Groups[0].Code[i], in.Outcome[i] = 0, assay.Approve
				if i < 77 {
					in.Groups[0].Code[i], in.Outcome[i] = 1, assay.Decline
				}
			}
		}), map[string]document.Light{groupsQuestion: document.Fail}},
		"half of unknown group": {spoiled(400, func(in *Input) {
			for i := range in.Groups[0].Code {
				in.Outcome[i] = assay.Approve
				if in.Groups[0].Code[i] = int32(i % 2); i%4 > 1 {
					in.Groups[0].Code[i] = -1
				}
			}
		}), map[string]document.Light{groupsQuestion: document.CannotTell}},
		"amounts of 1e18": {spoiled(400, func(in *Input) {
			for i := range in.Features[0].Values {
				in.Features[0].Values[i] = 1e18 * (2 + in.Features[0].Values[i])
			}
		}), map[string]document.Light{leakQuestion: document.Pass}},
		"a field that knows the outcome": {spoiled(400, func(in *Input) {
			copy(in.Features[2].Values, in.Label)
		}), map[string]document.Light{leakQuestion: document.Fail}},
		"a category that knows the outcome": {spoiled(400, func(in *Input) {
			copy(in.Features[3].Values, in.Label)
		}), map[string]document.Light{leakQuestion: document.Fail}},
		"no training rows": {spoiled(400, func(in *Input) {
			in.Train = nil
		}), map[string]document.Light{trainingQuestion: document.CannotTell}},
		"no out-of-fold scores": {spoiled(400, func(in *Input) { in.Train.OutOfFold, in.Train.OutOfFoldPD = nil, nil }),
			map[string]document.Light{trainingQuestion: document.CannotTell, shiftQuestion: document.CannotTell}},
		"rows that trained": {spoiled(60, func(in *Input) {
			in.Seen = 1
		}), map[string]document.Light{trainingQuestion: document.Fail}},
	} {
		t.Run(name, func(t *testing.T) {
			r, html, _ := render(t, c.in)
			for q, want := range c.want {
				v := verdictOf(t, r, q)
				if v.Light != want {
					t.Errorf("%s: %s (%s), want %s", q, v.Light, v.Finding, want)
				}
				if strings.HasPrefix(name, "a field that") && !strings.Contains(v.Finding+strings.Join(r.Headline, " "),
					"x2 gives the outcome away") {
					t.Errorf("the field is not named: %s", v.Finding)
				}
			}
			for _, v := range r.Verdicts {
				if v.Light == document.Pass && !v.Grounds.Enough() {
					t.Errorf("%s passes on %s", v.Question, v.Grounds)
				}
				if !strings.Contains(html, "takes ") {
					t.Error("the page does not say what verdicts take")
				}
			}
		})
	}
}

func spoiled(n int, spoil func(in *Input)) Input {
	in := full(n, 5)
	in.Train.OutOfFold, in.Train.OutOfFoldPD = in.Train.Margin, in.Train.PD
	in.Groups[0].Levels = []string{"north", "south"}
	for i := range in.Groups[0].Code {
		in.Groups[0].Code[i] = int32(i % 2)
	}
	spoil(&in)
	return in
}

// TestTwoBadRowsDoNotPass: an AUC of .985 from 2 of 402 rows proves nothing.
func TestTwoBadRowsDoNotPass(t *testing.T) {
	in := Input{Label: make([]float64, 402), PD: make([]float64, 402)}
	for i := range in.PD {
		in.PD[i] = float64(i) / 402
	}
	in.Label[399], in.Label[392] = 1, 1
	r, _, _ := render(t, in)
	if v := verdictOf(t, r, separationQuestion); v.Light != document.CannotTell || float64(r.AUC) < 0.98 {
		t.Errorf("AUC %v: %s (%s)", r.AUC, v.Light, v.Finding)
	}
}

// TestNoiseIsNoLeak: the information value of an idle variable on 50 rows is
// about what chance gives, and is not called a leak.
func TestNoiseIsNoLeak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second: twenty reports on noise")
	}
	sum, chance, fails := 0.0, 0.0, 0
	for seed := range uint64(20) {
		label, pd := labelled(50, seed+40)
		r := eval.Random(seed)
		x := make([]float64, 50)
		for i := range x {
			x[i] = r.Normal()
		}
		rep, _, _ := render(t,
			Input{Label: label, PD: pd, Resamples: 20, Features: []Feature{{Name: "noise", Values: x}}})
		row := blockTable(t, rep, "variables", "Variables by information value").Rows[0]
		sum, chance = sum+float64(row[1].Number())/20, chance+float64(row[10].Number())/20
		if verdictOf(t, rep, leakQuestion).Light == document.Fail {
			fails++
		}
	}
	if math.Abs(sum-chance) > 0.5*chance || fails > 0 {
		t.Errorf("mean IV %.3f, chance %.3f; called a leak %d times", sum, chance, fails)
	}
}

// TestWorstFindingCounts: fail, then cannot tell, then look, then pass.
func TestWorstFindingCounts(t *testing.T) {
	order := []document.Light{document.Pass, document.Look, document.CannotTell, document.Fail}
	for i, a := range order {
		for j, b := range order {
			if a.WorseThan(b) != (i > j) {
				t.Errorf("%s worse than %s: %t", a, b, a.WorseThan(b))
			}
		}
	}
	for _, c := range []struct {
		value, low, high float64
		want             document.Light
	}{
		{0.01, -0.01, 0.03, document.Pass}, {0.02, -0.05, 0.09, document.CannotTell}, {0.05, 0.04, 0.06, document.Look},
		{0.05, -0.1, 0.2, document.CannotTell},
		{0.1, 0.04, 0.16, document.Fail}, {0.1, 0.02, 0.18, document.CannotTell},
		{math.NaN(), 0, 1, document.CannotTell},
		{0.01, math.NaN(), 1, document.CannotTell},
	} {
		e := eval.Estimate{Value: numfmt.Number(c.value), Low: numfmt.Number(c.low), High: numfmt.Number(c.high)}
		if got := judgeInterval(e, 0.03, 0.08); got != c.want {
			t.Errorf("%v from %v to %v: %s, want %s", c.value, c.low, c.high, got, c.want)
		}
	}
}

// TestRankingsThatDifferAreSaidFirst: PDs that do not follow the scores, or are
// all alike, are among the first lines of the page.
func TestRankingsThatDifferAreSaidFirst(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(in *Input)
		says  string
	}{
		"alike":    {func(*Input) {}, ""},
		"turned":   {func(in *Input) { in.PD[0], in.PD[1] = in.PD[1], in.PD[0] }, "rank rows differently"},
		"one PD":   {func(in *Input) { fill(in.PD, 0.05) }, "Every row has the same PD, 5.0 %"},
		"isotonic": {func(in *Input) { in.PD = steps(in.PD) }, ""},
	} {
		in := full(200, 8)
		c.spoil(&in)
		r, _, _ := render(t, in)
		all := strings.Join(r.Headline, " ")
		if said := strings.Contains(all, "rank rows differently") ||
			strings.Contains(all, "Every row has the same PD"); said != (c.says != "") ||
			!strings.Contains(all, c.says) {
			t.Errorf("%s: %q, want %q", name, all, c.says)
		}
	}
}

// steps rounds PDs as an isotonic calibration does.
func steps(pd []float64) []float64 {
	out := make([]float64, len(pd))
	for i, p := range pd {
		out[i] = math.Round(5*p) / 5
	}
	return out
}
