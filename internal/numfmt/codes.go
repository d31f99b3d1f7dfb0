// SPDX-License-Identifier: Apache-2.0

package numfmt

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// codeWords are words of a name that say that its whole numbers are years or
// codes.
var codeWords = [...]string{
	"year", "yr", "vintage", "cohort", "yyyymm", "code",
	"zip", "zipcode", "postcode", "postal", "plz", "id", "mcc", "sic", "naics",
}

// FormatOf is how the values of a column are printed: years, dates and codes are
// whole numbers that are not put in groups of three digits. They are recognised
// by the column's name, and by values that are nearly all years or dates.
func FormatOf(name string, values []float64) Format {
	named := slices.ContainsFunc(codeWords[:], func(w string) bool { return slices.Contains(nameWords(name), w) })
	known, years, months, days := 0, 0, 0, 0
	for _, v := range values {
		if v != v {
			continue
		}
		if v != math.Trunc(v) {
			return Plain
		}
		known++
		years += oneIf(isYear(v))
		months += oneIf(isMonth(v))
		days += oneIf(isMonth(math.Trunc(v/100)) && inside(math.Mod(v, 100), 1, 31))
	}
	// A year that stands for "unknown", as 0 or 9999, may occur.
	if most := max(years, months, days); named || known > 0 && 20*most >= 19*known {
		return Code
	}
	return Plain
}

func inside(v, low, high float64) bool { return v >= low && v <= high }

func isYear(v float64) bool { return inside(v, 1800, 2199) }

// isMonth recognises 202311.
func isMonth(v float64) bool { return isYear(math.Trunc(v/100)) && inside(math.Mod(v, 100), 1, 12) }

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// nameWords splits year_of_birth, yearOfBirth and "Year of birth" into their
// words, in small letters.
func nameWords(name string) []string {
	var b strings.Builder
	small := false
	for _, r := range name {
		if unicode.IsUpper(r) && small {
			b.WriteByte(' ')
		}
		small = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) })
}
