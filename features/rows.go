// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
)

// source reads a plan's fields from a record.
type source struct {
	p    *Plan
	cols []fieldvalue.Column // by field
	time fieldvalue.Column   // the event's time
}

func (p *Plan) source(rec arrow.Record) (*source, error) {
	s := &source{p: p, cols: make([]fieldvalue.Column, len(p.fields))}
	for i := range p.fields {
		f := &p.fields[i]
		var err error
		if s.cols[i], err = f.ColumnIn(rec, f.required && f.on.has(scored)); err != nil {
			return nil, err
		}
	}
	if p.spec.Time != "" {
		var err error
		if s.time, err = fieldvalue.ColumnOf(rec, p.spec.Time, assay.Instant, true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// timeAt returns the event time of a row, in microseconds.
func (s *source) timeAt(row int) (int64, *fieldvalue.RowError) {
	us, null, ok := s.time.Micros(row)
	if null || !ok || !eventtime.All.Contains(us) {
		return 0, &fieldvalue.RowError{Row: row, Column: s.time.Name, Problem: noTime}
	}
	return us, nil
}

// field reads field i of a row in the form that kernels read.
func (s *source) field(i, row int) (float64, *fieldvalue.RowError) {
	return s.p.fields[i].Cell(&s.cols[i], row)
}

// fill reads rows into the field columns of a scratch of the same length.
func (s *source) fill(sc *scratch, rows []int) error {
	p := s.p
	for i := range p.fields {
		dst := sc.cols[i]
		if !p.fields[i].on.has(scored) {
			for j := range dst {
				dst[j] = math.NaN()
			}
			continue
		}
		for j, row := range rows {
			x, err := s.field(i, row)
			if err != nil {
				return err
			}
			dst[j] = x
		}
	}
	dst := sc.cols[p.eventTimeSlot()]
	for j, row := range rows {
		us, null, ok := s.time.Micros(row)
		if !ok || !null && !eventtime.All.Contains(us) {
			return &fieldvalue.RowError{Row: row, Column: s.time.Name, Problem: fieldvalue.NoInstant}
		}
		dst[j] = float64(us)
		if null {
			dst[j] = math.NaN()
		}
	}
	return nil
}
