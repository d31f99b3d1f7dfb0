// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

type goldenTables struct {
	Label, PD, Amount, Rival, Declined []float64
	X, Train                           []*float64 // null = missing
	Kind, Group, Month, Grade          []int32
	Want                               struct {
		WOEX    []goldenBin `json:"woe_x"`
		WOEKind []goldenBin `json:"woe_kind"`
		IVX     float64     `json:"iv_x"`
		IVKind  float64     `json:"iv_kind"`
		AUCX    float64     `json:"auc_x"`
		PSIX    float64     `json:"psi_x"`
		FarX    float64     `json:"far_x"`
		Missing float64     `json:"missing_x"`
		Trained float64     `json:"missing_train"`
		SpreadX float64     `json:"spread_x"`

		Gains, Strategy, Swap, Months, Grades, Rejects [][]float64
		TPR                                            []float64
		Area                                           float64 `json:"roc_area"`
		CAP                                            float64 `json:"cap_gini"`
		Uncertainty                                    float64
		Reference                                      int
		Fairness                                       []struct {
			Rows              int
			Approved          float64
			GoodApproved      float64 `json:"good_approved"`
			PD, Bad, AUC      float64
			Ratio, Difference []float64
		}
	}
}

type goldenBin struct {
	Good, Bad int
	WOE       float64
}

// missing turns null into NaN.
func missing(x []*float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

// goldenInput reads the file that golden_tables.py made, and makes an input of it.
func goldenInput(t *testing.T) (g goldenTables, in Input) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_tables.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	x, train := missing(g.X), missing(g.Train)
	kind := make([]float64, len(g.Kind))
	in = Input{
		Label: g.Label, PD: g.PD, Economics: &Economics{Unit: "EUR", Profit: 0.1, Loss: 0.6, Amount: g.Amount},
		Resamples: 20,
		Features: []Feature{{Name: "x", Values: x, Train: train},
			{Name: "kind", Categories: []string{"a", "b", "c", "d"}, Values: kind}},
		Groups:   []Category{{Name: "group", Levels: []string{"g0", "g1"}, Code: g.Group}},
		Grades:   &Category{Name: "grade", Levels: []string{"A", "B", "C"}, Code: g.Grade},
		Champion: &Challenger{Name: "rival", Score: g.Rival}, Declined: &Declined{PD: g.Declined},
	}
	for i, k := range g.Kind {
		kind[i] = float64(k)
	}
	for _, m := range g.Month {
		in.Time = append(in.Time, time.Date(2025, time.Month(m+1), 10, 0, 0, 0, 0, time.UTC))
	}
	return g, in
}

// TestGoldenTables builds a report and reads its tables: every figure is what
// numpy, pandas, scipy, scikit-learn or statsmodels has, to 1e-9.
func TestGoldenTables(t *testing.T) {
	g, in := goldenInput(t)
	r, _, _ := render(t, in)
	g.checkVariables(t, r, in.Features[0].Values)
	g.checkRows(t, r)
	g.checkFairness(t, r)
	g.checkCurves(t)
}

