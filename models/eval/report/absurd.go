// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// absurdity is a value that no applicant has, in place of each value of a row.
type absurdity struct {
	name  string
	empty bool // says nothing about the applicant: must not be a way to approval
	value func(v float64, category bool) float64
}

var absurdities = [...]absurdity{
	{"every number a thousand times larger", false, func(v float64, cat bool) float64 {
		return pickUnless(cat, v, v*1000)
	}},
	{"every number with the other sign", false, func(v float64, cat bool) float64 { return pickUnless(cat, v, -v) }},
	{"every number zero", true, func(v float64, cat bool) float64 { return pickUnless(cat, v, 0) }},
	{"every category unknown", false, func(v float64, cat bool) float64 { return pickUnless(!cat, v, math.NaN()) }},
	{"everything missing", true, func(float64, bool) float64 { return math.NaN() }},
}

// absurd feeds values far outside anything seen, and judges whether a row that
// says nothing would be approved.
func (b *builder) absurd(st *stressed, note string) document.Table {
	t := document.Table{Title: "Absurd values", Caption: "All rows of the sample get the value (" + note +
		"). The smallest and largest PD show that the model stays within what it learned; a dash would mean that it " +
		"gave no number. Approved: rows with a PD up to the cut-off of this section. What the plan's rules refuse " +
		"never reaches the model.",
		Columns: []document.Column{{Name: "What"}, {Name: "Smallest PD", Format: numfmt.Percent},
			{Name: "Mean PD", Format: numfmt.Percent},
			{Name: "Largest PD", Format: numfmt.Percent}, {Name: "Approved", Format: numfmt.Percent},
			{Name: "Decisions changed", Format: numfmt.Percent}}}
	before := 0.0
	for i, p := range st.pd {
		if p <= st.cut {
			before += eval.WeightAt(st.weight, i) / st.all.Sum
		}
	}
	light, finding := document.Pass,
		"rows that state nothing, or zeros, are not approved more often than the rows as they are"
	for _, c := range absurdities {
		lo, hi, sum, flips, approved := math.Inf(1), math.Inf(-1), 0.0, 0.0, 0.0
		x := make([]float64, len(st.features))
		for i, row := range st.x {
			for j, v := range row {
				x[j] = c.value(v, st.features[j].Categories != nil)
			}
			p, w := st.score(x), eval.WeightAt(st.weight, i)
			lo, hi, sum = math.Min(lo, p), math.Max(hi, p), sum+float64(w*p)
			if p <= st.cut {
				approved += w
			}
			if (p <= st.cut) != (st.pd[i] <= st.cut) {
				flips += w
			}
		}
		n := st.all.Sum
		rate := approved / n
		t.Rows = append(t.Rows, []document.Cell{text(c.name), number(lo), number(sum / n), number(hi),
			number(rate), number(flips / n)})
		switch {
		case !c.empty:
		case math.IsNaN(sum):
			if document.CannotTell.WorseThan(light) {
				light, finding = document.CannotTell, "the model gives no number for "+c.name
			}
		case rate > before && document.Look.WorseThan(light):
			light, finding = document.Look,
				fmt.Sprintf("with %s, %s of the rows are approved in place of %s; let the plan require fields, or "+
					"the policy refer such rows", c.name, numfmt.Percent.Print(rate), numfmt.Percent.Print(before))
		}
	}
	g := st.grounds(note)
	g.LeastRows = smallGroup
	b.verdict(silenceQuestion, light, "stress", finding,
		"look when rows with everything missing, or every number zero, are approved more often than the rows as they "+
			"are (never fail: the plan may refuse them first)", g)
	return t
}
