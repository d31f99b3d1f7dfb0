// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Hardening is a second model, trained with noise added to its inputs.
type Hardening struct {
	Note  string // how it was trained, in a sentence
	Score func(x []float64) float64
}

// hardeningTable sets the two models side by side on the same disturbed rows.
func (st *stressed) hardeningTable(h *Hardening, note string) Table {
	t := Table{Title: "Effect of training with noise", Caption: "Both models on the same rows under the same noise (" +
		note + fmt.Sprintf(", mean of %d draws", draws) + "). What noise in training costs on clean rows is the " +
		"first line; what it buys stands below.",
		Columns: []Column{{Name: "Inputs"}, {Name: "AUC of the model", Format: numfmt.Fixed4},
			{Name: "Trained with noise", Format: numfmt.Fixed4}, {Name: "Difference", Format: numfmt.Signed3}}}
	line := func(name string, model, hardened float64) {
		t.Rows = append(t.Rows, []Cell{T(name), V(model), V(hardened), V(hardened - model)})
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
		worst[0], worst[1] = math.Min(worst[0], st.under(st.score, gone).auc),
			math.Min(worst[1], st.under(h.Score, gone).auc)
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
		r := stream(st.seed, 1000+k*draws+d)
		sum += st.under(score, func(x []float64, _ int) {
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
