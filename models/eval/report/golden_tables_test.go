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

// TestGoldenTables builds a report and reads its tables: every figure is what
// numpy, pandas, scipy, scikit-learn or statsmodels has, to 1e-9.
func TestGoldenTables(t *testing.T) {
	b, err := os.ReadFile("testdata/golden_tables.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenTables
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	x, train := missing(g.X), missing(g.Train)
	kind := make([]float64, len(g.Kind))
	in := Input{
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
	r, _, _ := render(t, in)
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
			t.Errorf("%s = %.15g, want %.15g", what, got, want)
		}
	}
	// figures reads columns of a table, from the first given on.
	figures := func(section, title string, first int, want [][]float64, columns ...int) {
		t.Helper()
		table := blockTable(t, r, section, title)
		if len(table.Rows) < first+len(want) {
			t.Fatalf("%s has %d lines", title, len(table.Rows))
		}
		for i, w := range want {
			for k, c := range columns {
				near(fmt.Sprintf("%s, line %d, %s", title, i+1, table.Columns[c].Name),
					float64(table.Rows[first+i][c].Number()), w[k])
			}
		}
	}
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
			near("good rows of "+row[1].Text(), float64(row[2].Number()), float64(b.Good))
			near("bad rows of "+row[1].Text(), float64(row[3].Number()), float64(b.Bad))
			near("WOE of "+row[1].Text(), float64(row[5].Number()), b.WOE)
		}
	}
	variables := blockTable(t, r, "variables", "Variables by information value")
	iv, alone, psi := columnOf(variables, 1), columnOf(variables, 2), columnOf(variables, 5)
	near("IV of x", iv["x"], w.IVX)
	near("IV of kind", iv["kind"], w.IVKind)
	near("AUC of x alone", alone["x"], w.AUCX)
	near("PSI of x", psi["x"], w.PSIX)
	quality := blockTable(t, r, "sample", "Data quality by variable")
	near("missing", columnOf(quality, 2)["x"], w.Missing)
	near("missing in training", columnOf(quality, 3)["x"], w.Trained)
	near("far values", columnOf(quality, 8)["x"], w.FarX)
	near("robust standard deviation", eval.Spread(x, nil), w.SpreadX)

	figures("strategy", "Gains by tenth", 0, w.Gains, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	figures("strategy", "Strategy table", 0, w.Strategy, 0, 1, 2, 3, 4, 5)
	figures("strategy", "Swap set against rival", 0, w.Swap, 0, 1, 2, 3, 4, 5, 6)
	figures("stability", "By month of decision", 0, w.Months, 1, 2, 3, 4, 5, 8, 9)
	figures("calibration", "Grades", 0, w.Grades, 1, 2, 3, 7)
	figures("rejects", "Sensitivity to the declined", 1, w.Rejects, 1, 2, 3, 4)
	for k, f := range eval.CatchShares {
		m, _ := r.Metric(fmt.Sprintf("tpr_at_fpr_%.2f", f))
		near(fmt.Sprintf("TPR at an FPR of %v", f), float64(m.Value), w.TPR[k])
	}
	uncertainty, _ := r.Metric("brier_uncertainty")
	near("uncertainty", float64(uncertainty.Value), w.Uncertainty)

	fair := blockTable(t, r, "fairness", "Approval by group")
	for k, want := range w.Fairness {
		row := fair.Rows[k]
		for c, v := range map[int]float64{1: float64(want.Rows), 2: want.Approved, 6: want.GoodApproved, 10: want.PD,
			11: want.Bad, 12: want.AUC} {
			near(fmt.Sprintf("group %d, %s", k, fair.Columns[c].Name), float64(row[c].Number()), v)
		}
		if k == w.Reference {
			continue
		}
		ref := w.Fairness[w.Reference]
		near("impact ratio", float64(row[3].Number()), want.Approved/ref.Approved)
		near("impact ratio from", float64(row[4].Number()), want.Ratio[0])
		near("impact ratio to", float64(row[5].Number()), want.Ratio[1])
		near("opportunity difference", float64(row[7].Number()), want.GoodApproved-ref.GoodApproved)
		near("opportunity difference from", float64(row[8].Number()), want.Difference[0])
		near("opportunity difference to", float64(row[9].Number()), want.Difference[1])
	}

	// The area under the plotted curves is the statistic.
	c := eval.CurveOf(g.Label, g.PD, nil)
	fpr, tpr := c.Points(0)
	near("area under the plotted ROC curve", trapezoid(fpr, tpr), w.Area)
	p, share := c.BadRate(), make([]float64, len(fpr))
	for i := range fpr {
		share[i] = p*tpr[i] + (1-p)*fpr[i]
	}
	near("Gini of the plotted CAP curve", (trapezoid(share, tpr)-0.5)/(1-p/2-0.5), w.CAP)
	near("Gini", c.Gini(), w.CAP)
}

func trapezoid(x, y []float64) (area float64) {
	for i := 1; i < len(x); i++ {
		area += (x[i] - x[i-1]) * (y[i] + y[i-1]) / 2
	}
	return area
}
