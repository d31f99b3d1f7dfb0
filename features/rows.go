// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// RowError says which row of a table breaks which rule of the plan. It matches
// assay.ErrInvalid, and never repeats the value.
type RowError struct {
	Row     int // 0-based row of the record
	Column  string
	Problem string
}

// Error implements error.
func (e *RowError) Error() string {
	return fmt.Sprintf("row %d, column %q: %s", e.Row+1, e.Column, e.Problem)
}

// Is reports that a RowError is an assay.ErrInvalid.
func (e *RowError) Is(target error) bool { return target == assay.ErrInvalid }

// source reads a plan's fields from a record.
type source struct {
	p    *Plan
	cols []column // by field
	time column   // the event's time
}

func (p *Plan) source(rec arrow.Record) (*source, error) {
	s := &source{p: p, cols: make([]column, len(p.fields))}
	for i := range p.fields {
		f := &p.fields[i]
		var err error
		c := column{name: f.spec.Name, kind: f.kind, field: f}
		if s.cols[i], err = c.in(rec, f.required && f.on.has(scored)); err != nil {
			return nil, err
		}
	}
	if p.spec.Time != "" {
		var err error
		if s.time, err = columnOf(rec, p.spec.Time, assay.Instant, true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

const noInstant = "not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z"

// timeAt is the event time of a row, in microseconds.
func (s *source) timeAt(row int) (int64, *RowError) {
	us, null, ok := s.time.micros(row)
	if null || !ok || !allTimes.has(us) {
		return 0, &RowError{row, s.time.name, noTime}
	}
	return us, nil
}

// field reads field i of a row as the kernels take it: the same rules as
// Plan.Validate and Plan.Vector apply to an event.
func (s *source) field(i, row int) (float64, *RowError) {
	f, c := &s.p.fields[i], &s.cols[i]
	if f.kind == assay.Text {
		if t := c.text(row); t != "" {
			return f.coded(c, row, t)
		}
	} else if f.kind == assay.Instant {
		us, null, ok := c.micros(row)
		switch {
		case !ok:
			return 0, &RowError{row, c.name, noInstant}
		case !null:
			x, ok := f.instant(us)
			if !ok {
				return 0, &RowError{row, c.name, f.timeProblem()}
			}
			if x == x || f.missing {
				return x, nil
			}
		}
	} else if !c.null(row) {
		stated, isNumber := c.number(row)
		if !isNumber {
			return 0, &RowError{row, c.name, f.noNumber()}
		}
		x, ok := f.number(stated)
		if !ok {
			return 0, &RowError{row, c.name, f.rangeProblem()}
		}
		if f.kind == assay.Flag && x != 0 && x != 1 {
			return 0, &RowError{row, c.name, notFlag}
		}
		if x == x || f.missing {
			return x, nil
		}
	}
	if !f.missing {
		return 0, &RowError{row, c.name, "has no value, and the plan requires one"}
	}
	return math.NaN(), nil
}

// coded is the code of a row's text, which is not empty.
func (f *field) coded(c *column, row int, t string) (float64, *RowError) {
	if c.lossy(row) {
		return 0, &RowError{row, c.name, lossyCode}
	}
	if len(t) > assay.MaxTextBytes {
		return 0, &RowError{row, c.name, tooLongText}
	}
	if f.values != nil && !f.values[t] {
		return 0, &RowError{row, c.name, "the text is not one of the values that the plan allows"}
	}
	return f.text(t), nil
}

const (
	tooLongText = "the text is too long"
	notFlag     = "a flag wants true or false, 1 or 0"
	lossyCode   = "the code came as a floating-point number beyond 2^53, where digits are lost: bring it as text or " +
		"as int64"
)

// noNumber says what a text should have been.
func (f *field) noNumber() string {
	if f.kind == assay.Flag {
		return notFlag
	}
	return "is no number: want digits with a decimal point, as in -1234.5"
}

// rangeProblem says what a number should have been.
func (f *field) rangeProblem() string {
	switch {
	case f.numbers != nil:
		return "the number is not one of the values that the plan allows"
	case !math.IsInf(f.min, 0) && !math.IsInf(f.max, 0):
		return fmt.Sprintf("out of range: want %g to %g", f.min, f.max)
	case !math.IsInf(f.min, 0):
		return fmt.Sprintf("out of range: want %g or more", f.min)
	case !math.IsInf(f.max, 0):
		return fmt.Sprintf("out of range: want %g or less", f.max)
	}
	return "must be a finite number"
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
		us, null, ok := s.time.micros(row)
		if !ok || !null && !allTimes.has(us) {
			return &RowError{row, s.time.name, noInstant}
		}
		dst[j] = float64(us)
		if null {
			dst[j] = math.NaN()
		}
	}
	return nil
}
