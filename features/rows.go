// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"fmt"
	"math"
	"time"

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

// EventOf turns a table's row into an event, as Rows does.
func (p *Plan) EventOf(rec arrow.Record, row int, id string, at time.Time) (assay.Event, error) {
	rows, err := p.Rows(rec)
	if err != nil {
		return assay.Event{}, err
	}
	return rows.Event(row, id, at)
}

// Rows reads the rows of a table as events.
type Rows struct {
	src      *source
	n        int
	id, kind fieldvalue.Column
	roles    []fieldvalue.Column
}

// Rows looks up the columns that the plan knows. It does not check whether the
// table has all of them, or others: MissingColumns and UnknownColumns do.
func (p *Plan) Rows(rec arrow.Record) (*Rows, error) {
	r := &Rows{n: int(rec.NumRows())}
	var err error
	if r.src, err = p.source(rec); err != nil {
		return nil, err
	}
	text := func(name string) (c fieldvalue.Column) {
		if name != "" && err == nil {
			c, err = fieldvalue.ColumnOf(rec, name, assay.Text, false)
		}
		return c
	}
	r.id, r.kind = text(p.spec.ID), text(p.spec.Kind)
	for _, role := range p.spec.Entities {
		r.roles = append(r.roles, text(role))
	}
	return r, err
}

// Event turns a row into an event. Its kind is the one in the plan's kind column
// if there is such a column, else the kind that the plan scores. An empty id and
// a zero time are replaced by those in the plan's id and time columns, if it has
// them. The values are in canonical form.
func (r *Rows) Event(row int, id string, at time.Time) (assay.Event, error) {
	if row < 0 || row >= r.n {
		return assay.Event{}, fmt.Errorf("row %d of a table of %d: %w", row, r.n, assay.ErrInvalid)
	}
	p := r.src.p
	kind := cmp.Or(r.kind.Text(row), p.spec.ScoredKind())
	if at.IsZero() {
		us, null, ok := r.src.time.Micros(row)
		if ok && !null && eventtime.All.Contains(us) {
			at = time.UnixMicro(us).UTC()
		}
	}
	no := p.kinds.index(kind)
	ev := assay.Event{ID: cmp.Or(id, r.id.Text(row)), Kind: kind, Time: at,
		Fields: make([]assay.Field, 0, len(p.fields))}
	for i := range r.roles {
		if t := r.roles[i].Text(row); t != "" {
			ev.Entities = append(ev.Entities, assay.Entity{Role: r.roles[i].Name, ID: t})
		}
	}
	for i := range p.fields {
		f, c := &p.fields[i], &r.src.cols[i]
		if !f.on.has(no) {
			continue
		}
		v, err := f.CellAsValue(c, row)
		if err != nil {
			return ev, err
		}
		if v.Kind == assay.Missing && !f.required {
			continue
		}
		ev.Fields = append(ev.Fields, assay.Field{Name: f.Spec.Name, Value: v})
	}
	if len(ev.Fields) == 0 { // the table has the columns, so the row states that all values are missing
		for i := range p.fields {
			if p.fields[i].on.has(no) {
				ev.Fields = append(ev.Fields, assay.Field{Name: p.fields[i].Spec.Name})
			}
		}
	}
	return ev, nil
}

// EachEvent calls fn with the event of each row, in order, leaving out kinds that
// the plan does not know. The events are those of EventOf, and fn may keep them.
func (p *Plan) EachEvent(rec arrow.Record, fn func(row int, ev *assay.Event) error) error {
	rows, err := p.Rows(rec)
	if err != nil {
		return err
	}
	for row := range int(rec.NumRows()) {
		ev, err := rows.Event(row, "", time.Time{})
		if err != nil {
			return err
		}
		if p.kinds.index(ev.Kind) == unknownKind {
			continue
		}
		if err := fn(row, &ev); err != nil {
			return err
		}
	}
	return nil
}
