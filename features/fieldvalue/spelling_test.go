// SPDX-License-Identifier: Apache-2.0

package fieldvalue_test

import (
	"math"
	"testing"
	"unicode/utf8"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
)

// TestCanonicalText: which texts are one value.
func TestCanonicalText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"12.0": "12", "12.000": "12", "-12.0": "-12", "0.0": "0", "-0.0": "0", "9007199254740993.0": "9007199254740993",
		"1.10": "1.10", "1.": "1.", ".0": ".0", "-.0": "-.0", "012.0": "012.0", "1.0.0": "1.0.0", "1e1.0": "1e1.0",
		"+1.0": "+1.0", "12.0x": "12.0x", "٣.0": "٣.0", "-0": "-0",
		"TRUE": "true", "False": "false", "tRuE": "true", "true ": "true ", "": "", "yes": "yes", "NaN": "NaN",
	} {
		if got := fieldvalue.CanonicalText(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// TestNumbersAtTheBorder: whole numbers around 2^53, beyond which float64 does
// not hold each of them.
func TestNumbersAtTheBorder(t *testing.T) {
	t.Parallel()
	text := fieldOf(t, ", kind: text")
	for _, c := range []struct {
		x    float64
		want string // "": refused
	}{
		{1<<53 - 1, "9007199254740991"}, {1 << 53, "9007199254740992"}, {-(1 << 53), "-9007199254740992"},
		{1<<53 + 2, ""}, {-(1<<53 + 2), ""}, {1e300, ""}, {math.Inf(-1), ""}, {nan, ""},
		{0.1, "0.1"}, {1e-7, "0.0000001"}, {math.Copysign(0, -1), "0"}, {4503599627370495.5, "4503599627370495.5"},
	} {
		v, ok := text.Canonical(assay.NumberValue(c.x))
		if ok != (c.want != "") || ok && v.Text() != c.want {
			t.Errorf("%v becomes %v, %v, want %q", c.x, v, ok, c.want)
		}
		if !ok && v.Kind != assay.Number {
			t.Errorf("%v was refused and changed to %v", c.x, v)
		}
	}
}

// TestSpellingsOfThePlan: where the plan spells a text, its spelling is the
// canonical one, and a dictionary of truth values knows all four words.
func TestSpellingsOfThePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		texts []string
		want  map[string]string
	}{
		{"none", nil, map[string]string{"1.0": "1", "TRUE": "true", "x": "x"}},
		{"as R writes", []string{"TRUE", "FALSE"}, map[string]string{"true": "TRUE", "True": "TRUE", "1": "TRUE",
			"1.0": "TRUE", "0": "FALSE", "false": "FALSE", "x": "x"}},
		{"digits", []string{"0", "1"}, map[string]string{"true": "1", "FALSE": "0", "1.0": "1", "2": "2"}},
		{"decimals", []string{"1.0", "2.0"}, map[string]string{"1": "1.0", "1.00": "1.0", "2": "2.0", "true": "true"}},
		{"two spellings", []string{"1", "1.0"}, map[string]string{"1": "1", "1.0": "1.0", "1.00": "1"}},
		{"words with others", []string{"true", "false", "maybe"}, map[string]string{"1": "1", "TRUE": "true"}},
	} {
		f := fieldOf(t, ", kind: text")
		f.Codes = map[string]float64{}
		for i, s := range c.texts {
			f.Codes[s] = float64(i)
		}
		f.LearnSpellings(c.texts)
		for s, want := range c.want {
			if got := f.Spelling(s); got != want {
				t.Errorf("%s: %q is spelled %q, want %q", c.name, s, got, want)
			}
		}
	}
}

// TestMarksInAnySpelling: a mark of a field of texts holds in any spelling, also
// against the plan's own; in other fields a text is a mark as it is written.
func TestMarksInAnySpelling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		declaration string
		missing, is []string
	}{
		{", kind: text, missing: [-1, 'TRUE']", []string{"", "-1", "-1.0", "-1.000", "true", "True"},
			[]string{"1", "-01"}},
		{", kind: text, missing: ['5.0']", []string{"5", "5.0", "5.00"}, []string{"05", "5.1"}},
		{", missing: [-1, NA]", []string{"", "NA", "-1"}, []string{"na", "x"}},
		{", kind: time, missing: [never]", []string{"", "never"}, []string{"Never", "2020-01-01"}},
		{"", []string{""}, []string{"NA"}},
	} {
		f := fieldOf(t, c.declaration)
		for _, s := range c.missing {
			if !f.MeansMissing(s) || f.CanonicalText(s) != "" {
				t.Errorf("%s: %q has a value", c.declaration, s)
			}
		}
		for _, s := range c.is {
			if f.MeansMissing(s) || f.CanonicalText(s) == "" {
				t.Errorf("%s: %q has no value", c.declaration, s)
			}
		}
	}
}

// FuzzCanonical: the canonical form of a text is a fixed point under fields of
// every kind, and a value that is refused stays as it was.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"", "1.0", "-0.0", "TRUE", "NA", "2020-01-01", "1e5", "9007199254740993.00", "00.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c := fieldvalue.CanonicalText(s); fieldvalue.CanonicalText(c) != c {
			t.Errorf("%q becomes %q, then %q", s, c, fieldvalue.CanonicalText(c))
		}
		if !utf8.ValidString(s) {
			return
		}
		for _, declaration := range declarations {
			field := fieldOf(t, declaration)
			v, ok := field.Canonical(assay.TextValue(s))
			if !ok && v != assay.TextValue(s) {
				t.Errorf("%s: %q is refused, and became %v", declaration, s, v)
			}
			if again, still := field.Canonical(v); ok && (!still || again != v) {
				t.Errorf("%s: %q becomes %v, then %v", declaration, s, v, again)
			}
		}
	})
}
