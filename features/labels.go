// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// Labels finds the scored rows of a table and their outcomes. In an event log
// (a spec with a kind column) the outcome is 1 if the bad event of the same
// entities came after the row and within the horizon, 0 if the horizon passed
// without it, NaN if the log ends before; open counts the NaN. Otherwise every
// row is scored and the outcome is the label column's, NaN where it is empty.
// labels is nil if the spec has no label or the table no such column.
func (s *Spec) Labels(rec arrow.Record) (rows []int, labels []float64, open int, err error) {
	p, src, err := s.reader(rec)
	if err != nil {
		return nil, nil, 0, err
	}
	if rows, err = p.scoredRows(rec, src); err != nil {
		return nil, nil, 0, err
	}
	labels, err = s.outcomes(rec, src, rows)
	for _, y := range labels {
		if y != y {
			open++
		}
	}
	return rows, labels, open, err
}

// Times returns the event time of each scored row, in microseconds since the
// Unix epoch, in the order of Labels: to split a log in time. It is nil if the
// spec names no time column.
func (s *Spec) Times(rec arrow.Record) ([]int64, error) {
	p, src, err := s.reader(rec)
	if err != nil || s.Time == "" {
		return nil, err
	}
	rows, err := p.scoredRows(rec, src)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(rows))
	for i, row := range rows {
		us, null, ok := src.time.micros(row)
		if null || !ok {
			return nil, &RowError{row, s.Time, noTime}
		}
		out[i] = us
	}
	return out, nil
}

// Labels is Spec.Labels without the rows, which Matrix.Row gives.
func (p *Plan) Labels(rec arrow.Record) (labels []float64, open int, err error) {
	_, labels, open, err = p.spec.Labels(rec)
	return labels, open, err
}

// reader reads a table by the spec alone.
func (s *Spec) reader(rec arrow.Record) (*Plan, *source, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	p, err := draft(&frozenPlan{Spec: s.withDefaults(), Learned: make([]learned, len(s.Features))})
	if err != nil {
		return nil, nil, err
	}
	src, err := p.source(rec)
	return p, src, err
}

// outcomes computes the labels of rows; nil if the plan has no label, or the
// table no such column.
func (s *Spec) outcomes(rec arrow.Record, src *source, rows []int) ([]float64, error) {
	switch {
	case s.Label == nil:
		return nil, nil
	case s.Label.Column != "":
		return s.columnLabels(rec, rows)
	case s.Kind == "" || s.Time == "":
		return nil, &assay.FieldError{Field: "label", Problem: "a label by event wants the plan's `kind` and `time` columns"}
	}
	horizon, _ := parseSpan(s.Label.Horizon) // checked by Spec.check
	kind, err := columnOf(rec, s.Kind, assay.Text, true)
	if err != nil {
		return nil, err
	}
	key := keyed{}
	var roles []column
	for _, r := range s.Label.Match {
		c, err := columnOf(rec, r, assay.Text, true)
		if err != nil {
			return nil, err
		}
		roles = append(roles, c)
		key.parts = append(key.parts, keyPart{name: r, role: true})
	}
	var ev assay.Event
	keyAt := func(row int) string {
		ev.Entities = ev.Entities[:0]
		for i := range roles {
			if id := roles[i].text(row); id != "" {
				ev.Entities = append(ev.Entities, assay.Entity{Role: roles[i].name, ID: id})
			}
		}
		return string(key.keyOf(nil, &ev))
	}
	bad, end := map[string][]int64{}, int64(math.MinInt64)
	for row := range int(rec.NumRows()) {
		us, null, ok := src.time.micros(row)
		if null || !ok {
			return nil, &RowError{row, s.Time, noTime}
		}
		end = max(end, us)
		if kind.text(row) == s.Label.Event {
			if k := keyAt(row); k != "" {
				bad[k] = append(bad[k], us)
			}
		}
	}
	out := make([]float64, len(rows))
	for i, row := range rows {
		us, _, _ := src.time.micros(row)
		if us+horizon > end {
			out[i] = math.NaN()
			continue
		}
		for _, b := range bad[keyAt(row)] {
			if b > us && b <= us+horizon {
				out[i] = 1
			}
		}
	}
	return out, nil
}
