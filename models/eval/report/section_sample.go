// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// sample makes the section of that name.
func (b *builder) sample() (document.Section, error) {
	in, c := b.in, b.curve
	s := document.Section{ID: "sample", Title: "Sample",
		Introduction: "Which rows were evaluated, which were left out and why, and what the data looks like."}
	t := document.Table{Title: "Rows",
		Columns: []document.Column{{Name: "Set"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "95 % from", Format: numfmt.Percent},
			{Name: "to", Format: numfmt.Percent}},
		Caption: "Bad rates with Wilson intervals. No evaluated row is known to have trained the model."}
	if in.Seen > 0 {
		t.Caption = "Bad rates with Wilson intervals. " + b.seen()
	}
	row := func(name string, c *eval.Curve) {
		w := c.BadRateEstimate()
		t.Rows = append(t.Rows, []document.Cell{text(name), countCell(c.Tally().Sum), countCell(c.BadTally.Sum),
			number(float64(w.Value)),
			number(float64(w.Low)), number(float64(w.High))})
	}
	row("evaluated", c)
	if b.train != nil {
		row("training", b.train)
	}
	s.AddTable(t)
	if in.Weight != nil || in.Train != nil && in.Train.Weight != nil {
		s.AddTable(b.weightTable())
	}
	if len(in.Exclusions) > 0 {
		t := document.Table{Title: "Exclusions",
			Caption: "Rows left out before evaluation, by the first rule that they met.",
			Columns: []document.Column{{Name: "Rule"}, {Name: "Rows", Format: numfmt.Count}}}
		for _, e := range in.Exclusions {
			t.Rows = append(t.Rows, []document.Cell{text(e.Rule), count(e.Rows)})
		}
		s.AddTable(t)
	}
	if in.Time != nil {
		b.badRateByMonth(&s)
	}
	for _, seg := range in.Segments {
		s.AddTable(b.segmentTable(seg))
	}
	if len(in.Features) > 0 {
		s.AddTable(b.qualityTable())
	}
	return s, nil
}

// seen says how many of the evaluated rows trained the model.
func (b *builder) seen() string {
	return fmt.Sprintf("%s of the %s evaluated rows trained the model: figures that include them are too favourable.",
		numfmt.Count.Print(float64(b.in.Seen)), numfmt.Count.Print(float64(b.curve.Rows())))
}

func (b *builder) badRateByMonth(s *document.Section) {
	names, code := eval.Periods(b.in.Time)
	rates := eval.RateBy(b.in.Label, b.in.Weight, code, len(names))
	f := chart.Figure{ID: "bad-by-month", Title: "Bad rate by month",
		X: chart.Axis{Label: "month of the decision", Labels: names},
		Y: chart.Axis{Label: "bad rate", Format: numfmt.Percent},
		Caption: "Each dot is a month with its Wilson 95 % interval; the dashed line is the whole sample. A trend " +
			"means that the applicants or the economy change, whatever the model does.",
		Alt: fmt.Sprintf("Bad rate over %d months.", len(names))}
	dots := chart.Series{Name: "month", Mark: chart.Dots, X: chart.Positions(len(names))}
	for i := range names {
		w := rates[i]
		dots.Y, dots.Low, dots.High = append(dots.Y, w.Value), append(dots.Low, w.Low), append(dots.High, w.High)
	}
	mean := numfmt.Number(b.curve.BadRate())
	f.Series = []chart.Series{dots,
		{Name: "whole sample", Mark: chart.Reference, X: []numfmt.Number{-0.5, numfmt.Number(len(names)) - 0.5},
			Y: []numfmt.Number{mean, mean}}}
	s.AddFigure(f)
}

func (b *builder) segmentTable(seg Category) document.Table {
	t := document.Table{Title: "Bad rate by " + seg.Name,
		Caption: "AUC within a segment can be lower than over all rows, because part of the overall AUC comes from " +
			"telling segments apart. " +
			fewRowsNote,
		Columns: []document.Column{{Name: seg.Name}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "95 % from", Format: numfmt.Percent},
			{Name: "to", Format: numfmt.Percent},
			{Name: "Mean PD", Format: numfmt.Percent}, {Name: "AUC", Format: numfmt.Fixed3},
			{Name: "95 % from", Format: numfmt.Fixed3},
			{Name: "to", Format: numfmt.Fixed3}}}
	for k, rows := range rowsOf(seg) {
		name := "not known"
		if k < len(seg.Levels) {
			name = seg.Levels[k]
		} else if len(rows) == 0 {
			continue
		}
		c := b.curveOf(rows)
		w, auc := c.BadRateEstimate(), reliableAUC(c)
		t.Rows = append(t.Rows, []document.Cell{text(name), countCell(c.Tally().Sum), countCell(c.BadTally.Sum),
			number(float64(w.Value)),
			number(float64(w.Low)), number(float64(w.High)),
			number(b.meanPD(rows)), number(float64(auc.Value)), number(float64(auc.Low)), number(float64(auc.High))})
	}
	return t
}

