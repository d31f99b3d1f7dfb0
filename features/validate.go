// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
)

// unknownField says that the plan has no such field, and which was meant.
func (p *Plan) unknownField(name string) error {
	return &assay.FieldError{Field: name, Problem: "the plan does not know this field" + p.Nearest(name)}
}

// Knows reports whether the plan has a field or role of the name.
func (p *Plan) Knows(name string) bool {
	_, field := p.byName[name]
	return field || slices.Contains(p.spec.Entities, name)
}

// Nearest is a hint at the field or role whose name is nearest to one that the
// plan does not know, or "".
func (p *Plan) Nearest(name string) string {
	known := slices.Clone(p.spec.Entities)
	for i := range p.fields {
		known = append(known, p.fields[i].spec.Name)
	}
	return nearest.Hint(name, known)
}

func (f *field) wrongKind(got assay.ValueKind) error {
	want := fmt.Sprintf("is a %s, want a %s", got, f.kind)
	if f.kind == assay.Flag {
		want += ": true or false, 1 or 0"
	}
	return &assay.FieldError{Field: f.spec.Name, Problem: want}
}

// Validate holds an event to the plan: its bounds (Event.Validate), and of each
// field the kind, range, allowed values and whether it may be missing. The
// error is a *assay.FieldError. An event of a kind that the plan neither scores
// nor reads is refused, too.
func (p *Plan) Validate(ev *assay.Event) error {
	if err := ev.Validate(); err != nil {
		return err
	}
	kind := p.kinds.of(ev.Kind)
	if kind == unknownKind {
		return &assay.FieldError{Field: "kind", Problem: "the plan does not know this kind of event" +
			nearest.Hint(ev.Kind, p.kinds)}
	}
	if !timeOK(ev.Time) {
		return &assay.FieldError{Field: "time", Problem: "must lie between the years 1900 and 2200"}
	}
	for i := range ev.Entities {
		if !slices.Contains(p.spec.Entities, ev.Entities[i].Role) {
			return &assay.FieldError{Field: ev.Entities[i].Role, Problem: "the plan does not know this role" +
				nearest.Hint(ev.Entities[i].Role, p.spec.Entities)}
		}
	}
	n, required := -1, 0
	for i := range ev.Fields {
		name := ev.Fields[i].Name
		if n = p.fieldAfter(n, name); n < 0 || !p.fields[n].on.has(kind) {
			if n >= 0 {
				return &assay.FieldError{Field: name, Problem: "events of this kind do not carry this field"}
			}
			return p.unknownField(name)
		}
		if err := p.fields[n].validate(ev.Fields[i].Value); err != nil {
			return err
		}
		if p.fields[n].required {
			required++
		}
	}
	if required == p.required[kind] { // names are unique: all are there
		return nil
	}
	for i := range p.fields {
		f := &p.fields[i]
		if !f.required || !f.on.has(kind) {
			continue
		}
		if _, ok := ev.Field(f.spec.Name); !ok {
			return &assay.FieldError{Field: f.spec.Name, Problem: "is required"}
		}
	}
	return nil
}

func (f *field) validate(v assay.Value) error {
	bad := func(problem string) error { return &assay.FieldError{Field: f.spec.Name, Problem: problem} }
	if v.Kind == assay.Missing {
		if !f.missing {
			return bad("has no value, and the plan requires one")
		}
		return nil
	}
	if v.Kind != f.kind {
		return f.wrongKind(v.Kind)
	}
	switch f.kind {
	case assay.Number:
		x := v.Number()
		if x-x != 0 {
			return bad("must be a finite number; leave a missing value out")
		}
		if x, ok := f.number(x); !ok || x != x && !f.missing {
			return bad(f.rangeProblem())
		}
	case assay.Text:
		none := f.noText(v.Text())
		if !none && f.values != nil && !f.values[v.Text()] {
			return bad("the text is not one of the values that the plan allows")
		}
		if none && !f.missing {
			return bad("has no value, and the plan requires one")
		}
	case assay.Instant:
		if x, ok := f.instant(v.Micros()); !ok || x != x && !f.missing {
			return bad(f.timeProblem())
		}
	}
	return nil
}

// fieldAfter finds a field by name, -1 if there is none. Events mostly name
// fields in the plan's order, so the few that follow the field found last are
// looked at first.
func (p *Plan) fieldAfter(last int, name string) int {
	for i := last + 1; i < min(last+4, len(p.fields)); i++ {
		if p.fields[i].spec.Name == name {
			return i
		}
	}
	if n, ok := p.byName[name]; ok {
		return n
	}
	return -1
}
