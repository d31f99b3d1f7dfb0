// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// discrimination makes the section of that name.
func (b *builder) discrimination() (document.Section, error) {
	c := b.curve
	s := document.Section{ID: "discrimination", Title: "Discrimination",
		Introduction: "How well the model separates bad rows from good ones. Only the order of the scores matters " +
			"here; whether the probabilities are right is checked in section " +
			fmt.Sprint(sectionNumber("calibration")) + "."}
	t := document.Table{Title: "Discrimination",
		Caption: fmt.Sprintf("%s bad and %s good rows. By chance: the average for a score without information on as "+
			"many rows. Corrected for bias: a maximum found on a sample overstates the true one. %s",
			numfmt.Count.Print(float64(c.Bad)), numfmt.Count.Print(float64(c.Good)), severityWords(c)),
		Columns: []document.Column{{Name: "Statistic"}, {Name: "Value", Format: numfmt.Fixed4},
			{Name: "95 % from", Format: numfmt.Fixed4},
			{Name: "to", Format: numfmt.Fixed4}, {Name: "Corrected for bias", Format: numfmt.Fixed4},
			{Name: "By chance", Format: numfmt.Fixed4},
			{Name: "Interval method"}}}
	names := []struct{ name, label string }{{"auc", "AUC"}, {"gini", "Gini"}, {"ks", "KS"}, {"h_measure", "H-measure"},
		{"average_precision", "Average precision"},
		{"partial_auc", fmt.Sprintf("Partial AUC, up to %.0f %% of good rows rejected", 100*eval.PartialShare)}}
	for _, f := range eval.CatchShares {
		names = append(names,
			struct{ name, label string }{fmt.Sprintf("tpr_at_fpr_%.2f", f),
				fmt.Sprintf("Bad rows caught when %.0f %% of good rows are rejected", 100*f)})
	}
	for _, k := range names {
		e, _ := b.report.Metric(k.name)
		t.Rows = append(t.Rows, []document.Cell{text(k.label), number(float64(e.Value)), number(float64(e.Low)),
			number(float64(e.High)),
			document.Optional(e.Corrected), document.Optional(e.Chance), text(e.Method)})
	}
	s.AddTable(t)
	b.trainingVerdict(&s)
	b.separationVerdict(&s)
	if !c.HasBothClasses() {
		return s, nil
	}
	s.AddFigure(b.rocFigure())
	s.AddFigure(b.capFigure())
	s.AddFigure(b.ksFigure())
	s.AddFigure(b.distributionFigure())
	return s, nil
}

func (b *builder) rocFigure() chart.Figure {
	x, y := b.curve.Points(300)
	f := chart.Figure{ID: "roc", Title: "ROC curve",
		X: chart.Axis{Label: "share of good rows rejected", Min: 0, Max: 1, Format: numfmt.Percent},
		Y: chart.Axis{Label: "share of bad rows caught", Min: 0, Max: 1, Format: numfmt.Percent},
		Caption: "Each point is a cut-off. The further the line bends to the upper left, the more bad rows are " +
			"caught at the same loss of good ones; the diagonal is chance.",
		Alt: fmt.Sprintf("ROC curve of the model with an area of %s.", numfmt.Fixed3.Print(b.curve.AUC()))}
	f.Series = []chart.Series{{Name: "chance", Mark: chart.Reference, X: []numfmt.Number{0, 1},
		Y: []numfmt.Number{0, 1}},
		{Name: "model", Mark: chart.Line, X: numfmt.Numbers(x), Y: numfmt.Numbers(y)}}
	for i, ch := range b.in.Challenger {
		if i == 3 {
			break
		}
		x, y := b.challengerCurves[i].Points(300)
		f.Series = append(f.Series,
			chart.Series{Name: ch.Name, Mark: chart.Line, X: numfmt.Numbers(x), Y: numfmt.Numbers(y)})
	}
	return f
}

