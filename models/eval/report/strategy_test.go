// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// blockTable returns the table of a section by its title.
func blockTable(t *testing.T, r *document.Report, section, title string) *document.Table {
	t.Helper()
	for _, s := range r.Sections {
		if s.ID != section {
			continue
		}
		for _, b := range s.Blocks {
			if b.Table != nil && b.Table.Title == title {
				return b.Table
			}
		}
	}
	t.Fatalf("section %s has no table %q", section, title)
	return nil
}

// columnOf returns the numbers of one column by the text in the first.
func columnOf(t *document.Table, k int) map[string]float64 {
	out := map[string]float64{}
	for _, r := range t.Rows {
		out[r[0].Text()] = float64(r[k].Number())
	}
	return out
}

// TestStrategiesByHand: six rows whose every figure can be worked on paper.
func TestStrategiesByHand(t *testing.T) {
	a, v, d := assay.Approve, assay.Review, assay.Decline
	in := Input{
		Label: []float64{0, 0, 1, 0, 1, 1},
		PD:    []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6},
		Before: &Strategy{Name: "old", Outcome: []assay.Outcome{a, a, a, a, v, d},
			Loss: []float64{10, 10, 20, 20, 40, 40}},
		After: &Strategy{Name: "new", Outcome: []assay.Outcome{a, a, v, a, d, d},
			Loss: []float64{10, 10, 20, 20, 40, 40}},
	}
	r, _, _ := render(t, in)
	table := blockTable(t, r, "strategy", "Strategy before and after")
	for _, want := range []struct {
		line   string
		values [4]float64 // before, after, before and after at three approvals
	}{
		{"Approved, rows", [4]float64{4, 3, 3, 3}},
		{"Approved, share of rows", [4]float64{4. / 6, 0.5, 0.5, 0.5}},
		{"Approved, turned bad", [4]float64{1, 0, 1, 0}},
		{"Bad rate, observed", [4]float64{0.25, 0, 1. / 3, 0}},
		{"Bad rate, expected", [4]float64{0.25, 0.7 / 3, 0.2, 0.7 / 3}},
		// 0.1 x 10 + 0.2 x 10 + 0.3 x 20 + 0.4 x 20 before; without the last at equal approval.
		{"Loss, expected, units of the exposure", [4]float64{17, 11, 9, 11}},
		{"Loss, realised, units of the exposure", [4]float64{20, 0, 20, 0}},
	} {
		for k, w := range want.values {
			if got := columnOf(table, k+1)[want.line]; math.Abs(got-w) > 1e-12 {
				t.Errorf("%s, column %d: %v, want %v", want.line, k+1, got, w)
			}
		}
	}
	swap := blockTable(t, r, "strategy", "Swap set of the policies")
	if rows, loss := columnOf(swap, 1), columnOf(swap, 8); rows["both"] != 3 || rows["only before (dropped)"] != 1 ||
		rows["only after (brought in)"] != 0 || rows["neither"] != 2 || loss["only before (dropped)"] != 20 {
		t.Errorf("swap set: rows %v, realised loss %v", rows, loss)
	}
	if moves := blockTable(t, r, "strategy", "Decisions before and after"); moves.Rows[0][1].Number() != 3 ||
		moves.Rows[0][3].Number() != 1 || moves.Rows[1][5].Number() != 1 || moves.Rows[2][5].Number() != 1 {
		t.Errorf("decisions before and after: %v", moves.Rows)
	}
}