// curveOf is the curve of some evaluated rows.
func (b *builder) curveOf(rows []int32) *eval.Curve {
	return eval.CurveOf(eval.Select(b.in.Label, rows), eval.Select(b.rank, rows), eval.Select(b.in.Weight, rows))
}

// meanPD is the mean PD of some evaluated rows.
func (b *builder) meanPD(rows []int32) float64 {
	return eval.WeightedMean(eval.Select(b.in.PD, rows), eval.Select(b.in.Weight, rows))
}

// rowsOf returns the rows of each level; rows whose level is not known come
// last.
func rowsOf(c Category) [][]int32 {
	out := make([][]int32, len(c.Levels)+1)
	for i, k := range c.Code {
		if k < 0 {
			k = int32(len(c.Levels))
		}
		out[k] = append(out[k], int32(i))
	}
	return out
}

// qualityTable counts missing values, outliers and values that cleaning changed.
func (b *builder) qualityTable() document.Table {
	t := document.Table{Title: "Data quality by variable",
		Caption: fmt.Sprintf("%s evaluated rows. An outlier lies more than three interquartile ranges outside the "+
			"quartiles (Tukey's outer fence).", numfmt.Count.Print(float64(b.curve.Rows()))),
		Columns: []document.Column{{Name: "Variable"}, {Name: "Kind"}, {Name: "Missing", Format: numfmt.Percent},
			{Name: "Missing in training", Format: numfmt.Percent}, {Name: "Distinct", Format: numfmt.Count},
			{Name: "Smallest"},
			{Name: "Median"}, {Name: "Largest"}, {Name: "Outliers", Format: numfmt.Count},
			{Name: "Changed by cleaning", Format: numfmt.Count}}}
	for j, f := range b.in.Features {
		c, kind, far := &b.measured[j], "number", number(float64(b.measured[j].Far))
		if f.Categories != nil {
			kind, far = "category", number(math.NaN())
		}
		t.Rows = append(t.Rows,
			[]document.Cell{text(f.Name), text(kind), number(c.Missing), number(c.MissingInTraining), count(c.Distinct),
				number(c.Low).As(numfmt.FormatOf(f.Name, f.Values)),
				number(c.Median).As(numfmt.FormatOf(f.Name, f.Values)),
				number(c.High).As(numfmt.FormatOf(f.Name, f.Values)), far, count(f.Cleaned)})
	}
	return t
}

// weightTable shows the weights of the rows and the effective number of rows.
func (b *builder) weightTable() document.Table {
	in := b.in
	t := document.Table{Title: "Weights",
		Caption: "A row of weight w counts as w rows in every table" + b.weightColumn() +
			". Effective rows: how many rows of equal weight carry as much information (the square of the sum of " +
			"weights over the sum of their squares, Kish 1965); intervals, chance levels and the rows that a " +
			"question needs are computed from it. Tables about single rows or unweighted columns (data quality, " +
			"correlations, worked decisions, reasons, evasion, parity) count each row once.",
		Columns: []document.Column{{Name: "Set"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Smallest weight"}, {Name: "Largest"},
			{Name: "Sum of weights"}, {Name: "Effective rows", Format: numfmt.Fixed1}, {Name: "Effective bad rows",
				Format: numfmt.Fixed1},
			{Name: "Effective good rows", Format: numfmt.Fixed1}}}
	row := func(name string, c *eval.Curve, weight []float64) {
		low, high := 1.0, 1.0
		if weight != nil {
			low, high = slices.Min(weight), slices.Max(weight)
		}
		t.Rows = append(t.Rows, []document.Cell{text(name), count(c.Rows()), number(low), number(high),
			number(c.Tally().Sum), number(c.Tally().Effective()),
			number(c.BadTally.Effective()), number(c.GoodTally.Effective())})
	}
	row("evaluated", b.curve, in.Weight)
	if b.train != nil {
		row("training", b.train, in.Train.Weight)
	}
	return t
}

// weightColumn names the column of weights in brackets; "" where it is not known.
func (b *builder) weightColumn() string {
	if b.in.Weights == "" {
		return ""
	}
	return " (column " + b.in.Weights + ")"
}

// weighted is the sentence that says that counts are weighted; "" where they are not.
func (b *builder) weighted() string {
	if b.in.Weight == nil {
		return ""
	}
	return fmt.Sprintf(" Counts and rates are weighted%s: the %s rows carry as much information as %s of equal weight.",
		b.weightColumn(),
		numfmt.Count.Print(float64(b.curve.Rows())), numfmt.Count.Print(float64(groundsOf(b.curve, "").Rows)))
}
