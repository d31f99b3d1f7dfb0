// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// rejects makes the section of that name.
func (b *builder) rejects() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "rejects", Title: "Reject inference",
		Introduction: "Outcomes are known only for applicants who were approved. What the figures might be for all " +
			"applicants, and how much they depend on assumptions."}
	approved, how := b.approved()
	var rows []int32
	for i, ok := range approved {
		if ok {
			rows = append(rows, int32(i))
		}
	}
	accepted := b.curveOf(rows)
	if accepted.Rows() < len(approved) && accepted.HasBothClasses() {
		e := accepted.Area()
		s.AddHeading("What the accepted rows alone hide",
			"If only the rows that this model accepts had been seen (%s: %s of %s), the same model would have shown "+
				"an AUC of %s instead of %s. Cutting the sample by the score removes the rows that are easy to tell "+
				"apart; compare AUCs only between samples that were accepted in the same way.",
			how, numfmt.Count.Print(float64(accepted.Rows())), numfmt.Count.Print(float64(len(approved))),
			interval(e, numfmt.Fixed3),
			numfmt.Fixed3.Print(b.curve.AUC()))
	}
	if in.Declined == nil || len(in.Declined.PD) == 0 {
		if len(s.Blocks) == 0 {
			s.Absent = "This section needs the scores of declined applications."
		} else {
			s.AddText("No declined applications were given, so their effect is not estimated.")
		}
		return s, nil
	}
	s.AddHeading("What is assumed",
		"The outcomes of declined applications are not known. The first line below assumes nothing about them and "+
			"holds for accepted applicants only. The second assumes that a declined applicant defaults as often as "+
			"an accepted one of the same PD, so that the model's PDs hold below the cut-off as they do above; this "+
			"is wrong where the decision to decline used what the model does not see (a document, a visit, an "+
			"officer's doubt), as the declined are then riskier than their PD. The other lines assume that their "+
			"odds of default are higher by the factor shown, the same for all. Nothing in these rows can tell which "+
			"is true: only applicants who are approved at random, or outcomes from elsewhere, can.")
	t := document.Table{Title: "Sensitivity to the declined",
		Caption: fmt.Sprintf("%s evaluated and %s declined applications. A declined row counts as bad with a weight "+
			"of its PD and as good with the rest (fuzzy augmentation, Siddiqi 2006), after its odds of default are "+
			"multiplied. The first line, accepted only, is what is known; the others show what each assumption "+
			"implies.",
			numfmt.Count.Print(float64(len(in.Label))), numfmt.Count.Print(float64(len(in.Declined.PD)))),
		Columns: []document.Column{{Name: "Assumption"}, {Name: "Bad rate", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed4},
			{Name: "KS", Format: numfmt.Fixed4}, {Name: "Brier", Format: numfmt.Fixed4}}}
	pd := eval.CurveOf(in.Label, in.PD, in.Weight) // declined rows have PDs only, so that all rows are ranked by PD
	ks, _ := pd.KS()
	t.Rows = append(t.Rows,
		[]document.Cell{text("accepted only"), number(pd.BadRate()), number(pd.AUC()), number(ks),
			number(eval.Brier(in.Label, in.PD, in.Weight))})
	for _, k := range []float64{1, 1.5, 2, 3} {
		r := eval.Augment(in.Label, in.PD, in.Weight, in.Declined.PD, in.Declined.Weight, k)
		name := "declined default at their PD"
		if k != 1 {
			name = fmt.Sprintf("odds of default of the declined × %s", numfmt.Plain.Print(k))
		}
		t.Rows = append(t.Rows,
			[]document.Cell{text(name), number(r.BadRate), number(r.AUC), number(r.KS), number(r.Brier)})
	}
	s.AddTable(t)
	return s, nil
}
