// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
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
		if _, _, err := w.shape(); err != nil {
			return c.fail(at+".length", "", "%s", err)
		}
		if w.Members < 0 || w.Members > 1024 {
			return c.fail(at+".members", "", "members must lie between 1 and 1024")
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
		i := s.fieldOf(w.Value)
		if i < 0 || s.Fields[i].kind() == assay.Text || s.Fields[i].kind() == assay.Instant {
			return c.fail(at+".value", "the fields are "+s.fieldNames(), "%q names no field that is a number or flag", w.Value)
		}
		for _, k := range w.On {
			if !s.carries(&s.Fields[i], k) {
				return c.fail(at+".value", "add the kind to the field's `on`", "events of kind %q do not carry field %q", k, w.Value)
			}
		}
	}
	if w.Member != "" {
		if err := c.roleOrText(w.Member, at+".member"); err != nil {
			return err
		}
	}
	if w.Where == nil {
		return nil
	}
	i := s.fieldOf(w.Where.Field)
	if i < 0 {
		return c.fail(at+".where.field", "the fields are "+s.fieldNames(), "%q names no field", w.Where.Field)
	}
	text := s.Fields[i].kind() == assay.Text
	if text != (len(w.Where.Is) > 0) || text && (w.Where.Above != nil || w.Where.Below != nil) ||
		!text && w.Where.Above == nil && w.Where.Below == nil {
		return c.fail(at+".where", "", "a text wants `is`, a number `above` or `below`")
	}
	return nil
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

// shape returns the window's length and hop in microseconds; both are 0 for a
// window over the whole life of its key.
func (w *WindowSpec) shape() (length, hop int64, err error) {
	if w.Length == wholeLife {
		if w.Hop != "" {
			return 0, 0, fmt.Errorf("a window over the whole life of a key has no hop")
		}
		return 0, 0, nil
	}
	if length, err = parseSpan(w.Length); err != nil {
		return 0, 0, err
	}
	if length == 0 {
		return 0, 0, fmt.Errorf(`how long is the window? Write "90d", or "all"`)
	}
	if hop, err = parseSpan(w.Hop); err != nil {
		return 0, 0, err
	}
	if hop == 0 {
		hop = max(length/30, 1)
	}
	if hop > length || length/hop > maxPanes {
		return 0, 0, fmt.Errorf("the hop must not be longer than the window, nor shorter than 1/%d of it", maxPanes)
	}
	return length, hop, nil
}

// windowFeature checks a feature that reads a window.
func (c checker) windowFeature(f *FeatureSpec, at string, k *kernel) error {
	i := slices.IndexFunc(c.s.Windows, func(w WindowSpec) bool { return w.Name == f.Window })
	if i < 0 {
		return c.fail(at+".window", "declare it under windows", "kernel %s reads a window, and there is no window %q", k.name, f.Window)
	}
	if len(f.Of) > 0 {
		return c.fail(at+".of", "put `value` or `member` at the window", "kernel %s reads a window and nothing else", k.name)
	}
	w := &c.s.Windows[i]
	if k.needsValue && w.Value == "" {
		return c.fail(at+".window", "name the `value` at the window", "kernel %s wants a value, and window %q only counts events", k.name, f.Window)
	}
	if k.needsMember && w.Member == "" {
		return c.fail(at+".window", "name the `member` at the window", "kernel %s wants a member, and window %q has none", k.name, f.Window)
	}
	for j, key := range w.Key {
		n := c.s.fieldOf(key)
		if !slices.Contains(c.s.Entities, key) && n >= 0 && !c.s.carries(&c.s.Fields[n], c.s.event()) {
			return c.fail(fmt.Sprintf("$.windows[%d].key[%d]", i, j), "", "events of kind %q do not carry field %q, so they cannot read the window", c.s.event(), key)
		}
	}
	return nil
}
