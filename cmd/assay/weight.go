// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
)

// noWeight is the value of --weight that has every row count once, whatever the
// model was trained with.
const noWeight = "none"

// registerWeight adds --weight.
func (f *tableFlags) registerWeight(c *cobra.Command, without string) {
	c.Flags().StringVar(&f.weight, "weight", "", "column of numbers above 0 that says how many rows a row counts for, as after sampling (default: "+without+")")
}

// weigh reads the column of weights. Where nobody asked for it here, as when it is
// the model that was trained with it, a table may lack it, and is told of.
func (t *table) weigh(u *ui, column string, optional bool) error {
	at := t.frame.Record.Schema().FieldIndices(column)
	all := part{t, t.allRows()}
	var weight []float64
	if len(at) == 1 {
		weight = numbersOf(t.frame.Record.Column(at[0]), all.rows)
	}
	switch {
	case len(at) != 1 && optional:
		u.note("%s has no column %q, by which the rows that trained the model were weighted: every row of it counts once", t.name, column)
		return nil
	case weight == nil:
		return fmt.Errorf("%w: %s has no column %q of numbers for --weight%s", assay.ErrInvalid, t.name, column, nearest.Hint(column, all.columns()))
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
	t.weighed, t.weight = column, weight
	if len(wrong) == 0 {
		return nil
	}
	problem := fmt.Sprintf("%d rows have no number above 0 in the column of weights %q; the first is row %d", len(wrong), column, t.place(wrong[0]))
	if !t.skip {
		return fmt.Errorf("%w: %s: %s: a row that counts for nothing is to be left out, which --on-bad-row skip does", assay.ErrInvalid, t.name, problem)
	}
	u.note("%s: left out: %s", t.name, problem)
	return t.without(wrong)
}

// allRows numbers the rows of the record.
func (t *table) allRows() []int {
	rows := make([]int, t.rows())
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// weights are those of the part's rows; nil where they have none.
func (p part) weights() []float64 {
	if p.table == nil || p.weight == nil {
		return nil
	}
	return pick(p.weight, p.rows)
}

// weightIsNoField refuses a plan that reads the weight, and scored events that
// have none.
func (p part) weightIsNoField(spec *features.Spec) error {
	if p.weighed == "" {
		return nil
	}
	if slices.ContainsFunc(spec.Fields, func(f features.FieldSpec) bool { return f.Name == p.weighed }) {
		return fmt.Errorf("%w: the plan reads the column %q, which --weight names: how much a row counts must not be known to the model; take it out of the plan, or weight by another column", assay.ErrInvalid, p.weighed)
	}
	for _, row := range p.rows {
		if math.IsNaN(p.weight[row]) {
			return fmt.Errorf("%w: %s: row %d is scored and has no weight in column %q", assay.ErrInvalid, p.name, p.place(row), p.weighed)
		}
	}
	return nil
}

// withoutField takes a column out of an inferred plan.
func withoutField(spec *features.Spec, column string) {
	spec.Fields = slices.DeleteFunc(spec.Fields, func(f features.FieldSpec) bool { return f.Name == column })
	spec.Features = slices.DeleteFunc(spec.Features, func(f features.FeatureSpec) bool { return f.Name == column })
}

// asItWeighs ends the sentence that says what a challenger was fitted on.
func (p part) asItWeighs() string {
	if p.weight == nil {
		return ""
	}
	return ", each as often as it weighs"
}

// inProportion are as many rows as the part has, each as often as it weighs, to
// within one: every (sum of weights ÷ rows) of the weight, a row is taken. It
// lets a library that knows no weights fit by them.
func (p part) inProportion() []int {
	weight := p.weights()
	if weight == nil {
		return p.rows
	}
	total := 0.0
	for _, w := range weight {
		total += w
	}
	out, seen := make([]int, 0, len(p.rows)), 0.0
	for i, w := range weight {
		seen += w
		for float64(len(out))+0.5 < seen/total*float64(len(p.rows)) {
			out = append(out, p.rows[i])
		}
	}
	return out
}
