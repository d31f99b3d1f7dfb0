// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"slices"

	"github.com/assayrisk/assay/internal/numfmt"
)

// weightTable says what the rows weigh, and what they are worth.
func (b *builder) weightTable() Table {
	in := b.in
	t := Table{Title: "Weights", Caption: "A row of weight w counts as w rows in every table" + b.weightColumn() +
		". Worth: so many rows of equal weight say as much (the square of the sum of weights over the sum of their " +
		"squares, Kish 1965); intervals, chance levels and the least rows of a question go by it. What is said of " +
		"single rows or of columns as they are (data quality, correlations, worked decisions, reasons, evasion, " +
		"parity) counts each row once.",
		Columns: []Column{{Name: "Set"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Smallest weight"}, {Name: "Largest"},
			{Name: "Sum of weights"}, {Name: "Worth, rows", Format: numfmt.Fixed1}, {Name: "Worth, bad rows",
				Format: numfmt.Fixed1},
			{Name: "Worth, good rows", Format: numfmt.Fixed1}}}
	row := func(name string, c *Curve, weight []float64) {
		low, high := 1.0, 1.0
		if weight != nil {
			low, high = slices.Min(weight), slices.Max(weight)
		}
		t.Rows = append(t.Rows, []Cell{T(name), I(c.Rows()), V(low), V(high), V(c.mass().sum), V(c.mass().effective()),
			V(c.badMass.effective()), V(c.goodMass.effective())})
	}
	row("evaluated", b.curve, in.Weight)
	if b.train != nil {
		row("training", b.train, in.Train.Weight)
	}
	return t
}

// weightColumn names the column, where it is known.
func (b *builder) weightColumn() string {
	if b.in.Weights == "" {
		return ""
	}
	return " (column " + b.in.Weights + ")"
}

// weighted says in a sentence that counts are by weight; "" where they are not.
func (b *builder) weighted() string {
	if b.in.Weight == nil {
		return ""
	}
	return fmt.Sprintf(" Counts and rates are by weight%s: the %s rows are worth %s of equal weight.", b.weightColumn(),
		numfmt.Count.Print(float64(b.curve.Rows())), numfmt.Count.Print(float64(b.curve.grounds("").Rows)))
}
