// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
)

// discrimination is section 4.
func (b *builder) discrimination() (Section, error) {
	c := b.curve
	s := Section{ID: "discrimination", Title: "Discrimination",
		Lead: "How well the model tells bad rows from good ones. Only the order of the scores counts here; whether " +
			"the probabilities are right is section 6."}
	t := Table{Title: "Discrimination",
		Caption: fmt.Sprintf("%s bad and %s good rows. By chance: what a score that says nothing gives on average on "+
			"so many rows. Less its bias: a maximum found on these rows is higher than on all. %s",
			Count.Print(float64(c.Bad)), Count.Print(float64(c.Good)), c.severityWords()),
		Columns: []Column{{Name: "Statistic"}, {Name: "Value", Format: Fixed4}, {Name: "95 % from", Format: Fixed4},
			{Name: "to", Format: Fixed4}, {Name: "Less its bias", Format: Fixed4}, {Name: "By chance", Format: Fixed4},
			{Name: "Interval by"}}}
	names := []struct{ name, label string }{{"auc", "AUC"}, {"gini", "Gini"}, {"ks", "KS"}, {"h_measure", "H-measure"},
		{"average_precision", "Average precision"},
		{"partial_auc", fmt.Sprintf("Partial AUC, up to %.0f %% of good rows rejected", 100*partialShare)}}
	for _, f := range fprs {
		names = append(names,
			struct{ name, label string }{fmt.Sprintf("tpr_at_fpr_%.2f", f),
				fmt.Sprintf("Bad rows caught when %.0f %% of good rows are rejected", 100*f)})
	}
	for _, k := range names {
		e, _ := b.rep.Metric(k.name)
		t.Rows = append(t.Rows, []Cell{T(k.label), V(float64(e.Value)), V(float64(e.Low)), V(float64(e.High)),
			optional(e.Corrected), optional(e.Chance), T(e.Method)})
	}
	s.table(t)
	b.holdsVerdict(&s)
	b.separationVerdict(&s)
	if !c.twoClasses() {
		return s, nil
	}
	s.figure(b.rocFigure())
	s.figure(b.capFigure())
	s.figure(b.ksFigure())
	s.figure(b.distributionFigure())
	return s, nil
}

// optional shows a number that not every statistic has.
func optional(x *Number) Cell {
	if x == nil {
		return T("")
	}
	return V(float64(*x))
}

func (b *builder) rocFigure() Figure {
	x, y := b.curve.Points(300)
	f := Figure{ID: "roc", Title: "ROC curve",
		X: Axis{Label: "share of good rows rejected", Min: 0, Max: 1, Format: Percent},
		Y: Axis{Label: "share of bad rows caught", Min: 0, Max: 1, Format: Percent},
		Caption: "Each point is a cut-off. The further the line bends to the upper left, the more bad rows are " +
			"caught for the good ones lost; the diagonal is chance.",
		Alt: fmt.Sprintf("ROC curve of the model with an area of %s.", Fixed3.Print(b.curve.AUC()))}
	f.Series = []Series{{Name: "chance", Mark: Reference, X: []Number{0, 1}, Y: []Number{0, 1}},
		{Name: "model", Mark: Line, X: numbers(x), Y: numbers(y)}}
	for i, ch := range b.in.Challenger {
		if i == 3 {
			break
		}
		x, y := b.rival[i].Points(300)
		f.Series = append(f.Series, Series{Name: ch.Name, Mark: Line, X: numbers(x), Y: numbers(y)})
	}
	return f
}

