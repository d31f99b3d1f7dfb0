// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"strconv"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
)

// Spelling is the canonical form of a text that has a value: the plan's own
// spelling if it has one, else that of the function CanonicalText.
func (f *Field) Spelling(s string) string {
	if _, ok := f.Codes[s]; ok || f.values[s] {
		return s
	}
	c := CanonicalText(s)
	if own, ok := f.spelled[c]; ok {
		return own
	}
	return c
}

// LearnSpellings takes the texts that the plan knows for the field. If the plan
// spells one in another form than the canonical one, the plan's form becomes the
// canonical one. If all of them are truth values, the digits 1 and 0 and the words
// true and false become spellings of them.
func (f *Field) LearnSpellings(texts []string) {
	own := func(canonical, s string) {
		if _, taken := f.spelled[canonical]; taken || canonical == s || f.values[canonical] {
			return
		}
		if _, taken := f.Codes[canonical]; taken {
			return
		}
		if f.spelled == nil {
			f.spelled = map[string]string{}
		}
		f.spelled[canonical] = s
	}
	alike := [...]string{"true", "1", "false", "0"}
	booleans := len(texts) > 0
	for _, s := range texts {
		c := CanonicalText(s)
		own(c, s)
		booleans = booleans && (c == "true" || c == "false" || c == "1" || c == "0")
	}
	if !booleans {
		return
	}
	for _, s := range texts {
		c := CanonicalText(s)
		for i, word := range alike {
			if c == word {
				own(alike[i^1], s)
			}
		}
	}
}

// Canonical returns an event's value in the canonical form of the field's kind,
// and a mark as a missing value. If the value has no such form, ok is false and it
// is returned unchanged. The field's range is not applied.
func (f *Field) Canonical(v assay.Value) (_ assay.Value, ok bool) {
	if v.Kind == assay.Text && f.MeansMissing(v.Text()) {
		return assay.Value{}, true
	}
	switch f.Kind {
	case assay.Text:
		return f.toText(v)
	case assay.Instant:
		if v.Kind == assay.Text {
			t, ok := eventtime.Parse(v.Text())
			if !ok {
				return v, false
			}
			v = assay.InstantValue(t)
		}
		if v.Kind == assay.Instant && f.marks.time(v.Micros()) {
			return assay.Value{}, true
		}
	case assay.Number, assay.Flag:
		x := v.Number()
		if v.Kind == assay.Text {
			if x, ok = numberOfText(v.Text()); !ok {
				return v, false
			}
		} else if v.Kind != assay.Number && v.Kind != assay.Flag {
			return v, v.Kind == assay.Missing
		}
		if x == x && f.marks.number(x) != x {
			return assay.Value{}, true
		}
		if f.Kind == assay.Number {
			return assay.NumberValue(x), true
		}
		return flagOf(v, x)
	}
	return v, v.Kind == assay.Missing || v.Kind == f.Kind
}

// toText is Canonical for a field of texts.
func (f *Field) toText(v assay.Value) (_ assay.Value, ok bool) {
	var s string
	switch v.Kind {
	case assay.Text:
		s = v.Text()
	case assay.Flag:
		s = strconv.FormatBool(v.Flag())
	case assay.Number:
		if s, ok = textOfNumber(v.Number()); !ok {
			return v, false
		}
	default:
		return v, v.Kind == assay.Missing
	}
	if s = f.CanonicalText(s); s == "" {
		return assay.Value{}, true
	}
	return assay.TextValue(s), true
}

// flagOf is the flag that 0 or 1 means; for another number it returns v and false.
func flagOf(v assay.Value, x float64) (assay.Value, bool) {
	if x != 0 && x != 1 {
		return v, false
	}
	return assay.FlagValue(x == 1), true
}
