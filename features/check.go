// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assayrisk/assay"
)

// EventTime is the name under which time kernels read the event's own time.
const EventTime = "event.time"

// checker collects nothing: the first problem ends the check.
type checker struct {
	s      *Spec
	frozen bool // the spec of a plan that was fitted: what older versions let pass stands
}

func (c checker) fail(path, hint, problem string, args ...any) error {
	e := &SpecError{Path: path, Problem: fmt.Sprintf(problem, args...), Hint: hint}
	e.Line, e.Column = c.s.pos.at(path)
	return e
}

// check holds the spec to its own rules: names, kinds, parameters, references.
func (s *Spec) check() error { return checker{s: s}.all() }

func (c checker) all() error {
	s := c.s
	if s.Version != 1 {
		return c.fail("$.version", "write `version: 1`", "version %d is not known", s.Version)
	}
	if s.Event != "" && !nameOK(s.Event) {
		return c.fail("$.event", "", "not a name of 1 to %d bytes", assay.MaxNameBytes)
	}
	if len(s.Fields) == 0 {
		return c.fail("$.fields", "declare what events carry", "there are no fields")
	}
	if len(s.Fields) > assay.MaxFields {
		return c.fail("$.fields", "", "%d fields, at most %d are allowed", len(s.Fields), assay.MaxFields)
	}
	if len(s.Entities) > assay.MaxEntities {
		return c.fail("$.entities", "", "%d roles, at most %d are allowed", len(s.Entities), assay.MaxEntities)
	}
	for i, e := range s.Entities {
		if !nameOK(e) || slices.Contains(s.Entities[:i], e) {
			return c.fail(fmt.Sprintf("$.entities[%d]", i), "", "the role is empty, too long or given twice")
		}
	}
	for i := range s.Fields {
		if err := c.field(i); err != nil {
			return err
		}
	}
	if err := c.groups(); err != nil {
		return err
	}
	if err := c.label(); err != nil {
		return err
	}
	if err := c.derived(); err != nil {
		return err
	}
	if err := c.lookups(); err != nil {
		return err
	}
	if err := c.windows(); err != nil {
		return err
	}
	if err := c.clean(); err != nil {
		return err
	}
	return c.features()
}

func nameOK(s string) bool {
	return s != "" && len(s) <= assay.MaxNameBytes && utf8.ValidString(s) && strings.TrimSpace(s) == s
}

func (c checker) field(i int) error {
	f, at := &c.s.Fields[i], fmt.Sprintf("$.fields[%d]", i)
	if !nameOK(f.Name) || f.Name == EventTime {
		return c.fail(at+".name", "", "a field wants a name of 1 to %d bytes without spaces around it",
			assay.MaxNameBytes)
	}
	for j := range i {
		if c.s.Fields[j].Name == f.Name {
			return c.fail(at+".name", "give each field once", "field %q is declared twice", f.Name)
		}
	}
	switch f.Kind {
	case "", "number", "text", "flag", "time":
	default:
		return c.fail(at+".kind", "want number, text, flag or time", "kind %q is not known", f.Kind)
	}
	switch f.Outside {
	case "", "reject", "missing", "clip", "flag":
	default:
		return c.fail(at+".outside", "want reject, missing, clip or flag", "%q is not known", f.Outside)
	}
	if f.Optional && (f.Required || !f.allowMissing()) {
		return c.fail(at+".optional", "leave one of them out", "field %q is required and optional", f.Name)
	}
	number := f.kind() == assay.Number
	if !number && (f.Min != nil || f.Max != nil) {
		return c.fail(at, "a time has earliest and latest", "min and max are for numbers, and %q is a %s", f.Name,
			f.kind())
	}
	if !number && f.kind() != assay.Instant && f.Outside != "" {
		return c.fail(at+".outside", "", "outside is for numbers and times, and %q is a %s", f.Name, f.kind())
	}
	if err := c.times(f, at); err != nil {
		return err
	}
	if f.Min != nil && f.Max != nil && !(*f.Min <= *f.Max) {
		return c.fail(at+".min", "", "min is greater than max")
	}
	if u, ok := units[f.Unit]; ok && (f.Min != nil && *f.Min < u.min || f.Max != nil && *f.Max > u.max) {
		return c.fail(at+".unit", "", "a %s lies between %g and %g: min and max reach beyond that", f.Unit, u.min,
			u.max)
	}
	if f.kind() != assay.Text && !number && len(f.Values) > 0 {
		return c.fail(at+".values", "", "values are for texts and numbers, and %q is a %s", f.Name, f.kind())
	}
	for j, v := range f.Values {
		if _, err := levelOf(assay.Number, v); number && err != nil {
			return c.fail(fmt.Sprintf("%s.values[%d]", at, j), err.Error(), "%q is a number, and its value %q is none",
				f.Name, clip(v))
		}
	}
	for j, k := range f.On {
		if !nameOK(k) || slices.Contains(f.On[:j], k) {
			return c.fail(fmt.Sprintf("%s.on[%d]", at, j), "", "the kind of event is empty, too long or given twice")
		}
	}
	return nil
}

