// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// Vector computes the features of one event. It reads the windows of st as
// they stand before the event; Observe then applies the event to them. The
// values are put into dst[:0] and are valid as long as dst is; with room for
// all of them in dst, nothing is allocated. st may be nil if the plan has no
// windows.
//
// The event must have passed Validate, and be of the kind that the plan scores.
func (p *Plan) Vector(dst []float64, ev *assay.Event, st *State) (assay.Vector, error) {
	if ev.Kind != p.spec.event() {
		return assay.Vector{}, p.otherKind()
	}
	sc := p.scratch.Get().(*scratch)
	defer p.scratch.Put(sc)
	for i := range p.fields {
		sc.cols[i][0] = math.NaN()
	}
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); n < 0 {
			return assay.Vector{}, p.unknownField(ev.Fields[i].Name)
		}
		f := &p.fields[n]
		v := ev.Fields[i].Value
		if v.Kind == assay.Missing {
			continue
		}
		if v.Kind != f.kind {
			return assay.Vector{}, f.wrongKind(v.Kind)
		}
		sc.cols[n][0] = f.value(v)
	}
	return p.vector(dst, sc, ev, st)
}

// VectorOf is Vector of an event whose fields' values Read gave.
func (p *Plan) VectorOf(dst, fields []float64, ev *assay.Event, st *State) (assay.Vector, error) {
	if ev.Kind != p.spec.event() {
		return assay.Vector{}, p.otherKind()
	}
	if len(fields) != len(p.fields) {
		return assay.Vector{}, fmt.Errorf("%d values for the %d fields of the plan: take those that Read gives: %w",
			len(fields), len(p.fields), assay.ErrPrecondition)
	}
	sc := p.scratch.Get().(*scratch)
	defer p.scratch.Put(sc)
	for i, x := range fields {
		sc.cols[i][0] = x
	}
	return p.vector(dst, sc, ev, st)
}

func (p *Plan) otherKind() error {
	return &assay.FieldError{Field: "kind", Problem: fmt.Sprintf("this plan scores events of kind %q", p.spec.event())}
}

// vector computes the features when the fields' values stand in sc.
func (p *Plan) vector(dst []float64, sc *scratch, ev *assay.Event, st *State) (assay.Vector, error) {
	sc.cols[p.eventTimeSlot()][0] = float64(ev.Time.UnixMicro())
	if err := p.readWindows(sc, ev, st); err != nil {
		return assay.Vector{}, err
	}
	p.run(sc)
	dst = dst[:0]
	for _, slot := range p.visible {
		dst = append(dst, sc.cols[slot][0])
	}
	return assay.Vector{Plan: p.digest, Values: dst}, nil
}

// value is an event's value as the kernels take it.
func (f *field) value(v assay.Value) float64 {
	switch f.kind {
	case assay.Text:
		if s := v.Text(); !f.noText(s) {
			return f.text(s)
		}
		return math.NaN()
	case assay.Instant:
		x, _ := f.instant(v.Micros())
		return x
	}
	x, _ := f.number(v.Number())
	return x
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
	id, kind column
	roles    []column
}

// Rows looks up the columns that the plan knows. It does not ask whether the
// table has all of them, or others: NeedColumns and KnowsColumns do.
func (p *Plan) Rows(rec arrow.Record) (*Rows, error) {
	r := &Rows{n: int(rec.NumRows())}
	var err error
	if r.src, err = p.source(rec); err != nil {
		return nil, err
	}
	text := func(name string) (c column) {
		if name != "" && err == nil {
			c, err = columnOf(rec, name, assay.Text, false)
		}
		return c
	}
	r.id, r.kind = text(p.spec.ID), text(p.spec.Kind)
	for _, role := range p.spec.Entities {
		r.roles = append(r.roles, text(role))
	}
	return r, err
}

// Event turns a row into an event: of the kind that the plan scores, or, if the
// plan has a kind column and the table too, of the row's kind. An empty id and a
// zero time are taken from the plan's id and time columns, if it has them. The
// values are in canonical form.
func (r *Rows) Event(row int, id string, at time.Time) (assay.Event, error) {
	if row < 0 || row >= r.n {
		return assay.Event{}, fmt.Errorf("row %d of a table of %d: %w", row, r.n, assay.ErrInvalid)
	}
	p := r.src.p
	kind := or(r.kind.text(row), p.spec.event())
	if at.IsZero() {
		us, null, ok := r.src.time.micros(row)
		if ok && !null && allTimes.has(us) {
			at = time.UnixMicro(us).UTC()
		}
	}
	no := p.kinds.of(kind)
	ev := assay.Event{ID: or(id, r.id.text(row)), Kind: kind, Time: at, Fields: make([]assay.Field, 0, len(p.fields))}
	for i := range r.roles {
		if t := r.roles[i].text(row); t != "" {
			ev.Entities = append(ev.Entities, assay.Entity{Role: r.roles[i].name, ID: t})
		}
	}
	for i := range p.fields {
		f, c := &p.fields[i], &r.src.cols[i]
		if !f.on.has(no) {
			continue
		}
		v, err := f.eventValue(c, row)
		if err != nil {
			return ev, err
		}
		if v.Kind == assay.Missing && !f.required {
			continue
		}
		ev.Fields = append(ev.Fields, assay.Field{Name: f.spec.Name, Value: v})
	}
	if len(ev.Fields) == 0 { // the table has the columns: the row says that all is missing
		for i := range p.fields {
			if p.fields[i].on.has(no) {
				ev.Fields = append(ev.Fields, assay.Field{Name: p.fields[i].spec.Name})
			}
		}
	}
	return ev, nil
}

// eventValue reads one cell as an event's value.
func (f *field) eventValue(c *column, row int) (assay.Value, error) {
	switch f.kind {
	case assay.Text:
		t := c.text(row)
		if t == "" {
			return assay.Value{}, nil
		}
		if c.lossy(row) {
			return assay.Value{}, &RowError{row, c.name, lossyCode}
		}
		return assay.TextValue(t), nil
	case assay.Instant:
		us, null, ok := c.micros(row)
		switch {
		case !ok:
			return assay.Value{}, &RowError{row, c.name, noInstant}
		case null:
			return assay.Value{}, nil
		}
		return assay.InstantValue(time.UnixMicro(us)), nil
	}
	if c.null(row) {
		return assay.Value{}, nil
	}
	x, ok := c.number(row)
	if !ok {
		return assay.Value{}, &RowError{row, c.name, f.noNumber()}
	}
	if f.kind == assay.Flag {
		v, ok := flagOf(assay.Value{}, x)
		if !ok {
			return v, &RowError{row, c.name, notFlag}
		}
		return v, nil
	}
	return assay.NumberValue(x), nil
}
