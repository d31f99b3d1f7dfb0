// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// summary makes the section of that name. Its verdicts are filled in by the other sections.
func (b *builder) summary() (document.Section, error) {
	in, c := b.in, b.curve
	s := document.Section{ID: "summary", Title: "Summary",
		Introduction: "What the model is for, what this evaluation found, and what exactly was evaluated."}
	purpose := in.Purpose
	if purpose == "" {
		purpose = "The model's purpose was not stated."
	}
	s.AddHeading("Purpose", "%s", purpose)
	auc, _ := b.report.Metric("auc")
	rate, _ := b.report.Metric("bad_rate")
	s.AddHeading("In one paragraph", "%s", fmt.Sprintf(
		"Of %s rows, %s were bad (%s). Given one bad and one good row at random, the model gives the bad one the "+
			"higher risk in %s of cases: AUC %s. It predicted %s bad rows; %s turned bad.",
		numfmt.Count.Print(c.Tally().Sum), numfmt.Count.Print(c.BadTally.Sum), interval(rate, numfmt.Percent),
		numfmt.Percent.Print(float64(auc.Value)), interval(auc, numfmt.Fixed3),
		numfmt.Count.Print(float64(b.value("mean_pd"))*c.Tally().Sum), numfmt.Count.Print(c.BadTally.Sum))+b.weighted())
	if b.in.Seen > 0 {
		b.report.Headline = append(b.report.Headline, b.seen())
	}
	b.report.Headline = append(b.report.Headline, b.rankingsDiffer()...)
	if !c.HasBothClasses() {
		b.report.Headline = append(b.report.Headline,
			"The sample holds one class only. How well the model separates good from bad cannot be measured on it; "+
				"every such statistic is shown as a dash.")
	}
	t := document.Table{Title: "Key figures",
		Caption: fmt.Sprintf("%s rows, %s bad.", numfmt.Count.Print(float64(c.Rows())),
			numfmt.Count.Print(float64(c.Bad))) + b.weighted(),
		Columns: []document.Column{{Name: "Statistic"}, {Name: "Value", Format: numfmt.Fixed4},
			{Name: "95 % from", Format: numfmt.Fixed4},
			{Name: "to", Format: numfmt.Fixed4}, {Name: "Meaning"}}}
	for _, k := range []struct{ name, label, says string }{
		{"auc", "AUC", "how often a bad row is ranked above a good one: 0.5 is chance, 1 is perfect"},
		{"gini", "Gini", "the same on a scale from 0 to 1 (2 AUC − 1)"},
		{"ks", "KS", "largest gap between the shares of bad and of good rows rejected at one cut-off"},
		{"brier", "Brier score", "mean squared error of the PDs; smaller is better"},
		{"logloss", "Log-loss", "punishes confident errors; smaller is better; in nats"},
	} {
		e, _ := b.report.Metric(k.name)
		t.Rows = append(t.Rows,
			[]document.Cell{text(k.label), number(float64(e.Value)), number(float64(e.Low)),
				number(float64(e.High)), text(k.says)})
	}
	s.AddTable(t)
	if len(in.Card) > 0 {
		card := document.Table{Title: "Model card",
			Caption: "Digests are SHA-256: whoever holds the files can check that they are the ones evaluated.",
			Columns: []document.Column{{Name: "Fact"}, {Name: "Value"}}}
		for _, f := range in.Card {
			card.Rows = append(card.Rows, []document.Cell{text(f.Name), text(f.Value)})
		}
		s.AddTable(card)
	}
	g := b.rows(1)
	b.verdict(sizeQuestion, judge(float64(min(g.Bad, g.Rows-g.Bad)), float64(b.thresholds.BadRowsPass),
		float64(b.thresholds.BadRowsPass)/4, true), "sample",
		fmt.Sprintf("%s bad and %s good rows", numfmt.Count.Print(float64(g.Bad)),
			numfmt.Count.Print(float64(g.Rows-g.Bad))),
		fmt.Sprintf("pass from %d rows of the rarer class, fail below %d", b.thresholds.BadRowsPass,
			b.thresholds.BadRowsPass/4), g)
	return s, nil
}

// rankingsDiffer warns when PDs and margins rank rows differently: decisions use
// PDs, while the report measures the ranking by margins. A calibration that gives
// one PD to several margins is no reason to warn, unless all rows have that PD.
func (b *builder) rankingsDiffer() []string {
	in := b.in
	if in.Margin == nil || len(in.PD) == 0 {
		return nil
	}
	if constant(in.PD) && !constant(in.Margin) {
		return []string{
			fmt.Sprintf("Every row has the same PD, %s, though scores differ: no decision can rest on the PDs here. "+
				"The figures on ranking below are computed from the scores.", numfmt.Percent.Print(in.PD[0]))}
	}
	turned, lowest := 0, in.PD[b.curve.Falling[0]]
	for _, i := range b.curve.Falling { // from the riskiest margin down, PDs must not rise
		if in.PD[i] > lowest {
			turned++
		}
		lowest = min(lowest, in.PD[i])
	}
	if turned == 0 {
		return nil
	}
	return []string{fmt.Sprintf("PDs and scores rank rows differently: %s of %s rows have a higher PD than a row of "+
		"a higher score. The AUC is %s by score, which this report measures, and %s by PD, which decisions use.",
		numfmt.Count.Print(float64(turned)), numfmt.Count.Print(float64(len(in.PD))),
		numfmt.Fixed3.Print(b.curve.AUC()),
		numfmt.Fixed3.Print(eval.CurveOf(in.Label, in.PD, in.Weight).AUC()))}
}
