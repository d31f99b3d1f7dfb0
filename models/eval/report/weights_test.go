// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// weightedCopies is an input whose rows weigh 1, 2 or 3, and the same with each
// row written out as often as it weighs.
func weightedCopies(n int, seed uint64) (weighted, copies Input) {
	weighted = tied(n, seed)
	weighted.Weight = make([]float64, n)
	tr := *weighted.Train
	tr.PD = make([]float64, len(tr.Margin))
	for i, m := range tr.Margin { // no bin is empty on one side: half a row of weight 2 is not half a row
		tr.PD[i] = 1 / (1 + math.Exp(-math.Round(m)))
	}
	tr.OutOfFoldPD = tr.PD
	weighted.Train = &tr
	var rows []int32
	for i := range n {
		weighted.Weight[i] = float64(1 + (i*7)%3)
		for range int(weighted.Weight[i]) {
			rows = append(rows, int32(i))
		}
	}
	copies = permuted(weighted, rows)
	copies.Weight = nil
	return weighted, copies
}

// TestWeightsAreCopies: a row of weight 3 counts as three rows, in every table of
// values. What depends on how many rows there are, an interval or a test, does not.
func TestWeightsAreCopies(t *testing.T) {
	weighted, copies := weightedCopies(300, 12) // weights sum to 600: tenths part no row otherwise
	a, _, _ := render(t, weighted)
	b, _, _ := render(t, copies)
	near := func(what string, x, y float64) {
		t.Helper()
		if !(math.Abs(x-y) <= 1e-9*math.Max(1, math.Abs(y))) && !(math.IsNaN(x) && math.IsNaN(y)) {
			t.Errorf("%s: %v with weights, %v with copies", what, x, y)
		}
	}
	for _, m := range a.Metrics {
		switch m.Name {
		case "hosmer_lemeshow", "hosmer_lemeshow_p", "spiegelhalter_z", "spiegelhalter_p",
			"training_outcomes_known_later":
			continue // tests count rows
		}
		other, _ := b.Metric(m.Name)
		near(m.Name, float64(m.Value), float64(other.Value))
	}
	compared := eachFigure(t, a, b, func(table *document.Table, row []document.Cell, column string, x, y float64) {
		switch {
		case onlyRows(table.Title), math.IsNaN(x), table.Title == "All bins" && row[0].Text() == "x1":
			return // fewer rows than an AUC takes; tenths of values some of which are missing
		case column == "PSI", column == "Weight of evidence" && (row[2].Number() == 0 || row[3].Number() == 0):
			return // half a row is added where there is none
		}
		near(table.Title+", "+row[0].Text()+", "+column, x, y)
	})
	for _, title := range []string{"Gains by tenth", "Strategy table", "All bins", "Bad rate by region",
		"Approval by region", "By month of decision", "Models on the same rows", "Grades", "Decisions",
		"Sensitivity to the declined", "Strategy before and after", "Swap set of the policies",
		"Score against training"} {
		if compared[title] == 0 {
			t.Errorf("%s was not compared", title)
		}
	}
}

// eachFigure calls compare with every number of two reports' tables that does not
// go by how many rows there are, and is not drawn; it returns how many of each
// table there were.
func eachFigure(t *testing.T, a, b *document.Report,
	compare func(table *document.Table, row []document.Cell, column string, x, y float64)) map[string]int {
	t.Helper()
	count := map[string]int{}
	for k, s := range a.Sections {
		tables := map[string]*document.Table{}
		for _, block := range b.Sections[k].Blocks {
			if block.Table != nil {
				tables[block.Table.Title] = block.Table
			}
		}
		for _, block := range s.Blocks {
			u := block.Table
			if u == nil || u.Title == "Weights" {
				continue
			}
			v := tables[u.Title]
			if v == nil || len(v.Rows) != len(u.Rows) {
				t.Errorf("%s: other lines", u.Title)
				continue
			}
			for i, row := range u.Rows {
				for j, cell := range row {
					if name := u.Columns[j].Name; cell.Numeric() && !ofRows(name, row[0].Text()) {
						compare(u, row, name, float64(cell.Number()), float64(v.Rows[i][j].Number()))
						count[u.Title]++
					}
				}
			}
		}
	}
	return count
}

