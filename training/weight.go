// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

// ReadWeights reads the column of weights. Where nobody asked for it here, as when it is
// the model that was trained with it, a table may lack it, and is told of.
func (t *Table) ReadWeights(u Progress, column string, optional bool) error {
	at := t.Frame.Record.Schema().FieldIndices(column)
	all := Subset{t, t.allRows()}
	var weight []float64
	if len(at) == 1 {
		weight = Numbers(t.Frame.Record.Column(at[0]), all.Rows)
	}
	switch {
	case len(at) != 1 && optional:
		u.Note("%s has no column %q, by which the rows that trained the model were weighted: every row of it counts "+
			"once", t.Name, column)
		return nil
	case weight == nil:
		return fmt.Errorf("%w: %s has no column %q of numbers for --weight%s", assay.ErrInvalid, t.Name, column,
			nearest.Hint(column, all.Columns()))
	}
	var wrong []int
	for row, w := range weight {
		if t.events && math.IsNaN(w) {
			continue // an event that is not scored
		}
		if !(w > 0) || math.IsInf(w, 0) {
			wrong = append(wrong, row)
		}
	}
	t.weightColumn, t.Weight = column, weight
	if len(wrong) == 0 {
		return nil
	}
	problem := fmt.Sprintf("%d rows have no number above 0 in the column of weights %q; the first is row %d",
		len(wrong), column, t.RowInFile(wrong[0]))
	if !t.skipBadRows {
		return fmt.Errorf("%w: %s: %s: a row that counts for nothing is to be left out, which --on-bad-row skip does",
			assay.ErrInvalid, t.Name, problem)
	}
	u.Note("%s: left out: %s", t.Name, problem)
	return t.dropRows(wrong)
}

// Weights are those of the subset's rows; nil where they have none.
func (p Subset) Weights() []float64 {
	if p.Table == nil || p.Weight == nil {
		return nil
	}
	return pickRows(p.Weight, p.Rows)
}

// checkWeightColumn refuses a plan that reads the weight, and scored events that
// have none.
func (p Subset) checkWeightColumn(spec *plantext.Spec) error {
	if p.weightColumn == "" {
		return nil
	}
	if slices.ContainsFunc(spec.Fields, func(f plantext.FieldSpec) bool { return f.Name == p.weightColumn }) {
		return fmt.Errorf("%w: the plan reads the column %q, which --weight names: how much a row counts must not be "+
			"known to the model; take it out of the plan, or weight by another column",
			assay.ErrInvalid, p.weightColumn)
	}
	for _, row := range p.Rows {
		if math.IsNaN(p.Weight[row]) {
			return fmt.Errorf("%w: %s: row %d is scored and has no weight in column %q", assay.ErrInvalid, p.Name,
				p.RowInFile(row), p.weightColumn)
		}
	}
	return nil
}

// dropField takes a column out of an inferred plan.
func dropField(spec *plantext.Spec, column string) {
	spec.Fields = slices.DeleteFunc(spec.Fields, func(f plantext.FieldSpec) bool { return f.Name == column })
	spec.Features = slices.DeleteFunc(spec.Features, func(f plantext.FeatureSpec) bool { return f.Name == column })
}

// weightWords ends the sentence that says what a challenger was fitted on.
func (p Subset) weightWords() string {
	if p.Weight == nil {
		return ""
	}
	return ", each as often as it weighs"
}

// resampledByWeight are as many rows as the subset has, each as often as it weighs, to
// within one: every (sum of weights ÷ rows) of the weight, a row is taken. It
// lets a library that knows no weights fit by them.
func (p Subset) resampledByWeight() []int {
	weight := p.Weights()
	if weight == nil {
		return p.Rows
	}
	total := 0.0
	for _, w := range weight {
		total += w
	}
	out, seen := make([]int, 0, len(p.Rows)), 0.0
	for i, w := range weight {
		seen += w
		for float64(len(out))+0.5 < seen/total*float64(len(p.Rows)) {
			out = append(out, p.Rows[i])
		}
	}
	return out
}