func nearFigure(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

// figures compares columns of a table, from the row first on.
func figures(t *testing.T, r *document.Report, section, title string, first int, want [][]float64, columns ...int) {
	t.Helper()
	table := blockTable(t, r, section, title)
	if len(table.Rows) < first+len(want) {
		t.Fatalf("%s has %d lines", title, len(table.Rows))
	}
	for i, w := range want {
		for k, c := range columns {
			nearFigure(t, fmt.Sprintf("%s, line %d, %s", title, i+1, table.Columns[c].Name),
				float64(table.Rows[first+i][c].Number()), w[k])
		}
	}
}

// checkVariables compares bins, information values and the quality of the data; x
// are the values of the first variable.
func (g *goldenTables) checkVariables(t *testing.T, r *document.Report, x []float64) {
	t.Helper()
	w := &g.Want
	bins := blockTable(t, r, "variables", "All bins")
	at := 0
	if bins.Rows[0][0].Text() != "x" { // the variable of the higher information value comes first
		at = len(w.WOEKind)
	}
	for _, v := range []struct {
		first int
		want  []goldenBin
	}{{at, w.WOEX}, {(at + len(w.WOEX)) % len(bins.Rows), w.WOEKind}} {
		for k, b := range v.want {
			row := bins.Rows[v.first+k]
			nearFigure(t, "good rows of "+row[1].Text(), float64(row[2].Number()), float64(b.Good))
			nearFigure(t, "bad rows of "+row[1].Text(), float64(row[3].Number()), float64(b.Bad))
			nearFigure(t, "WOE of "+row[1].Text(), float64(row[5].Number()), b.WOE)
		}
	}
	variables := blockTable(t, r, "variables", "Variables by information value")
	iv, alone, psi := columnOf(variables, 1), columnOf(variables, 2), columnOf(variables, 5)
	nearFigure(t, "IV of x", iv["x"], w.IVX)
	nearFigure(t, "IV of kind", iv["kind"], w.IVKind)
	nearFigure(t, "AUC of x alone", alone["x"], w.AUCX)
	nearFigure(t, "PSI of x", psi["x"], w.PSIX)
	quality := blockTable(t, r, "sample", "Data quality by variable")
	nearFigure(t, "missing", columnOf(quality, 2)["x"], w.Missing)
	nearFigure(t, "missing in training", columnOf(quality, 3)["x"], w.Trained)
	nearFigure(t, "far values", columnOf(quality, 8)["x"], w.FarX)
	nearFigure(t, "robust standard deviation", eval.Spread(x, nil), w.SpreadX)
}

// checkRows compares the tables whose rows the peers made as a whole.
func (g *goldenTables) checkRows(t *testing.T, r *document.Report) {
	t.Helper()
	figures(t, r, "strategy", "Gains by tenth", 0, g.Want.Gains, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	figures(t, r, "strategy", "Strategy table", 0, g.Want.Strategy, 0, 1, 2, 3, 4, 5)
	figures(t, r, "strategy", "Swap set against rival", 0, g.Want.Swap, 0, 1, 2, 3, 4, 5, 6)
	figures(t, r, "stability", "By month of decision", 0, g.Want.Months, 1, 2, 3, 4, 5, 8, 9)
	figures(t, r, "calibration", "Grades", 0, g.Want.Grades, 1, 2, 3, 7)
	figures(t, r, "rejects", "Sensitivity to the declined", 1, g.Want.Rejects, 1, 2, 3, 4)
	for k, f := range eval.CatchShares {
		m, _ := r.Metric(fmt.Sprintf("tpr_at_fpr_%.2f", f))
		nearFigure(t, fmt.Sprintf("TPR at an FPR of %v", f), float64(m.Value), g.Want.TPR[k])
	}
	uncertainty, _ := r.Metric("brier_uncertainty")
	nearFigure(t, "uncertainty", float64(uncertainty.Value), g.Want.Uncertainty)
}

func (g *goldenTables) checkFairness(t *testing.T, r *document.Report) {
	t.Helper()
	w := &g.Want
	fair := blockTable(t, r, "fairness", "Approval by group")
	for k, want := range w.Fairness {
		row := fair.Rows[k]
		for c, v := range map[int]float64{1: float64(want.Rows), 2: want.Approved, 6: want.GoodApproved, 10: want.PD,
			11: want.Bad, 12: want.AUC} {
			nearFigure(t, fmt.Sprintf("group %d, %s", k, fair.Columns[c].Name), float64(row[c].Number()), v)
		}
		if k == w.Reference {
			continue
		}
		ref := w.Fairness[w.Reference]
		nearFigure(t, "impact ratio", float64(row[3].Number()), want.Approved/ref.Approved)
		nearFigure(t, "impact ratio from", float64(row[4].Number()), want.Ratio[0])
		nearFigure(t, "impact ratio to", float64(row[5].Number()), want.Ratio[1])
		nearFigure(t, "opportunity difference", float64(row[7].Number()), want.GoodApproved-ref.GoodApproved)
		nearFigure(t, "opportunity difference from", float64(row[8].Number()), want.Difference[0])
		nearFigure(t, "opportunity difference to", float64(row[9].Number()), want.Difference[1])
	}
}

// checkCurves compares the area under the plotted curves with the statistic.
func (g *goldenTables) checkCurves(t *testing.T) {
	t.Helper()
	w := &g.Want
	c := eval.CurveOf(g.Label, g.PD, nil)
	fpr, tpr := c.Points(0)
	nearFigure(t, "area under the plotted ROC curve", trapezoid(fpr, tpr), w.Area)
	p, share := c.BadRate(), make([]float64, len(fpr))
	for i := range fpr {
		share[i] = p*tpr[i] + (1-p)*fpr[i]
	}
	nearFigure(t, "Gini of the plotted CAP curve", (trapezoid(share, tpr)-0.5)/(1-p/2-0.5), w.CAP)
	nearFigure(t, "Gini", c.Gini(), w.CAP)
}

func trapezoid(x, y []float64) (area float64) {
	for i := 1; i < len(x); i++ {
		area += (x[i] - x[i-1]) * (y[i] + y[i-1]) / 2
	}
	return area
}
