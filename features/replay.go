// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// tape plays a table as the event log that it is: one event a row, in the
// table's order.
type tape struct {
	src   *source
	kind  column // the plan's kind column; none: every row is scored
	roles []column
	needs []int // fields that windows read
	ev    assay.Event
}

func (p *Plan) tape(rec arrow.Record, src *source) (*tape, error) {
	t := &tape{src: src}
	var err error
	if p.spec.Kind != "" {
		if t.kind, err = columnOf(rec, p.spec.Kind, assay.Text, true); err != nil {
			return nil, err
		}
	}
	if len(p.feeds) == 0 {
		return t, nil
	}
	if p.spec.Time == "" {
		return nil, &assay.FieldError{Field: "time", Problem: "the plan has windows: name the table's time column at the plan's `time`"}
	}
	for _, r := range p.spec.Entities {
		c, err := columnOf(rec, r, assay.Text, false)
		if err != nil {
			return nil, err
		}
		t.roles = append(t.roles, c)
	}
	need := make([]bool, len(p.fields))
	mark := func(name string) {
		if i, ok := p.byName[name]; ok {
			need[i] = true
		}
	}
	for i := range p.spec.Windows {
		w := &p.spec.Windows[i]
		mark(w.Value)
		mark(w.Member)
		if w.Where != nil {
			mark(w.Where.Field)
		}
		for _, k := range w.Key {
			mark(k)
		}
	}
	for i, n := range need {
		if n {
			t.needs = append(t.needs, i)
		}
	}
	return t, nil
}

// kindAt is the kind of a row's event.
func (t *tape) kindAt(row int) string {
	if t.kind.array == nil {
		return t.src.p.spec.event()
	}
	return t.kind.text(row)
}

// at makes the event of one row, with the fields that windows read and no
// others. The event is valid until the next call.
func (t *tape) at(row int) (*assay.Event, error) {
	p := t.src.p
	us, null, ok := t.src.time.micros(row)
	if !ok || null {
		return nil, &RowError{row, t.src.time.name, "an event wants a time: 2006-01-02 or 2006-01-02T15:04:05Z"}
	}
	t.ev.Kind, t.ev.Time = t.kindAt(row), time.UnixMicro(us)
	t.ev.Entities, t.ev.Fields = t.ev.Entities[:0], t.ev.Fields[:0]
	for i := range t.roles {
		if id := t.roles[i].text(row); id != "" {
			t.ev.Entities = append(t.ev.Entities, assay.Entity{Role: t.roles[i].name, ID: id})
		}
	}
	for _, i := range t.needs {
		f := &p.fields[i]
		if !f.on[t.ev.Kind] {
			continue
		}
		v, err := f.eventValue(&t.src.cols[i], row)
		if err != nil {
			return nil, err
		}
		var bad *assay.FieldError
		if err := f.validate(v); errors.As(err, &bad) {
			return nil, &RowError{row, bad.Field, bad.Problem}
		}
		if v.Kind != assay.Missing {
			t.ev.Fields = append(t.ev.Fields, assay.Field{Name: f.spec.Name, Value: v})
		}
	}
	return &t.ev, nil
}

// history is what the windows said when each scored row came.
type history struct {
	rows  []int // record rows that are scored, in order
	place []int // record row -> index in rows, -1 if it is not scored; nil: the same
	slots []int // scratch columns of the window features
	cols  [][]float64
}

// replay plays the whole table through a fresh state: the same calls, in the
// same order, that a server makes. It finds the scored rows on the way.
func (p *Plan) replay(ctx context.Context, rec arrow.Record, src *source) (*history, error) {
	t, err := p.tape(rec, src)
	if err != nil {
		return nil, err
	}
	h, n := &history{}, int(rec.NumRows())
	if t.kind.array != nil {
		h.place = make([]int, n)
	}
	for _, f := range p.feeds {
		for _, r := range f.features {
			h.slots = append(h.slots, r.slot)
		}
	}
	h.cols = make([][]float64, len(h.slots))
	sc, st, event := p.newScratch(1), p.NewState(), p.spec.event()
	for row := range n {
		if row&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		scored := t.kindAt(row) == event
		if h.place != nil {
			h.place[row] = -1
			if scored {
				h.place[row] = len(h.rows)
			}
		}
		if scored {
			h.rows = append(h.rows, row)
		}
		if len(p.feeds) == 0 {
			continue
		}
		ev, err := t.at(row)
		if err != nil {
			return nil, err
		}
		if scored {
			if err := p.readWindows(sc, ev, st); err != nil {
				return nil, err
			}
			for i, slot := range h.slots {
				h.cols[i] = append(h.cols[i], sc.cols[slot][0])
			}
		}
		if err := p.Observe(ev, st); err != nil {
			return nil, fmt.Errorf("row %d: %w", row+1, err)
		}
	}
	return h, nil
}

// fill puts the window features of record rows into a scratch.
func (h *history) fill(sc *scratch, rows []int) {
	for i, slot := range h.slots {
		dst := sc.cols[slot]
		for j, row := range rows {
			if h.place != nil {
				row = h.place[row]
			}
			dst[j] = h.cols[i][row]
		}
	}
}

// scored keeps the rows that are of the scored kind.
func (h *history) scored(rows []int) []int {
	if h.place == nil {
		return rows
	}
	var out []int
	for _, r := range rows {
		if h.place[r] >= 0 {
			out = append(out, r)
		}
	}
	return out
}

// scoredRows finds the rows of the scored kind without playing the table.
func (p *Plan) scoredRows(rec arrow.Record, src *source) ([]int, error) {
	t := &tape{src: src}
	if p.spec.Kind != "" {
		var err error
		if t.kind, err = columnOf(rec, p.spec.Kind, assay.Text, true); err != nil {
			return nil, err
		}
	}
	var rows []int
	for row := range int(rec.NumRows()) {
		if t.kindAt(row) == p.spec.event() {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
