// SPDX-License-Identifier: Apache-2.0

package plantext

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assayrisk/assay"
)

// lookupInputs are the inputs of a feature that reads a lookup: the field of its
// name for the key, and the event's time for the date, if it names no others.
func (s *Spec) lookupInputs(f *FeatureSpec) []string {
	i := s.LookupIndex(f.Table)
	if i < 0 {
		return f.Of
	}
	l, in, keys := &s.Lookups[i], slices.Clone([]string(f.Of)), 0
	if l.HasKeys() {
		if keys = 1; len(in) == 0 {
			in = []string{f.Name}
		}
	}
	if l.HasDates() && len(in) == keys {
		in = append(in, EventTime)
	}
	return in
}

// EventTime is the name under which time kernels read the event's own time.
const EventTime = "event.time"

// IsName reports whether a text can name a field, feature, window, role or kind of
// event.
func IsName(s string) bool {
	return s != "" && len(s) <= assay.MaxNameBytes && utf8.ValidString(s) && strings.TrimSpace(s) == s
}

// FieldIndex returns the index of a field, or -1.
func (s *Spec) FieldIndex(name string) int {
	return slices.IndexFunc(s.Fields, func(f FieldSpec) bool { return f.Name == name })
}

// FeatureIndex returns the index of a feature, or -1.
func (s *Spec) FeatureIndex(name string) int {
	return slices.IndexFunc(s.Features, func(f FeatureSpec) bool { return f.Name == name })
}

// Carries reports whether events of a kind carry the field.
func (s *Spec) Carries(f *FieldSpec, kind string) bool {
	if len(f.On) == 0 {
		return kind == s.ScoredKind()
	}
	return slices.Contains(f.On, kind)
}

// KernelName is the kernel of a feature, by default the one that suits the
// field of its name.
func (s *Spec) KernelName(f *FeatureSpec) string {
	if f.Kernel != "" {
		return f.Kernel
	}
	if in := s.Inputs(f); len(in) == 1 {
		if i := s.FieldIndex(in[0]); i >= 0 && s.Fields[i].ValueKind() == assay.Text {
			return "category"
		}
	}
	return "passthrough"
}

// Inputs are the names a feature reads, by default the field of its name.
func (s *Spec) Inputs(f *FeatureSpec) []string {
	if f.Table != "" {
		return s.lookupInputs(f)
	}
	if len(f.Of) == 0 && f.Window == "" {
		return []string{f.Name}
	}
	return f.Of
}

// IsPersonal reports whether a field's values are kept with the person whom an event is about, and lost when that
// person is erased. A field is personal if it says so, or if it is a text for which the plan lists no values and no
// categories, and which no window reads. A name of no field is personal.
func (s *Spec) IsPersonal(field string) bool {
	n := s.FieldIndex(field)
	if n < 0 || s.Fields[n].Personal {
		return true
	}
	f := &s.Fields[n]
	if f.ValueKind() != assay.Text || len(f.Values) > 0 {
		return false
	}
	for i := range s.Features {
		if k := &s.Features[i]; k.Listed() && slices.Contains(s.Inputs(k), field) {
			return false
		}
	}
	for i := range s.Windows {
		if slices.Contains(s.WindowReadsFields(i), field) {
			return false
		}
	}
	return true
}

// FieldList lists the names of the fields for a message, at most 30 of them.
func (s *Spec) FieldList() string {
	var out []string
	for i := range s.Fields {
		if i == 30 {
			return strings.Join(out, ", ") + ", ..."
		}
		out = append(out, s.Fields[i].Name)
	}
	return strings.Join(out, ", ")
}

// InputNames are the names that a feature may read: of fields and of features.
func (s *Spec) InputNames() (names []string) {
	for i := range s.Fields {
		names = append(names, s.Fields[i].Name)
	}
	for i := range s.Features {
		names = append(names, s.Features[i].Name)
	}
	return names
}

// ZoneNames are the time zones that the spec names, sorted.
func (s *Spec) ZoneNames() []string {
	var out []string
	for i := range s.Windows {
		out = append(out, s.Windows[i].Zone)
	}
	for i := range s.Features {
		out = append(out, s.Features[i].Zone)
	}
	for i := range s.Derived {
		out = append(out, s.Derived[i].Zone)
	}
	out = slices.DeleteFunc(out, func(n string) bool { return n == "" || n == "UTC" })
	slices.Sort(out)
	return slices.Compact(out)
}
