// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
)

// rejects is section 12.
func (b *builder) rejects() (Section, error) {
	in := b.in
	s := Section{ID: "rejects", Title: "Reject inference",
		Lead: "Outcomes are known only for applicants who were approved. What the figures might be for all, and how " +
			"much that rests on assumption."}
	approved, how := b.approved()
	var rows []int32
	for i, ok := range approved {
		if ok {
			rows = append(rows, int32(i))
		}
	}
	accepted := b.curveOf(rows)
	if accepted.Rows() < len(approved) && accepted.twoClasses() {
		e := accepted.Area()
		s.heading("What accepting hides",
			"Had only the rows been seen that this model accepts (%s: %s of %s), the same model would have shown an "+
				"AUC of %s in place of %s. Cutting the sample by the score takes away what is easy to tell apart; "+
				"compare AUCs only between samples that were accepted alike.",
			how, numfmt.Count.Print(float64(accepted.Rows())), numfmt.Count.Print(float64(len(approved))),
			interval(e, numfmt.Fixed3),
			numfmt.Fixed3.Print(b.curve.AUC()))
	}
	if in.Declined == nil || len(in.Declined.PD) == 0 {
		if len(s.Blocks) == 0 {
			s.Absent = "It takes the scores of declined applications."
		} else {
			s.text("No declined applications were given, so their effect is not estimated.")
		}
		return s, nil
	}
	s.heading("What is assumed",
		"No outcome of a declined application is known. The first line below assumes nothing about them and holds "+
			"for accepted applicants only. The second assumes that a declined applicant defaults as often as an "+
			"accepted one of the same PD, so that the model's PDs hold below the cut-off as they do above; it fails "+
			"where declining used what the model does not see (a document, a visit, an officer's doubt), as the "+
			"declined are then riskier than their PD. The further lines assume that their odds of default are so "+
			"many times higher, each alike. Nothing in these rows can tell which is true: only applicants who are "+
			"approved at random, or outcomes from elsewhere, can.")
	t := Table{Title: "Sensitivity to the declined",
		Caption: fmt.Sprintf("%s evaluated and %s declined applications. A declined row counts as bad with its PD "+
			"and as good with the rest (fuzzy augmentation, Siddiqi 2006), after its odds of default are multiplied. "+
			"The first line, accepted only, is what is known; the others are what would follow.",
			numfmt.Count.Print(float64(len(in.Label))), numfmt.Count.Print(float64(len(in.Declined.PD)))),
		Columns: []Column{{Name: "Assumption"}, {Name: "Bad rate", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed4},
			{Name: "KS", Format: numfmt.Fixed4}, {Name: "Brier", Format: numfmt.Fixed4}}}
	pd := newCurve(in.Label, in.PD, in.Weight) // declined rows have PDs only, so that all rows are ranked by PD
	ks, _ := pd.KS()
	t.Rows = append(t.Rows,
		[]Cell{T("accepted only"), V(pd.BadRate()), V(pd.AUC()), V(ks), V(brierScore(in.Label, in.PD, in.Weight))})
	for _, k := range []float64{1, 1.5, 2, 3} {
		r := fuzzy(in, k)
		name := "declined as the model says"
		if k != 1 {
			name = fmt.Sprintf("odds of default of the declined × %s", numfmt.Plain.Print(k))
		}
		t.Rows = append(t.Rows, []Cell{T(name), V(r.badRate), V(r.auc), V(r.ks), V(r.brier)})
	}
	s.table(t)
	return s, nil
}

type fuzzyResult struct{ badRate, auc, ks, brier float64 }

// fuzzy measures the sample with each declined row added twice: as bad with
// weight p and as good with weight 1-p, p being its PD with the odds
// multiplied by k. Rows are ranked by PD.
func fuzzy(in *Input, k float64) fuzzyResult {
	label, declined := in.Label, in.Declined.PD
	n := len(label)
	score := append(append(make([]float64, 0, n+len(declined)), in.PD...), declined...)
	weight := func(i int32) (bad, good float64) {
		if int(i) < n {
			w := weightAt(in.Weight, int(i))
			return float64(w * label[i]), float64(w * (1 - label[i]))
		}
		p, w := declined[int(i)-n], weightAt(in.Declined.Weight, int(i)-n)
		q := k * p / (float64(k*p) + 1 - p)
		return float64(w * q), float64(w * (1 - q))
	}
	var bad, good, brier float64
	order := descending(score)
	for _, i := range order {
		b, g := weight(i)
		bad, good = bad+b, good+g
		p := score[i]
		brier += float64(b*float64((1-p)*(1-p))) + float64(g*float64(p*p))
	}
	r := fuzzyResult{badRate: ratio(bad, bad+good), brier: ratio(brier, bad+good), auc: math.NaN(), ks: math.NaN()}
	if bad == 0 || good == 0 {
		return r
	}
	var won, above, fp float64
	r.ks = 0
	for i := 0; i < len(order); {
		var sb, sg float64
		j := i
		for ; j < len(order) && score[order[j]] == score[order[i]]; j++ {
			b, g := weight(order[j])
			sb, sg = sb+b, sg+g
		}
		won += float64(sg * (above + sb/2))
		above, fp = above+sb, fp+sg
		r.ks = math.Max(r.ks, math.Abs(above/bad-fp/good))
		i = j
	}
	r.auc = won / (bad * good)
	return r
}
