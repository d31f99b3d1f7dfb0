// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// windows checks the window declarations.
func (c checker) windows() error {
	s := c.s
	if len(s.Windows) > plantext.MaxWindows {
		return c.fail("$.windows", "", "%d windows, at most %d are allowed", len(s.Windows), plantext.MaxWindows)
	}
	if _, err := eventtime.ParseSpan(s.Lateness); err != nil {
		return c.fail("$.lateness", "", "%s", err)
	}
	if _, err := eventtime.ParseSpan(s.Ahead); err != nil {
		return c.fail("$.ahead", "", "%s", err)
	}
	for i := range s.Windows {
		w, at := &s.Windows[i], fmt.Sprintf("$.windows[%d]", i)
		if !plantext.IsName(w.Name) {
			return c.fail(at+".name", "", "a window wants a name")
		}
		for j := range i {
			if s.Windows[j].Name == w.Name {
				return c.fail(at+".name", "", "window %q is declared twice", w.Name)
			}
		}
		if len(w.Key) == 0 || len(w.Key) > 4 {
			return c.fail(at+".key", "", "a window is kept per key: name 1 to 4 roles or text fields")
		}
		for j, k := range w.Key {
			if err := c.roleOrText(k, fmt.Sprintf("%s.key[%d]", at, j)); err != nil {
				return err
			}
		}
		if err := c.windowSource(w, at); err != nil {
			return err
		}
		if _, _, _, err := w.Shape(); err != nil {
			return c.fail(at+".length", "", "%s", err)
		}
		if err := c.windowParameters(w, at); err != nil {
			return err
		}
		for _, name := range s.WindowReadsFields(i) {
			if n := s.FieldIndex(name); s.Fields[n].Personal {
				return c.fail(fmt.Sprintf("$.fields[%d].personal", n), "leave personal out, or the window",
					"window %q reads %q, and what is personal is lost when the person is erased: windows must not "+
						"change then", w.Name, name)
			}
		}
	}
	return nil
}

// windowSource checks what feeds a window.
func (c checker) windowSource(w *plantext.WindowSpec, at string) error {
	s := c.s
	if len(w.On) == 0 {
		return c.fail(at+".on", "name the kinds of event that feed it", "nothing feeds window %q", w.Name)
	}
	for j, k := range w.On {
		if !plantext.IsName(k) || slices.Contains(w.On[:j], k) {
			return c.fail(fmt.Sprintf("%s.on[%d]", at, j), "", "the kind of event is empty, too long or given twice")
		}
	}
	if w.Value != "" {
		read := []string{w.Value}
		if i := s.FieldIndex(w.Value); i < 0 && s.DerivedIndex(w.Value) >= 0 {
			read = s.FieldsOfDerived(w.Value)
		} else if i < 0 || s.Fields[i].ValueKind() == assay.Text || s.Fields[i].ValueKind() == assay.Instant {
			return c.fail(at+".value", "the fields are "+s.FieldList(),
				"%q names no derived value, and no field that is a number or flag", w.Value)
		}
		for _, k := range w.On {
			for _, name := range read {
				if !s.Carries(&s.Fields[s.FieldIndex(name)], k) {
					return c.fail(at+".value", "add the kind to the field's `on`",
						"events of kind %q do not carry field %q", k, name)
				}
			}
		}
	}
	if w.Member != "" {
		if err := c.roleOrText(w.Member, at+".member"); err != nil {
			return err
		}
		if err := c.fedWith(w, w.Member, at+".member"); err != nil {
			return err
		}
	}
	for j, k := range w.Key {
		if err := c.fedWith(w, k, fmt.Sprintf("%s.key[%d]", at, j)); err != nil {
			return err
		}
	}
	for i := range w.Where {
		if err := c.condition(w, at+".where", i); err != nil {
			return err
		}
		if m := w.Where[i].Missing; m != nil && *m {
			continue // an event that does not carry the field has no value in it
		}
		where := at + ".where"
		if len(w.Where) > 1 {
			where += fmt.Sprintf("[%d]", i)
		}
		if err := c.fedWith(w, w.Where[i].Field, where+".field"); err != nil {
			return err
		}
	}
	return nil
}

// fedWith checks that each kind of event that feeds a window carries the field
// name: a kind without it would never feed the window.
func (c checker) fedWith(w *plantext.WindowSpec, name, at string) error {
	i := c.s.FieldIndex(name)
	if i < 0 || c.frozen || slices.Contains(c.s.Entities, name) {
		return nil
	}
	for _, k := range w.On {
		if !c.s.Carries(&c.s.Fields[i], k) {
			return c.fail(at, "add the kind to the field's `on`, or take it from the window's",
				"events of kind %q do not carry field %q, and would never feed window %q", k, name, w.Name)
		}
	}
	return nil
}

