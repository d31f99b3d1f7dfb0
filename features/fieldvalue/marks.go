// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"math"
	"slices"
	"strconv"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
)

// marks are the values that mean a field has no value (missing: in the plan), in
// the forms in which values are compared with them.
type marks struct {
	texts   map[string]bool // as the plan writes them; in a field of texts in canonical form too
	numbers []float64
	times   []int64 // microseconds; only in a field of times
}

func marksOf(f *plantext.FieldSpec) marks {
	var m marks
	for _, s := range f.MissingMarks() {
		if m.texts == nil {
			m.texts = map[string]bool{}
		}
		m.texts[s] = true
		switch f.ValueKind() {
		case assay.Text:
			m.texts[CanonicalText(s)] = true
		case assay.Instant:
			if t, ok := eventtime.Parse(s); ok {
				m.times = append(m.times, t.UnixMicro())
			}
		}
		if x, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(x) {
			m.numbers = append(m.numbers, x)
		}
	}
	return m
}

// number returns NaN in place of a number that means no value.
func (m *marks) number(x float64) float64 {
	if m.numbers != nil && slices.Contains(m.numbers, x) {
		return math.NaN()
	}
	return x
}

// time reports whether a time means no value.
func (m *marks) time(us int64) bool { return m.times != nil && slices.Contains(m.times, us) }

// MeansMissing reports whether a text means that the field has no value: it is
// empty or a mark, in a field of texts a mark in any spelling.
func (f *Field) MeansMissing(s string) bool {
	switch {
	case s == "":
		return true
	case f.marks.texts == nil:
		return false
	case f.marks.texts[s]:
		return true
	}
	return f.Kind == assay.Text && (f.marks.texts[CanonicalText(s)] || f.marks.texts[CanonicalText(f.Spelling(s))])
}

// CanonicalText is the canonical form of a text in a field of texts: its Spelling,
// or "" if it means no value. Applied to its own result, it changes nothing.
func (f *Field) CanonicalText(s string) string {
	if f.MeansMissing(s) {
		return ""
	}
	return f.Spelling(s)
}
