// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"
	"unicode/utf8"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
)

// Read does what Admit does, and appends the values of the event's fields to
// dst[:0] in the form that kernels read: in plan order, NaN where one is missing.
// VectorOf computes a vector from them. If dst has capacity for a value of each
// field of the plan, nothing is allocated. The error is that of Admit.
//
// An event that names fields in the plan's order and has nothing wrong is read in
// one pass; any other takes the slower path through Admit.
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
			dst[n] = p.fields[n].Value(v)
		}
	}
	return dst, nil
}

// readPlain is Read for events of the scored kind that name fields in the plan's
// order. It returns false for everything that Admit might refuse or change.
func (p *Plan) readPlain(dst []float64, ev *assay.Event) ([]float64, bool) {
	if len(p.kinds) == 0 || ev.Kind != p.kinds[scored] || !eventtime.Allowed(ev.Time) ||
		len(ev.Fields) > assay.MaxFields {
		return dst, false
	}
	head := assay.Event{ID: ev.ID, Kind: ev.Kind, Time: ev.Time, Entities: ev.Entities}
	if head.Validate() != nil || !p.rolesKnown(ev) {
		return dst, false
	}
	required, says := 0, !p.readsFields
	for i := range ev.Fields {
		f := &ev.Fields[i]
		for len(dst) < len(p.fields) && p.fields[len(dst)].Spec.Name != f.Name {
			dst = append(dst, math.NaN())
		}
		if len(dst) == len(p.fields) { // unknown, out of order, or given twice
			return dst, false
		}
		to := &p.fields[len(dst)]
		x, ok := to.PlainValue(&f.Value)
		if !ok || !to.plain {
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

// plainName reports whether an event that Validate accepts can have a field of
// this name.
func plainName(s string) bool {
	return s != "" && len(s) <= assay.MaxNameBytes && utf8.ValidString(s)
}