func TestStrategiesAreChecked(t *testing.T) {
	for name, s := range map[string]*Strategy{
		"short":      {Outcome: []assay.Outcome{assay.Approve}},
		"undecided":  {Outcome: []assay.Outcome{assay.Approve, 0}},
		"no outcome": {Outcome: []assay.Outcome{assay.Approve, 9}},
		"loss":       {Outcome: []assay.Outcome{assay.Approve, assay.Approve}, Loss: []float64{1, math.NaN()}},
	} {
		in := Input{Label: []float64{0, 1}, PD: []float64{0.1, 0.2}, Before: s, After: s}
		if _, err := Build(context.Background(), in); !errors.Is(err, eval.ErrInput) ||
			!strings.Contains(err.Error(), "policy") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestBacktestPeriods(t *testing.T) {
	label, pd := labelled(300, 6)
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	in := Input{Label: label, PD: pd, Backtest: []Period{
		{From: day(1), To: day(2), Trained: 100, Label: slices.Repeat([]float64{0, 1, 0, 1}, 6),
			PD: slices.Repeat([]float64{0.1, 0.9, 0.2, 0.8}, 6)},
		{From: day(2), To: day(3), Trained: 200, Label: slices.Repeat([]float64{0, 1, 0, 1}, 6),
			PD: slices.Repeat([]float64{0.1, 0.9, 0.2, 0.15}, 6)},
		{From: day(3), To: day(4), Trained: 300, Label: []float64{0, 0}, PD: []float64{0.1, 0.9}},
		{From: day(4), To: day(5), Trained: 300},
	}}
	r, _, _ := render(t, in)
	table := blockTable(t, r, "stability", "Backtest forward in time")
	for k, want := range []float64{1, 0.75, math.NaN(), math.NaN()} {
		if got := float64(table.Rows[k][6].Number()); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("period %d: AUC %v, want %v", k+1, got, want)
		}
	}
	if m, _ := r.Metric("backtest_auc_mean"); float64(m.Value) != 0.875 {
		t.Errorf("mean AUC %v, want 0.875 over the periods that have one", m.Value)
	}
	in.Backtest[0].PD[0] = 2
	if _, err := Build(context.Background(), in); !errors.Is(err, eval.ErrInput) ||
		!strings.Contains(err.Error(), "backtest period 1") {
		t.Errorf("error %v", err)
	}
}

// TestEvasionByHand: the model refuses rows whose x is above 1, y is what the
// applicant states, and x is made of it.
func TestEvasionByHand(t *testing.T) {
	const n = 40
	in := Input{Label: make([]float64, n), PD: make([]float64, n), Economics: &Economics{Profit: 1, Loss: 1}}
	pd := func(x float64) float64 {
		if x > 1 {
			return 0.9
		}
		return 0.1
	}
	x, y := make([]float64, n), make([]float64, n)
	for i := range n {
		y[i] = float64(i % 4) // 0, 1, 2, 3: half are refused
		x[i] = y[i]
		in.Label[i], in.PD[i] = float64(i%2), pd(x[i])
	}
	in.Features = []Feature{{Name: "x", Values: x}}
	in.Score = func(x []float64) float64 { return pd(x[0]) }
	in.Fields = []Field{{Name: "fixed", Values: y}, {Name: "stated", Values: y, Movable: true}}
	in.Restate = func(_ context.Context, rows []int, trials []Trial) ([][]float64, error) {
		out := make([][]float64, len(rows))
		for r := range rows {
			for _, trial := range trials {
				if trial.Field != 1 {
					t.Error("a field was moved that is not declared movable")
				}
				out[r] = append(out[r], pd(trial.Value))
			}
		}
		return out, nil
	}
	r, _, _ := render(t, in)
	table := blockTable(t, r, "stress", "Evasion")
	if len(table.Rows) != 1 || table.Rows[0][0].Text() != "stated" {
		t.Fatalf("fields tried: %v", table.Rows)
	}
	row := table.Rows[0]
	sd := eval.Spread(y, nil)
	// From 2 and from 3 the nearest approved quantile of y is 1.
	if row[1].Number() != 1 || math.Abs(float64(row[3].Number())-1/sd) > 1e-12 ||
		math.Abs(float64(row[2].Number())-1.5/sd) > 1e-12 {
		t.Errorf("can %v, median move %v, smallest %v; want 1, %v, %v", row[1].Number(), row[2].Number(),
			row[3].Number(), 1.5/sd, 1/sd)
	}
	in.Restate = func(context.Context, []int, []Trial) ([][]float64, error) { return nil, context.DeadlineExceeded }
	if _, err := Build(context.Background(), in); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the one of Restate", err)
	}
}

// TestSimpleModelIsSaidFirst: a scorecard that ranks as well is in the first
// lines of the report.
func TestSimpleModelIsSaidFirst(t *testing.T) {
	in := full(600, 5)
	in.Challenger[0].Score = in.Margin
	r, html, _ := render(t, in)
	if len(r.Headline) < 2 || !strings.Contains(r.Headline[0], "simple rule") {
		t.Fatalf("headline %q", r.Headline)
	}
	if at, table := strings.Index(html, "simple rule is as good"), strings.Index(html, "Verdicts."); at < 0 ||
		at > table {
		t.Error("the page does not say first that the simple model is as good")
	}
}