func (b *builder) capFigure() Figure {
	fpr, tpr := b.curve.Points(300)
	p := b.curve.BadRate()
	x := make([]float64, len(fpr))
	for i := range fpr {
		x[i] = float64(p*tpr[i]) + float64((1-p)*fpr[i])
	}
	return Figure{ID: "cap", Title: "CAP curve (cumulative accuracy profile)",
		X: Axis{Label: "share of all rows, riskiest first", Min: 0, Max: 1, Format: Percent},
		Y: Axis{Label: "share of bad rows caught", Min: 0, Max: 1, Format: Percent},
		Caption: "Rejecting the riskiest rows from left to right: how many of the bad ones are among them. Gini is " +
			"the area between model and chance over the area between perfect and chance.",
		Alt: fmt.Sprintf("CAP curve with a Gini of %s.", Fixed3.Print(b.curve.Gini())),
		Series: []Series{{Name: "chance", Mark: Reference, X: []Number{0, 1}, Y: []Number{0, 1}},
			{Name: "model", Mark: Line, X: numbers(x), Y: numbers(tpr)},
			{Name: "perfect", Mark: Line, X: []Number{0, Number(p), 1}, Y: []Number{0, 1, 1}}}}
}

// ksFigure plots the cumulative shares against the PD; a margin has no unit
// that a reader knows, and the PD rises with it.
func (b *builder) ksFigure() Figure {
	c := b.curve
	if b.in.Margin != nil {
		c = newCurve(b.in.Label, b.in.PD, b.in.Weight)
	}
	ks, at := c.KS()
	var xs, bad, good []float64
	var nb, ng float64
	n := len(c.score)
	every := max(1, n/300)
	for k := n - 1; k >= 0; k-- {
		nb, ng = nb+c.bad[k], ng+c.good[k]
		if k%every == 0 || k == n-1 {
			xs = append(xs, c.score[k])
			bad, good = append(bad, nb/c.badMass.sum), append(good, ng/c.goodMass.sum)
		}
	}
	return Figure{ID: "ks", Title: "KS plot", X: Axis{Label: "predicted PD", Min: 0, Max: Number(b.pdLimit()),
		Format: Percent}, Y: Axis{Label: "share of rows up to this PD", Min: 0, Max: 1, Format: Percent},
		Caption: fmt.Sprintf("Good rows gather at low PDs, bad rows at high ones. KS is the largest vertical gap, "+
			"%s, at a PD of %s (thin line).", Fixed3.Print(ks), Percent.Print(at)),
		Alt: fmt.Sprintf("Cumulative distributions of good and bad rows over PD; the largest gap is %s.",
			Fixed3.Print(ks)),
		Series: []Series{{Name: "good rows", Mark: Line, X: numbers(xs), Y: numbers(good)},
			{Name: "bad rows", Mark: Line, X: numbers(xs), Y: numbers(bad)},
			{Mark: Reference, X: []Number{Number(at), Number(at)}, Y: []Number{0, 1}}}}
}

func (b *builder) distributionFigure() Figure {
	const bins = 25
	var n [2][bins]float64
	limit := b.pdLimit()
	for i, p := range b.in.PD {
		k := min(bins-1, int(p/limit*bins))
		n[int(b.in.Label[i])][k] += weightAt(b.in.Weight, i)
	}
	x, good, bad := make([]float64, bins), make([]float64, bins), make([]float64, bins)
	for k := range bins {
		x[k] = (float64(k) + 0.5) / bins * limit
		good[k] = orZero(ratio(n[0][k], b.curve.goodMass.sum))
		bad[k] = orZero(ratio(n[1][k], b.curve.badMass.sum))
	}
	return Figure{ID: "score-distribution", Title: "Distribution of the predicted PD",
		X: Axis{Label: "predicted PD", Min: 0, Max: Number(limit), Format: Percent},
		Y: Axis{Label: "share of the class", Format: Percent},
		Caption: "Bars of each class add up to 100 %; the last holds all higher PDs. The less the two overlap, the " +
			"better a cut-off can part them.",
		Alt: "Histogram of the predicted probability of default, for good and for bad rows.",
		Series: []Series{{Name: "good rows", Mark: Bars, X: numbers(x), Y: numbers(good)},
			{Name: "bad rows", Mark: Bars, X: numbers(x), Y: numbers(bad)}}}
}