// ofRows reports whether a column, or a line, is an interval, a chance level, a
// test, or drawn.
func ofRows(column, line string) bool {
	for _, word := range []string{"95 %", "hance", "noise", "huffle", "Spread", "bias"} {
		if strings.Contains(column, word) {
			return true
		}
	}
	return column == "to" || column == "p" || strings.HasPrefix(line, "· 95 %") || line == "· to" ||
		line == "· p-value" || strings.HasPrefix(line, "Hosmer") || strings.HasPrefix(line, "Spiegelhalter")
}

// onlyRows are tables about rows as they are, or drawn at random.
func onlyRows(title string) bool {
	switch title {
	case "Weights", "Data quality by variable", "Ten worked decisions", "Reason codes", "Evasion", "Wrong labels",
		"Offline against served scores", "Calibration methods",
		"Effect of training with noise", "Correlated groups", "Noise and loss, field by field", "Absurd values",
		"Calibration", "Importance by several measures", "Variables by information value":
		return true
	}
	return false
}

// TestWeightsOfOneValueChangeNothing: rows that all weigh 2.5 have the figures,
// intervals and lights of rows without weights; counts are 2.5 times theirs.
func TestWeightsOfOneValueChangeNothing(t *testing.T) {
	in := tied(300, 13)
	a, _, _ := render(t, in)
	in.Weight = make([]float64, 300)
	fill(in.Weight, 2.5)
	tr := *in.Train
	tr.Weight = make([]float64, len(tr.Label))
	fill(tr.Weight, 0.25)
	in.Train = &tr
	b, _, _ := render(t, in)
	for k, m := range a.Metrics {
		o := b.Metrics[k]
		robust := strings.HasPrefix(m.Name, "calibration_") // errors that weights make robust
		for what, v := range map[string][2]numfmt.Number{"value": {m.Value, o.Value}, "low": {m.Low, o.Low},
			"high": {m.High, o.High}} {
			if x, y := float64(v[0]), float64(v[1]); math.Abs(x-y) > 1e-9*math.Max(1, math.Abs(x)) &&
				!(robust && what != "value") {
				t.Errorf("%s: %s %v without weights, %v with equal ones", m.Name, what, x, y)
			}
		}
	}
	for k, v := range a.Verdicts {
		if w := b.Verdicts[k]; w.Light != v.Light && v.Question != levelQuestion || w.Grounds.Rows != v.Grounds.Rows ||
			w.Grounds.Bad != v.Grounds.Bad {
			t.Errorf("%s: %s on %+v, with equal weights %s on %+v", v.Question, v.Light, v.Grounds, w.Light, w.Grounds)
		}
	}
	u, v := blockTable(t, a, "strategy", "Gains by tenth"), blockTable(t, b, "strategy", "Gains by tenth")
	for i, row := range u.Rows {
		if x, y := float64(row[1].Number()), float64(v.Rows[i][1].Number()); math.Abs(2.5*x-y) > 1e-9 {
			t.Errorf("tenth %d: %v rows, by weight %v", i+1, x, y)
		}
	}
}

// TestOneHeavyRowIsNoSample: a hundred bad rows of which one outweighs the rest
// say as much as one, and no verdict passes on them.
func TestOneHeavyRowIsNoSample(t *testing.T) {
	label, pd := labelled(400, 3)
	weight := make([]float64, 400)
	fill(weight, 1)
	for i, y := range label {
		if y == 1 {
			weight[i] = 1e6
			break
		}
	}
	r, _, _ := render(t, Input{Label: label, PD: pd, Weight: weight})
	for _, v := range r.Verdicts {
		if v.Light == document.Pass {
			t.Errorf("%s passes: %s", v.Question, v.Finding)
		}
	}
	if v := r.Verdicts[0]; v.Question != sizeQuestion || v.Light != document.Fail || v.Grounds.Bad != 1 {
		t.Errorf("%+v", v)
	}
}

// TestWrongWeights: the error names the row.
func TestWrongWeights(t *testing.T) {
	for name, v := range map[string]float64{"zero": 0, "negative": -1, "missing": math.NaN(), "infinite": math.Inf(1)} {
		in := full(60, 1)
		in.Weight = make([]float64, 60)
		fill(in.Weight, 1)
		in.Weight[7] = v
		if _, err := Build(t.Context(), in); !errors.Is(err, eval.ErrInput) || !strings.Contains(err.Error(), "row 7") {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := full(60, 1)
	in.Weight = []float64{1}
	if _, err := Build(t.Context(), in); !errors.Is(err, eval.ErrInput) {
		t.Errorf("one weight of 60 rows: %v", err)
	}
}
