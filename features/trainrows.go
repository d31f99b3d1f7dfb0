// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/isolation"
	"github.com/assayrisk/assay/features/plantext"
)

// usable returns the rows that keep the plan's rules, and counts the others.
func (s *source) usable(ctx context.Context, rows []int, report *FitReport) ([]int, error) {
	p := s.p
	report.Fields = make([]FieldReport, len(p.fields))
	for i := range p.fields {
		report.Fields[i].Name = p.fields[i].Spec.Name
	}
	out := make([]int, 0, len(rows))
	for n, row := range rows {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var bad *fieldvalue.RowError
		for i := range p.fields {
			if !p.fields[i].on.has(scored) {
				continue
			}
			x, err := s.field(i, row)
			if err != nil {
				bad = err
				break
			}
			r := &report.Fields[i]
			if x != x {
				r.Missing++
			}
			s.countOutside(r, i, row, x)
		}
		if bad != nil {
			report.Rejected++
			if len(report.Rejections) < 100 {
				report.Rejections = append(report.Rejections, bad)
			}
			continue
		}
		out = append(out, row)
	}
	return out, nil
}

// countOutside counts a value out of its field's range by what became of it: x.
func (s *source) countOutside(r *FieldReport, i, row int, x float64) {
	f, c := &s.p.fields[i], s.cols[i]
	var v, low, high float64
	switch f.Kind {
	case assay.Number:
		if c.Null(row) {
			return
		}
		v, _ = c.Number(row)
		low, high = f.Min, f.Max
	case assay.Instant:
		us, null, _ := c.Micros(row)
		if null {
			return
		}
		v, low, high = float64(us), float64(f.Times.First), float64(f.Times.Last)
	default:
		return
	}
	switch {
	case v != x && x != x:
		r.Cleared++
	case v != x:
		r.Clipped++
	case v < low || v > high:
		r.Flagged++
	}
}

// withoutOutliers marks the outlying rows, and leaves them out if the plan says
// so.
func (s *source) withoutOutliers(rows []int, labels []float64, report *FitReport) ([]int, []float64, error) {
	p := s.p
	if p.spec.Clean == nil || p.spec.Clean.Outliers == nil {
		return rows, labels, nil
	}
	sc := p.newScratch(len(rows))
	if err := s.fill(sc, rows); err != nil {
		return nil, nil, err
	}
	marked := p.outliers(sc, len(rows))
	var kept []int
	var keptLabels []float64
	for i, out := range marked {
		if out {
			report.Outliers = append(report.Outliers, rows[i])
		} else if kept = append(kept, rows[i]); labels != nil {
			keptLabels = append(keptLabels, labels[i])
		}
	}
	if !p.spec.Clean.Outliers.Drop || marked == nil {
		return rows, labels, nil
	}
	report.Dropped = true
	return kept, keptLabels, nil
}

// closed leaves out, and counts, the rows whose outcome is not known yet.
func (r *FitReport) closed(rows []int, labels []float64) ([]int, []float64) {
	if labels == nil {
		return rows, nil
	}
	n := 0
	for i, y := range labels {
		if y == y {
			rows[n], labels[n] = rows[i], y
			n++
		}
	}
	r.Open = len(rows) - n
	return rows[:n], labels[:n]
}

// columnLabels reads the label column of the rows, nil if the table has none.
func columnLabels(s *plantext.Spec, rec arrow.Record, rows []int) ([]float64, error) {
	if len(rec.Schema().FieldIndices(s.Label.Column)) == 0 {
		return nil, nil
	}
	c, err := fieldvalue.ColumnOf(rec, s.Label.Column, assay.Number, true)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(rows))
	for i, row := range rows {
		var ok bool
		if out[i], ok = c.Number(row); !ok || out[i] < 0 || out[i] > 1 {
			return nil, &fieldvalue.RowError{Row: row, Column: c.Name, Problem: "a label wants 0 (good) or 1 (bad)"}
		}
	}
	return out, nil
}

// duplicates returns the rows without those that agree with an earlier one on
// all the columns that the plan names.
func withoutDuplicates(s *plantext.Spec, rec arrow.Record, rows []int) ([]int, int, error) {
	if s.Clean == nil || len(s.Clean.Duplicates) == 0 {
		return rows, 0, nil
	}
	var cols []fieldvalue.Column
	for _, name := range s.Clean.Duplicates {
		idx := rec.Schema().FieldIndices(name)
		if len(idx) == 0 {
			return nil, 0, &assay.FieldError{Field: name,
				Problem: "the plan looks for duplicates by this column, and the table does not have it"}
		}
		cols = append(cols, fieldvalue.Column{Name: name, Array: rec.Column(idx[0]), Kind: assay.Text})
	}
	seen, out := map[string]bool{}, make([]int, 0, len(rows))
	var key strings.Builder
	for _, row := range rows {
		key.Reset()
		for i := range cols {
			t := cols[i].Text(row)
			if us, null, ok := cols[i].Micros(row); t == "" && ok && !null {
				t = fmt.Sprint(us)
			}
			fmt.Fprintf(&key, "%d:%s", len(t), t)
		}
		if !seen[key.String()] {
			seen[key.String()] = true
			out = append(out, row)
		}
	}
	return out, len(rows) - len(out), nil
}

// outliers marks, among the rows of a scratch, the share that the isolation
// forest finds the most isolated, by its numeric fields. The result is in the
// order of the rows.
func (p *Plan) outliers(sc *scratch, rows int) []bool {
	o := p.spec.Clean.Outliers
	var cols [][]float64
	for i := range p.fields {
		if p.fields[i].Kind == assay.Number && p.fields[i].on.has(scored) {
			cols = append(cols, sc.cols[i][:rows])
		}
	}
	if len(cols) == 0 {
		return nil
	}
	trees, sample := o.Trees, o.Sample
	if trees == 0 {
		trees = 100
	}
	if sample == 0 {
		sample = 256
	}
	score := isolation.Scores(cols, trees, min(sample, rows))
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	marked := make([]bool, rows)
	for _, i := range order[:int(math.Floor(o.Share*float64(rows)))] {
		marked[i] = true
	}
	return marked
}
