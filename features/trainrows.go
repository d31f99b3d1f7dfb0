// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// usable returns the rows that keep the plan's rules, and counts the others.
func (s *source) usable(ctx context.Context, rows []int, report *FitReport) ([]int, error) {
	p := s.p
	report.Fields = make([]FieldReport, len(p.fields))
	for i := range p.fields {
		report.Fields[i].Name = p.fields[i].spec.Name
	}
	out := make([]int, 0, len(rows))
	for n, row := range rows {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var bad *RowError
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
	switch f.kind {
	case assay.Number:
		if c.null(row) {
			return
		}
		v, _ = c.number(row)
		low, high = f.min, f.max
	case assay.Instant:
		us, null, _ := c.micros(row)
		if null {
			return
		}
		v, low, high = float64(us), float64(f.times.first), float64(f.times.last)
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
func (s *Spec) columnLabels(rec arrow.Record, rows []int) ([]float64, error) {
	if len(rec.Schema().FieldIndices(s.Label.Column)) == 0 {
		return nil, nil
	}
	c, err := columnOf(rec, s.Label.Column, assay.Number, true)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(rows))
	for i, row := range rows {
		var ok bool
		if out[i], ok = c.number(row); !ok || out[i] < 0 || out[i] > 1 {
			return nil, &RowError{row, c.name, "a label wants 0 (good) or 1 (bad)"}
		}
	}
	return out, nil
}
