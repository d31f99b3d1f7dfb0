// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// disturb adds noise of level standard deviations to a number, or replaces a
// category by that of another row with probability level. A whole number stays
// whole, and a missing value missing.
func disturb(r *eval.Random, v, level, sd float64, category bool, other func(r *eval.Random) float64) float64 {
	switch {
	case math.IsNaN(v):
		return v
	case category:
		if o := other(r); r.Unit() < level && !math.IsNaN(o) {
			return o
		}
		return v
	}
	noisy := v + float64(level*sd*r.Normal())
	if v == math.Trunc(v) {
		return math.Round(noisy)
	}
	return noisy
}

// Noise returns copies of columns, disturbed as the stress tests disturb rows. A
// model trained on them depends less on exact values. Columns are
// laid out as the features; the result depends on its arguments alone.
func Noise(columns [][]float64, features []Feature, level float64, seed uint64) [][]float64 {
	out := make([][]float64, len(columns))
	for j, x := range columns {
		r := eval.Stream(seed, j)
		category := features[j].Categories != nil
		sd := eval.Spread(x, features[j].Categories)
		out[j] = make([]float64, len(x))
		for i, v := range x {
			out[j][i] = disturb(&r, v, level, sd, category, func(r *eval.Random) float64 { return x[r.Below(len(x))] })
		}
	}
	return out
}

// Hardening is a second model, trained with noise added to its inputs.
type Hardening struct {
	Note  string // how it was trained, in a sentence
	Score func(x []float64) float64
}

// hardeningTable compares the two models on the same disturbed rows.
func (st *stressed) hardeningTable(h *Hardening, note string) document.Table {
	t := document.Table{Title: "Effect of training with noise",
		Caption: "Both models on the same rows under the same noise (" +
			note + fmt.Sprintf(", mean of %d draws", draws) + "). The first line shows what training with noise " +
			"costs on clean rows, the lines below what it gains on noisy ones.",
		Columns: []document.Column{{Name: "Inputs"}, {Name: "AUC of the model", Format: numfmt.Fixed4},
			{Name: "Trained with noise", Format: numfmt.Fixed4}, {Name: "Difference", Format: numfmt.Signed3}}}
	line := func(name string, model, hardened float64) {
		t.Rows = append(t.Rows, []document.Cell{text(name), number(model), number(hardened), number(hardened - model)})
	}
	for _, l := range []struct {
		name  string
		level float64
	}{{"as they are", 0}, {"noise of 0.1 standard deviations on all fields", 0.1}, {"noise of 0.3", 0.3},
		{"noise of 0.5", 0.5}} {
		line(l.name, st.noisy(st.score, l.level), st.noisy(h.Score, l.level))
	}
	worst := [2]float64{math.Inf(1), math.Inf(1)}
	for j := range st.features {
		gone := func(x []float64, _ int) { x[j] = math.NaN() }
		worst[0], worst[1] = math.Min(worst[0], st.rescore(st.score, gone).auc),
			math.Min(worst[1], st.rescore(h.Score, gone).auc)
	}
	line("one field missing, the worst for each model", worst[0], worst[1])
	return t
}

// noisy is the mean AUC over draws of noise of a level on all fields. The same
// level, in hundredths, gives every model and every table the same noise.
func (st *stressed) noisy(score func([]float64) float64, level float64) float64 {
	k := int(math.Round(100 * level))
	sum := 0.0
	for d := range draws {
		r := eval.Stream(st.seed, 1000+k*draws+d)
		sum += st.rescore(score, func(x []float64, _ int) {
			for j := range x {
				st.jitter(&r, x, j, level)
			}
		}).auc
		if level == 0 {
			return sum // nothing is drawn
		}
	}
	return sum / draws
}

// noiseFigure raises noise on all fields at once.
func (st *stressed) noiseFigure(h *Hardening, note string) chart.Figure {
	levels := []float64{0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1}
	f := chart.Figure{ID: "noise", Title: "Noise on all fields at once",
		X: chart.Axis{Label: "noise, standard deviations (numbers) or share replaced (categories)", Min: 0, Max: 1},
		Y: chart.Axis{Label: "AUC"},
		Caption: fmt.Sprintf("The slower the line falls, the less the ranking depends on exact values (%s, mean of "+
			"%d draws of the noise).", note, draws), Alt: "AUC against the level of noise added to every field."}
	run := func(name string, score func([]float64) float64) {
		s := chart.Series{Name: name, Mark: chart.Line, X: numfmt.Numbers(levels)}
		for _, level := range levels {
			s.Y = append(s.Y, numfmt.Number(st.noisy(score, level)))
		}
		f.Series = append(f.Series, s)
	}
	run("the model", st.score)
	if h != nil {
		run("trained with noise", h.Score)
	}
	return f
}
