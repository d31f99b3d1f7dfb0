// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// asGood is the loss of AUC that a reader may accept for a model that a person
// can work by hand: a simple model is as good when the interval excludes that
// it loses more.
const asGood = 0.01

// challengers makes the section of that name.
func (b *builder) challengers() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "challengers", Title: "Challengers",
		Introduction: "Other models on the same rows. A complicated model has to earn its place against a simple one."}
	if len(in.Challenger) == 0 {
		s.Absent = "It takes the scores of at least one other model for the same rows."
		b.verdict(simplerQuestion, document.CannotTell, s.ID, "no challenger was given", "–", notGiven())
		return s, nil
	}
	t := b.challengerTable()
	t.Rows = append(t.Rows, b.challengerRow("the model", b.curve, in.PD, nil))
	fig := chart.Figure{ID: "challenger-differences", Title: "Difference to each challenger",
		X: chart.Axis{Label: "AUC of the model minus AUC of the challenger"},
		Caption: "Bars to the right: the model ranks better. Whiskers that cross 0 say that this sample cannot tell " +
			"the two apart.",
		Alt: "Paired AUC differences with intervals."}
	bar := chart.Series{Mark: chart.HBars}
	differences := make([]eval.Difference, len(in.Challenger))
	for k, ch := range in.Challenger {
		d := eval.CompareCurves(in.Label, b.curve, b.challengerCurves[k])
		differences[k] = d
		t.Rows = append(t.Rows, b.challengerRow(ch.Name, b.challengerCurves[k], ch.PD, &d))
		b.add("auc_minus_"+slug(ch.Name), d.Estimate)
		fig.Y.Labels = append(fig.Y.Labels, ch.Name)
		bar.X, bar.Low, bar.High = append(bar.X, d.Value), append(bar.Low, d.Low), append(bar.High, d.High)
	}
	b.judgeChallengers(&s, differences)
	fig.Series = []chart.Series{bar}
	s.AddTable(t)
	s.AddFigure(fig)
	for _, ch := range in.Challenger {
		if ch.Note != "" {
			s.AddHeading(ch.Name, "%s", ch.Note)
		}
		if ch.Rules != nil {
			s.AddTable(*ch.Rules)
		}
	}
	return s, nil
}

// challengerTable returns the table of the models, without its rows.
func (b *builder) challengerTable() document.Table {
	return document.Table{Title: "Models on the same rows",
		Caption: fmt.Sprintf("%s rows. The difference is the model's AUC minus the challenger's, on the same rows, "+
			"with DeLong's paired interval: above 0 the model is better. A score without information has a KS of "+
			"%s on average on as many rows.", numfmt.Count.Print(float64(b.curve.Rows())),
			numfmt.Fixed3.Print(eval.ChanceKS(b.curve.BadTally.Effective(), b.curve.GoodTally.Effective()))),
		Columns: []document.Column{{Name: "Model"}, {Name: "AUC", Format: numfmt.Fixed4},
			{Name: "95 % from", Format: numfmt.Fixed4},
			{Name: "to", Format: numfmt.Fixed4}, {Name: "KS", Format: numfmt.Fixed4},
			{Name: "H", Format: numfmt.Fixed4},
			{Name: "Brier", Format: numfmt.Fixed4}, {Name: "Log-loss", Format: numfmt.Fixed4},
			{Name: "Difference", Format: numfmt.Signed3},
			{Name: "95 % from", Format: numfmt.Signed3}, {Name: "to", Format: numfmt.Signed3},
			{Name: "p", Format: numfmt.PValue}}}
}

// challengerRow returns the row of a model: pd is nil for a score that is no
// probability, d is nil for the model itself.
func (b *builder) challengerRow(name string, c *eval.Curve, pd []float64, d *eval.Difference) []document.Cell {
	label, weight := b.in.Label, b.in.Weight
	auc := c.Area()
	ks, _ := c.KS()
	row := []document.Cell{text(name), number(float64(auc.Value)), number(float64(auc.Low)),
		number(float64(auc.High)), number(ks), number(c.HMeasure()),
		number(float64(numfmt.NaN())), number(float64(numfmt.NaN()))}
	if pd != nil {
		row[6], row[7] = number(eval.Brier(label, pd, weight)), number(eval.LogLoss(label, pd, weight))
	}
	if d == nil {
		return append(row, text(""), text(""), text(""), text(""))
	}
	return append(row, number(float64(d.Value)), number(float64(d.Low)), number(float64(d.High)), number(float64(d.P)))
}

// judgeChallengers gives the verdict on the challengers that can be worked by
// hand; the worst finding counts. The best that does the model's work is named as
// a finding and in the headline.
func (b *builder) judgeChallengers(s *document.Section, differences []eval.Difference) {
	light, finding, judged := document.CannotTell, "no challenger that can be worked by hand was given", false
	best, preferred, reason := -1, numfmt.NaN(), ""
	for k, d := range differences {
		ch := b.in.Challenger[k]
		if !ch.Simple || !d.Value.Defined() {
			continue
		}
		l, f, simpler := againstSimple(ch.Name, d)
		if !judged || l.WorseThan(light) {
			light, finding, judged = l, f, true
		}
		if simpler && (best < 0 || d.Value < preferred) {
			best, preferred, reason = k, d.Value, f
		}
	}
	if best >= 0 {
		say := "A simple model is enough: " + reason + ". Prefer it unless the model has another purpose."
		s.AddFinding("%s", say)
		b.report.Headline = append(b.report.Headline, say)
	}
	b.verdict(simplerQuestion, light, s.ID, finding,
		fmt.Sprintf("pass when the interval of the difference lies above 0 and the gain is at least %s; fail when it "+
			"lies below 0; a simple model is as good when the interval ends below %s; cannot tell when it reaches "+
			"from 0 or below to beyond %s", numfmt.Fixed3.Print(asGood), numfmt.Signed3.Print(asGood),
			numfmt.Signed3.Print(asGood)),
		b.classes(leastOfClass))
}

// againstSimple judges the paired difference to a simple challenger, and says
// whether the challenger can take the model's place. That no difference is
// shown does not make two models equal: the interval has to exclude a loss.
func againstSimple(name string, d eval.Difference) (l document.Light, finding string, simpler bool) {
	by := interval(d.Estimate, numfmt.Signed3)
	switch {
	case !d.Low.Defined() || !d.High.Defined():
		return document.CannotTell, fmt.Sprintf("the difference to %s has no interval on these rows: %s", name, by),
			false
	case d.High < 0:
		return document.Fail, fmt.Sprintf("%s ranks better: the difference is %s", name, by), true
	case d.High <= asGood:
		return document.Look, fmt.Sprintf("%s is as good to within %s AUC: the difference is %s", name,
			numfmt.Fixed3.Print(asGood), by), true
	case d.Low <= 0:
		return document.CannotTell,
			fmt.Sprintf("not shown to be better than %s: the difference is %s, and these rows are too few to tell",
				name, by), false
	case d.Value < asGood:
		return document.Look, fmt.Sprintf("better than %s, by less than %s AUC: the difference is %s", name,
			numfmt.Fixed3.Print(asGood), by), false
	}
	return document.Pass, fmt.Sprintf("better than %s by %s AUC", name, by), false
}

// slug makes a metric's name out of a model's.
func slug(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out = append(out, r)
		case r >= 'A' && r <= 'Z':
			out = append(out, r+'a'-'A')
		case len(out) > 0 && out[len(out)-1] != '_':
			out = append(out, '_')
		}
	}
	return string(out)
}