func (c checker) groups() error {
	for i, g := range c.s.Groups {
		at := fmt.Sprintf("$.groups[%d]", i)
		if !nameOK(g.Name) || !nameOK(g.Code) || g.Text == "" || len(g.Text) > assay.MaxTextBytes {
			return c.fail(at, "", "a group wants a name, a code and a text")
		}
		for j := range i {
			if c.s.Groups[j].Name == g.Name || c.s.Groups[j].Code == g.Code {
				return c.fail(at, "", "group %q or its code %q is declared twice", g.Name, g.Code)
			}
		}
	}
	return nil
}

func (c checker) label() error {
	l := c.s.Label
	if l == nil {
		return nil
	}
	if (l.Column == "") == (l.Event == "") {
		return c.fail("$.label", "", "a label wants either a column or an event")
	}
	if l.Column != "" {
		if c.s.fieldOf(l.Column) >= 0 {
			return c.fail("$.label.column", "remove it from fields: it is not known when an event is scored",
				"the label %q is a field", l.Column)
		}
		return nil
	}
	if d, err := parseSpan(l.Horizon); err != nil || d <= 0 {
		return c.fail("$.label.horizon", `write it as "180d"`, "how long is the event waited for?")
	}
	if len(l.Match) == 0 {
		return c.fail("$.label.match", "name the roles that both events share", "which event is the outcome of which?")
	}
	for i, r := range l.Match {
		if !slices.Contains(c.s.Entities, r) {
			return c.fail(fmt.Sprintf("$.label.match[%d]", i), "the roles are "+strings.Join(c.s.Entities, ", "),
				"%q is no role", r)
		}
	}
	return nil
}

func (c checker) clean() error {
	k := c.s.Clean
	if k == nil || k.Outliers == nil {
		return nil
	}
	o := k.Outliers
	if !(o.Share > 0 && o.Share <= 0.5) {
		return c.fail("$.clean.outliers.share", "", "want a share above 0 and up to 0.5")
	}
	if o.Trees < 0 || o.Trees > 1000 || o.Sample < 0 || o.Sample > 4096 {
		return c.fail("$.clean.outliers", "", "at most 1000 trees and samples of 4096 rows")
	}
	return nil
}

// fieldOf returns the index of a field, or -1.
func (s *Spec) fieldOf(name string) int {
	return slices.IndexFunc(s.Fields, func(f FieldSpec) bool { return f.Name == name })
}

func (s *Spec) featureOf(name string) int {
	return slices.IndexFunc(s.Features, func(f FeatureSpec) bool { return f.Name == name })
}

// carries reports whether events of a kind carry the field.
func (s *Spec) carries(f *FieldSpec, kind string) bool {
	if len(f.On) == 0 {
		return kind == s.event()
	}
	return slices.Contains(f.On, kind)
}

// kernelName is the kernel of a feature, by default the one that suits the
// field of its name.
func (s *Spec) kernelName(f *FeatureSpec) string {
	if f.Kernel != "" {
		return f.Kernel
	}
	if in := s.inputs(f); len(in) == 1 {
		if i := s.fieldOf(in[0]); i >= 0 && s.Fields[i].kind() == assay.Text {
			return "category"
		}
	}
	return "passthrough"
}

// inputs are the names a feature reads, by default the field of its name.
func (s *Spec) inputs(f *FeatureSpec) []string {
	if f.Table != "" {
		return s.lookupInputs(f)
	}
	if len(f.Of) == 0 && f.Window == "" {
		return []string{f.Name}
	}
	return f.Of
}