func (b *builder) capFigure() chart.Figure {
	fpr, tpr := b.curve.Points(300)
	p := b.curve.BadRate()
	x := make([]float64, len(fpr))
	for i := range fpr {
		x[i] = float64(p*tpr[i]) + float64((1-p)*fpr[i])
	}
	return chart.Figure{ID: "cap", Title: "CAP curve (cumulative accuracy profile)",
		X: chart.Axis{Label: "share of all rows, riskiest first", Min: 0, Max: 1, Format: numfmt.Percent},
		Y: chart.Axis{Label: "share of bad rows caught", Min: 0, Max: 1, Format: numfmt.Percent},
		Caption: "Rejecting the riskiest rows from left to right: how many of the bad ones are among them. Gini is " +
			"the area between model and chance over the area between perfect and chance.",
		Alt: fmt.Sprintf("CAP curve with a Gini of %s.", numfmt.Fixed3.Print(b.curve.Gini())),
		Series: []chart.Series{{Name: "chance", Mark: chart.Reference, X: []numfmt.Number{0, 1},
			Y: []numfmt.Number{0, 1}},
			{Name: "model", Mark: chart.Line, X: numfmt.Numbers(x), Y: numfmt.Numbers(tpr)},
			{Name: "perfect", Mark: chart.Line, X: []numfmt.Number{0, numfmt.Number(p), 1},
				Y: []numfmt.Number{0, 1, 1}}}}
}

// ksFigure plots the cumulative shares against the PD; a margin has no unit
// that a reader knows, and the PD rises with it.
func (b *builder) ksFigure() chart.Figure {
	c := b.curve
	if b.in.Margin != nil {
		c = eval.CurveOf(b.in.Label, b.in.PD, b.in.Weight)
	}
	ks, at := c.KS()
	xs, bad, good := c.Distributions(300)
	return chart.Figure{ID: "ks", Title: "KS plot",
		X: chart.Axis{Label: "predicted PD", Min: 0, Max: numfmt.Number(b.pdLimit()),
			Format: numfmt.Percent},
		Y: chart.Axis{Label: "share of rows up to this PD", Min: 0, Max: 1, Format: numfmt.Percent},
		Caption: fmt.Sprintf("Good rows gather at low PDs, bad rows at high ones. KS is the largest vertical gap, "+
			"%s, at a PD of %s (thin line).", numfmt.Fixed3.Print(ks), numfmt.Percent.Print(at)),
		Alt: fmt.Sprintf("Cumulative distributions of good and bad rows over PD; the largest gap is %s.",
			numfmt.Fixed3.Print(ks)),
		Series: []chart.Series{{Name: "good rows", Mark: chart.Line, X: numfmt.Numbers(xs), Y: numfmt.Numbers(good)},
			{Name: "bad rows", Mark: chart.Line, X: numfmt.Numbers(xs), Y: numfmt.Numbers(bad)},
			{Mark: chart.Reference, X: []numfmt.Number{numfmt.Number(at), numfmt.Number(at)},
				Y: []numfmt.Number{0, 1}}}}
}

func (b *builder) distributionFigure() chart.Figure {
	const bins = 25
	var n [2][bins]float64
	limit := b.pdLimit()
	for i, p := range b.in.PD {
		k := min(bins-1, int(p/limit*bins))
		n[int(b.in.Label[i])][k] += eval.WeightAt(b.in.Weight, i)
	}
	x, good, bad := make([]float64, bins), make([]float64, bins), make([]float64, bins)
	for k := range bins {
		x[k] = (float64(k) + 0.5) / bins * limit
		good[k] = orZero(eval.Ratio(n[0][k], b.curve.GoodTally.Sum))
		bad[k] = orZero(eval.Ratio(n[1][k], b.curve.BadTally.Sum))
	}
	return chart.Figure{ID: "score-distribution", Title: "Distribution of the predicted PD",
		X: chart.Axis{Label: "predicted PD", Min: 0, Max: numfmt.Number(limit), Format: numfmt.Percent},
		Y: chart.Axis{Label: "share of the class", Format: numfmt.Percent},
		Caption: "Bars of each class add up to 100 %; the last holds all higher PDs. The less the two overlap, the " +
			"better a cut-off can separate them.",
		Alt: "Histogram of the predicted probability of default, for good and for bad rows.",
		Series: []chart.Series{{Name: "good rows", Mark: chart.Bars, X: numfmt.Numbers(x), Y: numfmt.Numbers(good)},
			{Name: "bad rows", Mark: chart.Bars, X: numfmt.Numbers(x), Y: numfmt.Numbers(bad)}}}
}

// severityWords describes the distribution of costs that the H-measure assumes.
func severityWords(c *eval.Curve) string {
	if !c.HasBothClasses() {
		return ""
	}
	p := c.BadRate()
	return fmt.Sprintf("The H-measure spreads the cost of rejecting a good row, as a share of both costs, by "+
		"Beta(%s, %s): 1 plus the bad rate, and 1 plus the rate of good rows; a severity ratio of %s.",
		numfmt.Plain.Print(1+p), numfmt.Plain.Print(2-p), numfmt.Plain.Print(p/(1-p)))
}
