// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// checker checks one spec; the first problem ends the check.
type checker struct {
	s      *plantext.Spec
	frozen bool // the spec is of a fitted plan: rules that are newer than the plan are not applied
}

func (c checker) fail(path, hint, problem string, args ...any) error {
	return c.s.ErrorAt(path, hint, problem, args...)
}

// Check checks every rule of a spec: names, kinds, parameters and references. An
// error is a *plantext.SpecError. Lookups may still name files.
func Check(s *plantext.Spec) error { return checker{s: s}.all() }

// CheckFrozen is Check for the spec of a fitted plan: rules that older versions
// did not have are not applied, and the rows of every lookup must have been read.
func CheckFrozen(s *plantext.Spec) error { return checker{s: s, frozen: true}.all() }

// FeatureOrder returns the indices of the features, each after those that it
// reads, otherwise in the plan's order. A cycle is an error that names its members.
func FeatureOrder(s *plantext.Spec) ([]int, error) { return checker{s: s}.order() }

// LookupsRead returns an error that names the first lookup whose file has not
// been read.
func LookupsRead(s *plantext.Spec) error { return checker{s: s}.lookupsRead() }

func (c checker) all() error {
	s := c.s
	if s.Version != 1 {
		return c.fail("$.version", "write `version: 1`", "version %d is not known", s.Version)
	}
	if s.Event != "" && !plantext.IsName(s.Event) {
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
		if !plantext.IsName(e) || slices.Contains(s.Entities[:i], e) {
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

func (c checker) field(i int) error {
	f, at := &c.s.Fields[i], fmt.Sprintf("$.fields[%d]", i)
	if !plantext.IsName(f.Name) || f.Name == plantext.EventTime {
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
	if f.Optional && (f.Required || !f.AllowsMissing()) {
		return c.fail(at+".optional", "leave one of them out", "field %q is required and optional", f.Name)
	}
	number := f.ValueKind() == assay.Number
	if !number && (f.Min != nil || f.Max != nil) {
		return c.fail(at, "a time has earliest and latest", "min and max are for numbers, and %q is a %s", f.Name,
			f.ValueKind())
	}
	if !number && f.ValueKind() != assay.Instant && f.Outside != "" {
		return c.fail(at+".outside", "", "outside is for numbers and times, and %q is a %s", f.Name, f.ValueKind())
	}
	if err := c.timeBounds(f, at); err != nil {
		return err
	}
	if f.Min != nil && f.Max != nil && !(*f.Min <= *f.Max) {
		return c.fail(at+".min", "", "min is greater than max")
	}
	if low, high, ok := fieldvalue.UnitBounds(f.Unit); ok &&
		(f.Min != nil && *f.Min < low || f.Max != nil && *f.Max > high) {
		return c.fail(at+".unit", "", "a %s lies between %g and %g: min and max reach beyond that", f.Unit, low, high)
	}
	if f.ValueKind() != assay.Text && !number && len(f.Values) > 0 {
		return c.fail(at+".values", "", "values are for texts and numbers, and %q is a %s", f.Name, f.ValueKind())
	}
	for j, v := range f.Values {
		if _, err := kernels.ReadLevel(assay.Number, v); number && err != nil {
			return c.fail(fmt.Sprintf("%s.values[%d]", at, j), err.Error(), "%q is a number, and its value %q is none",
				f.Name, plantext.Shorten(v))
		}
	}
	for j, k := range f.On {
		if !plantext.IsName(k) || slices.Contains(f.On[:j], k) {
			return c.fail(fmt.Sprintf("%s.on[%d]", at, j), "", "the kind of event is empty, too long or given twice")
		}
	}
	return nil
}

func (c checker) groups() error {
	for i, g := range c.s.Groups {
		at := fmt.Sprintf("$.groups[%d]", i)
		if !plantext.IsName(g.Name) || !plantext.IsName(g.Code) || g.Text == "" || len(g.Text) > assay.MaxTextBytes {
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
		if c.s.FieldIndex(l.Column) >= 0 {
			return c.fail("$.label.column", "remove it from fields: it is not known when an event is scored",
				"the label %q is a field", l.Column)
		}
		return nil
	}
	if d, err := eventtime.ParseSpan(l.Horizon); err != nil || d <= 0 {
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

// timeBounds checks the bounds of a field of times.
func (c checker) timeBounds(f *plantext.FieldSpec, at string) error {
	if f.ValueKind() != assay.Instant {
		if f.Earliest != "" || f.Latest != "" {
			return c.fail(at, "a number has min and max", "earliest and latest are for times, and %q is a %s", f.Name,
				f.ValueKind())
		}
		return nil
	}
	if _, key, problem := fieldvalue.TimeRange(f); key != "" {
		return c.fail(at+"."+key, "", "%s", problem)
	}
	return nil
}
