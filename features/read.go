// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"
	"unicode/utf8"

	"github.com/assayrisk/assay"
)

// Read does what Admit does, and puts the values of the event's fields into
// dst[:0] as the kernels take them, in plan order and NaN where one is missing:
// what VectorOf makes a vector from. With room in dst for a value for each
// field of the plan, nothing is allocated. The error is Admit's.
//
// An event that names fields in the plan's order and has nothing wrong is
// looked at once; any other goes the long way, for its error or its values.
func (p *Plan) Read(dst []float64, ev *assay.Event) ([]float64, error) {
	if dst, ok := p.readPlain(dst[:0], ev); ok {
		return dst, nil
	}
	if err := p.Admit(ev); err != nil {
		return dst[:0], err
	}
	dst = dst[:0]
	for range p.fields {
		dst = append(dst, math.NaN())
	}
	n := -1
	for i := range ev.Fields {
		n = p.fieldAfter(n, ev.Fields[i].Name)
		if v := ev.Fields[i].Value; v.Kind != assay.Missing {
			dst[n] = p.fields[n].value(v)
		}
	}
	return dst, nil
}

// readPlain is Read for events of the scored kind that name fields in the
// plan's order. It says no to all that Admit might refuse or change.
func (p *Plan) readPlain(dst []float64, ev *assay.Event) ([]float64, bool) {
	if len(p.kinds) == 0 || ev.Kind != p.kinds[scored] || !timeOK(ev.Time) || len(ev.Fields) > assay.MaxFields {
		return dst, false
	}
	head := assay.Event{ID: ev.ID, Kind: ev.Kind, Time: ev.Time, Entities: ev.Entities}
	if head.Validate() != nil || !p.rolesKnown(ev) {
		return dst, false
	}
	required, says := 0, !p.readsFields
	for i := range ev.Fields {
		f := &ev.Fields[i]
		for len(dst) < len(p.fields) && p.fields[len(dst)].spec.Name != f.Name {
			dst = append(dst, math.NaN())
		}
		if len(dst) == len(p.fields) { // unknown, out of order, or given twice
			return dst, false
		}
		to := &p.fields[len(dst)]
		x, ok := to.readPlain(&f.Value)
		if !ok {
			return dst, false
		}
		if to.required {
			required++
		}
		says = says || to.read
		dst = append(dst, x)
	}
	for len(dst) < len(p.fields) {
		dst = append(dst, math.NaN())
	}
	return dst, says && required == p.required[scored]
}

func (p *Plan) rolesKnown(ev *assay.Event) bool {
next:
	for i := range ev.Entities {
		for _, role := range p.spec.Entities {
			if role == ev.Entities[i].Role {
				continue next
			}
		}
		return false
	}
	return true
}

// readPlain is value for a value that the field takes for certain.
func (f *field) readPlain(v *assay.Value) (x float64, ok bool) {
	if v.Kind == assay.Missing && f.plain {
		return math.NaN(), f.missing && v.Text() == ""
	}
	if v.Kind != f.kind || !f.plain {
		return 0, false
	}
	text := v.Text()
	if f.kind == assay.Text {
		if f.noText(text) {
			return math.NaN(), f.missing
		}
		if f.values != nil && !f.values[text] || len(text) > assay.MaxTextBytes || !utf8.ValidString(text) {
			return 0, false
		}
		code := f.text(text)
		return code, code != unseen || f.spelling(text) == text
	}
	if text != "" {
		return 0, false
	}
	switch f.kind {
	case assay.Instant:
		x, ok = f.instant(v.Micros())
		return x, ok && (x == x || f.missing)
	case assay.Flag:
		x, _ := f.number(v.Number())
		return x, true
	}
	y := v.Number()
	x, ok = f.number(y)
	return x, ok && y-y == 0 && (x == x || f.missing)
}

// plainName reports whether an event that Validate accepts can name a field so.
func plainName(s string) bool {
	return s != "" && len(s) <= assay.MaxNameBytes && utf8.ValidString(s)
}
