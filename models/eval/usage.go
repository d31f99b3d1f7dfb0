// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// Usage is how the trees of a model use one feature.
type Usage struct {
	Splits int     // number of splits on it
	Gain   float64 // sum of what they gained in training; 0 where the model does not say
}

// usageTable puts the three usual measures of importance side by side, the
// most important by contribution first. explained[j] is the mean size of the
// contribution of feature j.
func usageTable(features []Feature, usage []Usage, explained []float64, order []int, note string) Table {
	gain := 0.0
	for _, u := range usage {
		gain += u.Gain
	}
	t := Table{Title: "Importance by three measures", Folded: len(order) > 12,
		Caption: "Contribution: how far the variable moves the score (" + note + "). Gain: its share of what all splits gained on the training rows; variables with many values find more to split on and look better than they are. Splits: how often the trees ask for it. A variable without a split is not used.",
		Columns: []Column{{Name: "Variable"}, {Name: "Mean |contribution|", Unit: "log-odds"}, {Name: "Share of the gain", Format: Percent}, {Name: "Splits", Format: Count}}}
	for _, j := range order {
		share := math.NaN()
		if gain > 0 {
			share = usage[j].Gain / gain
		}
		t.Rows = append(t.Rows, []Cell{T(features[j].Name), V(explained[j]), V(share), I(usage[j].Splits)})
	}
	return t
}
