// SPDX-License-Identifier: Apache-2.0

package features

import (
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

// unknownField returns the error for a field that the plan does not have, with a
// hint at the nearest name.
func (p *Plan) unknownField(name string) error {
	return &assay.FieldError{Field: name, Problem: "the plan does not know this field" + p.Nearest(name)}
}

// Knows reports whether the plan has a field or role of the name.
func (p *Plan) Knows(name string) bool {
	_, field := p.byName[name]
	return field || slices.Contains(p.spec.Entities, name)
}

// Nearest returns a hint at the field or role whose name is nearest to one that the
// plan does not know, or "".
func (p *Plan) Nearest(name string) string {
	known := slices.Clone(p.spec.Entities)
	for i := range p.fields {
		known = append(known, p.fields[i].Spec.Name)
	}
	return nearest.Hint(name, known)
}

// Validate checks an event against the plan: its sizes (Event.Validate), and for
// each field the kind, range, allowed values and whether it may be missing. The
// error is a *assay.FieldError. An event of a kind that the plan neither scores
// nor reads is refused, too.
func (p *Plan) Validate(ev *assay.Event) error {
	required, err := p.validateGiven(ev)
	if err != nil {
		return err
	}
	kind := p.kinds.index(ev.Kind)
	if required == p.required[kind] { // names are unique, so all required fields are there
		return nil
	}
	for i := range p.fields {
		f := &p.fields[i]
		if !f.required || !f.on.has(kind) {
			continue
		}
		if _, ok := ev.Field(f.Spec.Name); !ok {
			return &assay.FieldError{Field: f.Spec.Name, Problem: "is required"}
		}
	}
	return nil
}

// ValidateGiven checks what an event says as Validate does, and not whether it lacks
// a field that is required: part of an event may.
func (p *Plan) ValidateGiven(ev *assay.Event) error {
	_, err := p.validateGiven(ev)
	return err
}

// validateGiven is ValidateGiven, and counts the required fields that the event has.
func (p *Plan) validateGiven(ev *assay.Event) (required int, err error) {
	if err := ev.Validate(); err != nil {
		return 0, err
	}
	kind := p.kinds.index(ev.Kind)
	if kind == unknownKind {
		return 0, &assay.FieldError{Field: "kind", Problem: "the plan does not know this kind of event" +
			nearest.Hint(ev.Kind, p.kinds)}
	}
	if !eventtime.Allowed(ev.Time) {
		return 0, &assay.FieldError{Field: "time", Problem: "must lie between the years 1900 and 2200"}
	}
	for i := range ev.Entities {
		if !slices.Contains(p.spec.Entities, ev.Entities[i].Role) {
			return 0, &assay.FieldError{Field: ev.Entities[i].Role, Problem: "the plan does not know this role" +
				nearest.Hint(ev.Entities[i].Role, p.spec.Entities)}
		}
	}
	n := -1
	for i := range ev.Fields {
		name := ev.Fields[i].Name
		if n = p.fieldAfter(n, name); n < 0 || !p.fields[n].on.has(kind) {
			if n >= 0 {
				return 0, &assay.FieldError{Field: name, Problem: "events of this kind do not carry this field"}
			}
			return 0, p.unknownField(name)
		}
		if err := p.fields[n].Validate(ev.Fields[i].Value); err != nil {
			return 0, err
		}
		if p.fields[n].required {
			required++
		}
	}
	return required, nil
}

// fieldAfter finds a field by name, -1 if there is none. Events mostly name
// fields in the plan's order, so it first tries the few that follow the field
// found last.
func (p *Plan) fieldAfter(last int, name string) int {
	for i := last + 1; i < min(last+4, len(p.fields)); i++ {
		if p.fields[i].Spec.Name == name {
			return i
		}
	}
	if n, ok := p.byName[name]; ok {
		return n
	}
	return -1
}

// Admit prepares an event that comes from outside: it brings each value into the
// canonical form of its field's kind, in place, and then checks the event as
// Validate does. An event that is to be scored must name a field that a feature
// reads, if only to say that it is missing. Admitting an event again changes
// nothing.
func (p *Plan) Admit(ev *assay.Event) error {
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); n < 0 {
			break // Validate returns the error
		}
		if v, ok := p.fields[n].Canonical(ev.Fields[i].Value); ok {
			ev.Fields[i].Value = v
		}
	}
	if err := p.Validate(ev); err != nil {
		return err
	}
	if ev.Kind == p.kinds[scored] && p.readsFields && !p.namesReadField(ev) {
		return &assay.FieldError{Field: "fields", Problem: "the event names no field that the model reads; those are " +
			p.readNames()}
	}
	return nil
}

// readNames lists the fields that features read from a scored event.
func (p *Plan) readNames() string {
	s := plantext.Spec{}
	for i := range p.fields {
		if p.fields[i].read {
			s.Fields = append(s.Fields, *p.fields[i].Spec)
		}
	}
	return s.FieldList()
}

// namesReadField reports whether the event names a field that a feature reads.
func (p *Plan) namesReadField(ev *assay.Event) bool {
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); p.fields[n].read {
			return true
		}
	}
	return false
}
