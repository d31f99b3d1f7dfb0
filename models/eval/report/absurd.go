// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// absurdity replaces every value of a row by one that no applicant has.
type absurdity struct {
	name  string
	empty bool // the row says nothing about the applicant, and should not be approved for it
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

// absurd scores rows with values far outside the sample, and judges whether rows
// that say nothing are approved more often.
func (b *builder) absurd(st *stressed, note string) document.Table {
	t := document.Table{Title: "Absurd values", Caption: "Each line changes every row of the sample (" + note +
		"). The smallest and largest PD show whether the model stays within the range that it learned; a dash means " +
		"that it gave no number. Approved: rows with a PD up to the cut-off of this section. Rows that the plan's " +
		"rules refuse never reach the model; this table leaves those rules out.",
		Columns: []document.Column{{Name: "Change"}, {Name: "Smallest PD", Format: numfmt.Percent},
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
		"rows with everything missing, or every number zero, are not approved more often than the original rows"
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
				fmt.Sprintf("with %s, %s of the rows are approved instead of %s; let the plan require fields, or the "+
					"policy refer such rows", c.name, numfmt.Percent.Print(rate), numfmt.Percent.Print(before))
		}
	}
	g := st.grounds(note)
	g.LeastRows = smallGroup
	b.verdict(silenceQuestion, light, "stress", finding,
		"look when rows with everything missing, or every number zero, are approved more often than the original "+
			"rows (never fail: the plan may refuse them first)", g)
	return t
}
