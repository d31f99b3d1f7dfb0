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

// marks are a field's values that mean no value, as they are looked for.
type marks struct {
	texts   map[string]bool // as the plan has them; in a field of texts in canonical form too
	numbers []float64
	times   []int64 // microseconds; in a field of times alone
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

// MeansMissing reports whether a text means no value in the field: the empty one, and
// the marks; in a field of texts those in any spelling.
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

// CanonicalText is what a text is in a field of texts, from whatever source it comes:
// its spelling, or "" where it means no value. What it returns it leaves as it
// is the next time.
func (f *Field) CanonicalText(s string) string {
	if f.MeansMissing(s) {
		return ""
	}
	return f.Spelling(s)
}
