// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Usage is how the trees of a model use one feature.
type Usage struct {
	Splits int     // number of splits on it
	Gain   float64 // sum of what they gained in training; 0 where the model does not say
}

// importanceTable puts the measures of importance that are known side by side,
// the most important by contribution first. explained[j] is the mean size of the
// contribution of feature j.
func importanceTable(features []Feature, explained []float64, shuffled []shuffle, usage []Usage,
	order []int, note string) document.Table {
	t := document.Table{Title: "Importance by several measures", Folded: len(order) > 12,
		Caption: "Contribution: how far the variable moves the score (" + note + ").",
		Columns: []document.Column{{Name: "Variable"}, {Name: "Mean |contribution|", Unit: "log-odds"}}}
	if shuffled != nil {
		t.Caption += fmt.Sprintf(" Shuffled: the AUC lost, by PDs, when the variable's values are shuffled among the "+
			"same rows, the mean of %d shuffles and their standard deviation; the mean's own error is that over √%d. "+
			"Variables that carry the same information each look less important than they are.", draws, draws)
		t.Columns = append(t.Columns, document.Column{Name: "AUC lost when shuffled", Format: numfmt.Fixed4},
			document.Column{Name: "Spread over shuffles", Format: numfmt.Fixed4})
	}
	gain := 0.0
	if usage != nil {
		t.Caption += " Gain: the variable's share of what all splits gained on the training rows; variables with " +
			"many values offer more splits and look better than they are. Splits: how often the trees split on it. A " +
			"variable without a split is not used."
		t.Columns = append(t.Columns, document.Column{Name: "Share of the gain", Format: numfmt.Percent},
			document.Column{Name: "Splits", Format: numfmt.Count})
		for _, u := range usage {
			gain += u.Gain
		}
	}
	for _, j := range order {
		row := []document.Cell{text(features[j].Name), number(explained[j])}
		if shuffled != nil {
			row = append(row, number(shuffled[j].lost), number(shuffled[j].spread))
		}
		if usage != nil {
			share := math.NaN()
			if gain > 0 {
				share = usage[j].Gain / gain
			}
			row = append(row, number(share), count(usage[j].Splits))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shuffle is what the ranking loses when one variable's values change places
// among the rows (permutation importance, Breiman 2001), over several shuffles.
type shuffle struct {
	lost   float64 // AUC, the mean of the shuffles
	spread float64 // their standard deviation
}

// firstShuffle numbers the streams of random numbers of shuffles, beyond those
// of other tables.
const firstShuffle = 1 << 20

// shuffles measures every variable on a sample of rows. The same variable of
// the same rows is shuffled alike whatever other variables there are.
func (st *stressed) shuffles() []shuffle {
	out := make([]shuffle, len(st.features))
	place := make([]int, len(st.x))
	for j := range st.features {
		var drop [draws]float64
		for d := range draws {
			r := eval.Stream(st.seed, firstShuffle+j*draws+d)
			for i := range place { // Fisher and Yates, inside out
				k := r.Below(i + 1)
				place[i], place[k] = place[k], i
			}
			changed := st.rescore(st.score, func(x []float64, row int) { x[j] = st.x[place[row]][j] })
			drop[d] = float64(changed.drop.Value)
		}
		out[j] = shuffle{eval.Mean(drop[:]), deviation(drop[:])}
	}
	return out
}
