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

// trainingRows returns those of the scored rows that a plan may be fitted on, with
// their labels, and reports the others: duplicates, rows that break a rule, rows
// without an outcome and outliers.
func (s *source) trainingRows(ctx context.Context, spec *plantext.Spec, rec arrow.Record, rows []int,
	report *FitReport) (kept []int, labels []float64, err error) {
	rows, report.Duplicates, err = withoutDuplicates(spec, rec, rows)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = s.rowsWithinRules(ctx, rows, report); err != nil {
		return nil, nil, err
	}
	outcomes := &Outcomes{Rows: rows}
	if err := s.p.outcomes(rec, s, outcomes); err != nil {
		return nil, nil, err
	}
	rows, labels = report.dropOpen(rows, outcomes.Labels)
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("no training row satisfies the plan (%d were rejected, %d have no outcome yet): %w",
			report.Rejected, report.Open, assay.ErrInvalid)
	}
	return s.withoutOutliers(rows, labels, report)
}

// rowsWithinRules returns the rows that follow the plan's rules, and counts the others.
func (s *source) rowsWithinRules(ctx context.Context, rows []int, report *FitReport) ([]int, error) {
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

// countOutside counts a value outside its field's range by what the field's rule
// made of it: x, which is missing, clipped or unchanged.
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

// withoutOutliers reports the outliers, and leaves them out if the plan says so.
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

// dropOpen leaves out and counts the rows whose outcome is not known yet.
func (r *FitReport) dropOpen(rows []int, labels []float64) ([]int, []float64) {
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

// withoutDuplicates returns the rows without those that agree with an earlier one on
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

// outliers marks the share of the rows of a scratch that an isolation forest over
// the numeric fields finds the most isolated. The result is in the order of rows.
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
