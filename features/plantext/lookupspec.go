// SPDX-License-Identifier: Apache-2.0

package plantext

import (
	"slices"

	"github.com/assayrisk/assay/features/eventtime"
)

// LookupSpec is a table from which features read a number, by a key, a date or
// both. Its rows are read from a file when the plan is fitted, and are part of the
// frozen plan from then on: a later change of the file changes no vector.
type LookupSpec struct {
	Name string `yaml:"name" json:"name"`
	// File holds the rows; its path is relative to the plan's. Key, From and Value name its columns.
	File  string `yaml:"file,omitempty" json:"file,omitempty"`
	Key   string `yaml:"key,omitempty" json:"key,omitempty"`     // of texts; none: one series for all
	From  string `yaml:"from,omitempty" json:"from,omitempty"`   // of times from which rows hold; none: always
	Value string `yaml:"value,omitempty" json:"value,omitempty"` // of numbers
	// Rows are written in the plan in place of a file.
	Rows []LookupRow `yaml:"rows,omitempty" json:"rows,omitempty"`
}

// LookupRow is one row of a lookup. Without a Value the key has none from that time on.
type LookupRow struct {
	Key   string   `yaml:"key,omitempty" json:"key,omitempty"`
	From  string   `yaml:"from,omitempty" json:"from,omitempty"` // a day or a time, as a field's earliest
	Value *float64 `yaml:"value,omitempty" json:"value,omitempty"`
}

// MaxLookupRows bounds the rows of all lookups of a plan.
const MaxLookupRows = 50_000

// MaxLookups bounds the lookups of a plan.
const MaxLookups = 64

// HasKeys reports whether the rows have keys, so that a feature reads a text.
func (l *LookupSpec) HasKeys() bool { return l.Key != "" || len(l.Rows) > 0 && l.Rows[0].Key != "" }

// LookupIndex returns the index of a lookup, or -1.
func (s *Spec) LookupIndex(name string) int {
	return slices.IndexFunc(s.Lookups, func(l LookupSpec) bool { return l.Name == name })
}

// HasDates reports whether the rows have dates, so that a feature reads a time.
func (l *LookupSpec) HasDates() bool { return l.From != "" || len(l.Rows) > 0 && l.Rows[0].From != "" }

// Since is the time from which the row holds, the beginning of all times if it
// names none; ok is false for a From that is no time.
func (r *LookupRow) Since() (us int64, ok bool) {
	if r.From == "" {
		return eventtime.All.First, true
	}
	t, ok := eventtime.Parse(r.From)
	return t.UnixMicro(), ok && eventtime.Allowed(t)
}