// windowParameters checks the numbers and the zone of a window.
func (c checker) windowParameters(w *plantext.WindowSpec, at string) error {
	if w.Members < 0 || w.Members > 1024 {
		return c.fail(at+".members", "", "members must lie between 1 and 1024")
	}
	if w.Samples < 0 || w.Samples > 4096 {
		return c.fail(at+".samples", "", "samples must lie between 1 and 4096")
	}
	if d, err := eventtime.ParseSpan(w.HalfLife); err != nil || w.HalfLife != "" && d == 0 {
		return c.fail(at+".half_life", `write it as "30d"`, "after how long does an event count half?")
	}
	if w.Zone != "" && w.Calendar == "" {
		return c.fail(at+".zone", "name the calendar's units, as in `calendar: month`", "a time zone is of a calendar")
	}
	return c.zone(w.Zone, at+".zone")
}

// roleOrText checks that a name is of a role or of a text field.
func (c checker) roleOrText(n, at string) error {
	s := c.s
	if slices.Contains(s.Entities, n) {
		return nil
	}
	if i := s.FieldIndex(n); i >= 0 && s.Fields[i].ValueKind() == assay.Text {
		return nil
	}
	return c.fail(at, "the roles are "+strings.Join(s.Entities, ", "), "%q is neither a role nor a text field", n)
}

// windowFeature checks a feature that reads a window.
func (c checker) windowFeature(f *plantext.FeatureSpec, at string, k *kernels.Kernel) error {
	i := slices.IndexFunc(c.s.Windows, func(w plantext.WindowSpec) bool { return w.Name == f.Window })
	if i < 0 {
		return c.fail(at+".window", "declare it under windows", "kernel %s reads a window, and there is no window %q",
			k.Name, f.Window)
	}
	if len(f.Of) > 0 {
		return c.fail(at+".of", "put `value` or `member` at the window", "kernel %s reads a window and nothing else",
			k.Name)
	}
	w := &c.s.Windows[i]
	if k.NeedsValue && w.Value == "" {
		return c.fail(at+".window", "name the `value` at the window",
			"kernel %s wants a value, and window %q only counts events", k.Name, f.Window)
	}
	if k.NeedsMember && w.Member == "" {
		return c.fail(at+".window", "name the `member` at the window",
			"kernel %s wants a member, and window %q has none", k.Name, f.Window)
	}
	if w.Offset != "" && k.Needs&(window.Distinct|window.Recents) != 0 {
		return c.fail(at+".window", "take the window without offset",
			"kernel %s knows the latest events alone, and window %q ends before them", k.Name, f.Window)
	}
	if k.Check != nil {
		if p := k.Check(f); p != "" {
			return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
		}
	}
	for j, key := range w.Key {
		n := c.s.FieldIndex(key)
		if !slices.Contains(c.s.Entities, key) && n >= 0 && !c.s.Carries(&c.s.Fields[n], c.s.ScoredKind()) {
			return c.fail(fmt.Sprintf("$.windows[%d].key[%d]", i, j), "",
				"events of kind %q do not carry field %q, so they cannot read the window", c.s.ScoredKind(), key)
		}
	}
	return nil
}

// condition checks one condition of a window.
func (c checker) condition(w *plantext.WindowSpec, at string, n int) error {
	s, cond := c.s, &w.Where[n]
	if len(w.Where) > 1 {
		at = fmt.Sprintf("%s[%d]", at, n)
	}
	text := false
	if i := s.FieldIndex(cond.Field); i >= 0 {
		text = s.Fields[i].ValueKind() == assay.Text
	} else if s.DerivedIndex(cond.Field) < 0 {
		return c.fail(at+".field", "the fields are "+s.FieldList(), "%q names no field and no derived value",
			cond.Field)
	}
	texts := len(cond.Is)+len(cond.Not) > 0
	numbers := cond.Above != nil || cond.Below != nil || cond.AtLeast != nil || cond.AtMost != nil
	switch {
	case text && numbers || !text && texts || !texts && !numbers && cond.Missing == nil:
		return c.fail(at, "", "a text wants `is`, `not` or `missing`, "+
			"a number `above`, `below`, `at_least`, `at_most` or `missing`")
	case cond.Missing != nil && *cond.Missing && (texts || numbers):
		return c.fail(at, "a missing value satisfies nothing else",
			"`missing: true` cannot be combined with other conditions")
	}
	for _, x := range []*float64{cond.Above, cond.Below, cond.AtLeast, cond.AtMost} {
		if x != nil && *x-*x != 0 {
			return c.fail(at, "", "want a finite number")
		}
	}
	return nil
}
