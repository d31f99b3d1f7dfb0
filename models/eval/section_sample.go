// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
)

// sample is section 2.
func (b *builder) sample() (Section, error) {
	in, c := b.in, b.curve
	s := Section{ID: "sample", Title: "Sample",
		Lead: "Which rows were evaluated, which were left out and why, and what the data looks like."}
	t := Table{Title: "Rows",
		Columns: []Column{{Name: "Set"}, {Name: "Rows", Format: numfmt.Count}, {Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "95 % from", Format: numfmt.Percent},
			{Name: "to", Format: numfmt.Percent}},
		Caption: "Bad rates with Wilson intervals. No evaluated row is known to have trained the model."}
	if in.Seen > 0 {
		t.Caption = "Bad rates with Wilson intervals. " + b.seen()
	}
	row := func(name string, c *Curve) {
		w := c.rate()
		t.Rows = append(t.Rows, []Cell{T(name), countCell(c.mass().sum), countCell(c.badMass.sum), V(float64(w.Value)),
			V(float64(w.Low)), V(float64(w.High))})
	}
	row("evaluated", c)
	if b.train != nil {
		row("training", b.train)
	}
	s.table(t)
	if in.Weight != nil || in.Train != nil && in.Train.Weight != nil {
		s.table(b.weightTable())
	}
	if len(in.Exclusions) > 0 {
		t := Table{Title: "Exclusions", Caption: "Rows left out before evaluation, by the first rule that they met.",
			Columns: []Column{{Name: "Rule"}, {Name: "Rows", Format: numfmt.Count}}}
		for _, e := range in.Exclusions {
			t.Rows = append(t.Rows, []Cell{T(e.Rule), I(e.Rows)})
		}
		s.table(t)
	}
	if in.Time != nil {
		b.badRateByMonth(&s)
	}
	for _, seg := range in.Segments {
		s.table(b.segmentTable(seg))
	}
	if len(in.Features) > 0 {
		s.table(b.qualityTable())
	}
	return s, nil
}

// seen says how many of the evaluated rows trained the model.
func (b *builder) seen() string {
	return fmt.Sprintf("%s of the %s evaluated rows trained the model: what is measured on them flatters it.",
		numfmt.Count.Print(float64(b.in.Seen)), numfmt.Count.Print(float64(b.curve.Rows())))
}

func (b *builder) badRateByMonth(s *Section) {
	names, code := months(b.in.Time)
	rates := rateBy(b.in.Label, b.in.Weight, code, len(names))
	f := chart.Figure{ID: "bad-by-month", Title: "Bad rate by month",
		X: chart.Axis{Label: "month of the decision", Labels: names},
		Y: chart.Axis{Label: "bad rate", Format: numfmt.Percent},
		Caption: "Each dot is a month with its Wilson 95 % interval; the dashed line is the whole sample. A trend " +
			"says that the world changes, whatever the model does.",
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
	s.figure(f)
}

func (b *builder) segmentTable(seg Category) Table {
	t := Table{Title: "Bad rate by " + seg.Name,
		Caption: "AUC within a segment can be lower than over all: part of the whole is telling segments apart. " +
			fewWords,
		Columns: []Column{{Name: seg.Name}, {Name: "Rows", Format: numfmt.Count}, {Name: "Bad", Format: numfmt.Count},
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
		w, auc := c.rate(), c.enough()
		t.Rows = append(t.Rows, []Cell{T(name), countCell(c.mass().sum), countCell(c.badMass.sum), V(float64(w.Value)),
			V(float64(w.Low)), V(float64(w.High)),
			V(b.meanPD(rows)), V(float64(auc.Value)), V(float64(auc.Low)), V(float64(auc.High))})
	}
	return t
}

// curveOf is the curve of some evaluated rows.
func (b *builder) curveOf(rows []int32) *Curve {
	return newCurve(subset(b.in.Label, rows), subset(b.rank, rows), weightsOf(b.in.Weight, rows))
}

// meanPD is the mean PD of some evaluated rows.
func (b *builder) meanPD(rows []int32) float64 {
	return weightedMean(subset(b.in.PD, rows), weightsOf(b.in.Weight, rows))
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

func countNaN(x []float64) (n int) {
	for _, v := range x {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

func mean(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return ratio(s, float64(len(x)))
}
