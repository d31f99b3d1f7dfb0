// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
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
	order []int, note string) Table {
	t := Table{Title: "Importance by several measures", Folded: len(order) > 12,
		Caption: "Contribution: how far the variable moves the score (" + note + ").",
		Columns: []Column{{Name: "Variable"}, {Name: "Mean |contribution|", Unit: "log-odds"}}}
	if shuffled != nil {
		t.Caption += fmt.Sprintf(" Shuffled: the AUC lost, by PDs, when the variable's values change places among "+
			"the same rows, the mean of %d shuffles and their standard deviation; the mean's own error is that over "+
			"√%d. Of variables that say the same, each looks less important than it is.", draws, draws)
		t.Columns = append(t.Columns, Column{Name: "AUC lost when shuffled", Format: numfmt.Fixed4},
			Column{Name: "Spread over shuffles", Format: numfmt.Fixed4})
	}
	gain := 0.0
	if usage != nil {
		t.Caption += " Gain: its share of what all splits gained on the training rows; variables with many values " +
			"find more to split on and look better than they are. Splits: how often the trees ask for it. A variable " +
			"without a split is not used."
		t.Columns = append(t.Columns, Column{Name: "Share of the gain", Format: numfmt.Percent},
			Column{Name: "Splits", Format: numfmt.Count})
		for _, u := range usage {
			gain += u.Gain
		}
	}
	for _, j := range order {
		row := []Cell{T(features[j].Name), V(explained[j])}
		if shuffled != nil {
			row = append(row, V(shuffled[j].lost), V(shuffled[j].spread))
		}
		if usage != nil {
			share := math.NaN()
			if gain > 0 {
				share = usage[j].Gain / gain
			}
			row = append(row, V(share), I(usage[j].Splits))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
