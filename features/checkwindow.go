// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// windows checks the window declarations.
func (c checker) windows() error {
	s := c.s
	if len(s.Windows) > MaxWindows {
		return c.fail("$.windows", "", "%d windows, at most %d are allowed", len(s.Windows), MaxWindows)
	}
	if _, err := parseSpan(s.Lateness); err != nil {
		return c.fail("$.lateness", "", "%s", err)
	}
	if _, err := parseSpan(s.Ahead); err != nil {
		return c.fail("$.ahead", "", "%s", err)
	}
	for i := range s.Windows {
		w, at := &s.Windows[i], fmt.Sprintf("$.windows[%d]", i)
		if !nameOK(w.Name) {
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
		if _, _, _, err := w.shape(); err != nil {
			return c.fail(at+".length", "", "%s", err)
		}
		if err := c.windowParameters(w, at); err != nil {
			return err
		}
	}
	return nil
}

// windowSource checks what feeds a window.
func (c checker) windowSource(w *WindowSpec, at string) error {
	s := c.s
	if len(w.On) == 0 {
		return c.fail(at+".on", "name the kinds of event that feed it", "nothing feeds window %q", w.Name)
	}
	for j, k := range w.On {
		if !nameOK(k) || slices.Contains(w.On[:j], k) {
			return c.fail(fmt.Sprintf("%s.on[%d]", at, j), "", "the kind of event is empty, too long or given twice")
		}
	}
	if w.Value != "" {
		read := []string{w.Value}
		if i := s.fieldOf(w.Value); i < 0 && s.derivedOf(w.Value) >= 0 {
			read = s.derivedFields(w.Value)
		} else if i < 0 || s.Fields[i].kind() == assay.Text || s.Fields[i].kind() == assay.Instant {
			return c.fail(at+".value", "the fields are "+s.fieldNames(),
				"%q names no derived value, and no field that is a number or flag", w.Value)
		}
		for _, k := range w.On {
			for _, name := range read {
				if !s.carries(&s.Fields[s.fieldOf(name)], k) {
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

// fedWith checks that each kind of event that feeds a window carries what the
// window reads of it: one that does not would never feed it.
func (c checker) fedWith(w *WindowSpec, name, at string) error {
	i := c.s.fieldOf(name)
	if i < 0 || c.frozen || slices.Contains(c.s.Entities, name) {
		return nil
	}
	for _, k := range w.On {
		if !c.s.carries(&c.s.Fields[i], k) {
			return c.fail(at, "add the kind to the field's `on`, or take it from the window's",
				"events of kind %q do not carry field %q, and would never feed window %q", k, name, w.Name)
		}
	}
	return nil
}

// windowParameters checks the numbers and the zone of a window.
func (c checker) windowParameters(w *WindowSpec, at string) error {
	if w.Members < 0 || w.Members > 1024 {
		return c.fail(at+".members", "", "members must lie between 1 and 1024")
	}
	if w.Samples < 0 || w.Samples > 4096 {
		return c.fail(at+".samples", "", "samples must lie between 1 and 4096")
	}
	if d, err := parseSpan(w.HalfLife); err != nil || w.HalfLife != "" && d == 0 {
		return c.fail(at+".half_life", `write it as "30d"`, "after how long does an event count half?")
	}
	if w.Zone != "" && w.Calendar == "" {
		return c.fail(at+".zone", "name the calendar's units, as in `calendar: month`", "a time zone is of a calendar")
	}
	return c.zone(w.Zone, at+".zone")
}

func (c checker) roleOrText(n, at string) error {
	s := c.s
	if slices.Contains(s.Entities, n) {
		return nil
	}
	if i := s.fieldOf(n); i >= 0 && s.Fields[i].kind() == assay.Text {
		return nil
	}
	return c.fail(at, "the roles are "+strings.Join(s.Entities, ", "), "%q is neither a role nor a text field", n)
}

// wholeLife is the length of a window that forgets nothing.
const wholeLife = "all"

// maxPanes bounds the hops of one window.
const maxPanes = 4096

// shape returns the window's length, hop and offset in microseconds, or length and
// offset in units of its calendar; all are 0 for a window over the whole life of
// its key.
func (w *WindowSpec) shape() (length, hop, offset int64, err error) {
	if w.Calendar != "" {
		length, offset, err = w.readCalendar()
		return length, 0, offset, err
	}
	if w.Length == wholeLife {
		if w.Hop != "" || w.Offset != "" {
			return 0, 0, 0, fmt.Errorf("a window over the whole life of a key has no hop and no offset")
		}
		return 0, 0, 0, nil
	}
	if length, err = parseSpan(w.Length); err != nil {
		return 0, 0, 0, err
	}
	if length == 0 {
		return 0, 0, 0, fmt.Errorf(`how long is the window? Write "90d", or "all"`)
	}
	if hop, err = parseSpan(w.Hop); err != nil {
		return 0, 0, 0, err
	}
	if offset, err = parseSpan(w.Offset); err != nil {
		return 0, 0, 0, err
	}
	if hop == 0 {
		hop = max(length/30, 1)
	}
	if hop > length || (length+offset)/hop > maxPanes {
		return 0, 0, 0,
			fmt.Errorf("the hop must not be longer than the window, nor shorter than 1/%d of it and its offset",
				maxPanes)
	}
	return length, hop, offset, nil
}

// windowFeature checks a feature that reads a window.
func (c checker) windowFeature(f *FeatureSpec, at string, k *kernel) error {
	i := slices.IndexFunc(c.s.Windows, func(w WindowSpec) bool { return w.Name == f.Window })
	if i < 0 {
		return c.fail(at+".window", "declare it under windows", "kernel %s reads a window, and there is no window %q",
			k.name, f.Window)
	}
	if len(f.Of) > 0 {
		return c.fail(at+".of", "put `value` or `member` at the window", "kernel %s reads a window and nothing else",
			k.name)
	}
	w := &c.s.Windows[i]
	if k.needsValue && w.Value == "" {
		return c.fail(at+".window", "name the `value` at the window",
			"kernel %s wants a value, and window %q only counts events", k.name, f.Window)
	}
	if k.needsMember && w.Member == "" {
		return c.fail(at+".window", "name the `member` at the window",
			"kernel %s wants a member, and window %q has none", k.name, f.Window)
	}
	if w.Offset != "" && k.needs&(window.Distinct|window.Recents) != 0 {
		return c.fail(at+".window", "take the window without offset",
			"kernel %s knows the latest events alone, and window %q ends before them", k.name, f.Window)
	}
	if k.check != nil {
		if p := k.check(f); p != "" {
			return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
		}
	}
	for j, key := range w.Key {
		n := c.s.fieldOf(key)
		if !slices.Contains(c.s.Entities, key) && n >= 0 && !c.s.carries(&c.s.Fields[n], c.s.event()) {
			return c.fail(fmt.Sprintf("$.windows[%d].key[%d]", i, j), "",
				"events of kind %q do not carry field %q, so they cannot read the window", c.s.event(), key)
		}
	}
	return nil
}
