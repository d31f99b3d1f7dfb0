// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"math"
	"strconv"
	"strings"
)

// One value has several spellings: a flag is True in a CSV file of pandas, true
// in one of polars, TRUE in one of R and a boolean in Parquet; the code 1 is 1.0
// where the column had gaps. What a value is, is decided here, by the kind that
// the plan gives its field, by the same rules for cells of tables and for values
// of events:
//
//	kind    is written as
//	flag    a flag; the numbers 0 and 1; the texts true and false in any case, 0, 1, 0.0, 1.0
//	number  a number; a flag as 0 or 1; a text that is a decimal number, or true or false
//	text    a text; a whole number by its digits, any other by the shortest decimal that reads back as
//	        the same; true and false in lower case; a text of digits, a point and zeros alone without
//	        the point and the zeros (1.0 is 1, but 01 stays 01 and 1.10 stays 1.10)
//	time    a time; a text that eventtime.Parse reads
//
// The empty text is no value in all of them, and so are the plan's marks
// (missing:): a text that is a mark as it is written, before it is read as
// anything else, and a value that is a mark in any other spelling
// (Field.MeansMissing, marks.number, marks.time). Where the plan itself spells a
// text (in a dictionary of an older plan, in values, in a window's condition), the
// plan's spelling is the canonical one.

// maxExactInt: float64 holds every whole number up to it.
const maxExactInt = 1 << 53

// CanonicalText is the canonical form of a text, wherever it came from.
func CanonicalText(s string) string {
	if n := len(s); n > 2 && s[n-1] == '0' {
		return withoutZeroFraction(s)
	}
	if b, ok := BoolWord(s); ok {
		return strconv.FormatBool(b)
	}
	return s
}

// BoolWord reads true and false in any case.
func BoolWord(s string) (value, ok bool) {
	switch {
	case len(s) == 4 && strings.EqualFold(s, "true"):
		return true, true
	case len(s) == 5 && strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// withoutZeroFraction returns 12 for 12.0 and 12.00; a text that is no whole
// number in plain digits, or that has zeros in front, is returned as it is.
func withoutZeroFraction(s string) string {
	whole, fraction, ok := strings.Cut(s, ".")
	if !ok || fraction == "" || strings.Trim(fraction, "0") != "" {
		return s
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' {
		return s
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return s
		}
	}
	if digits == "0" {
		return "0"
	}
	return whole
}

// numberOfText reads a decimal number, or true or false as 1 and 0.
func numberOfText(s string) (x float64, ok bool) {
	if b, ok := BoolWord(s); ok {
		return numberOfBool(b), true
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil
}

// numberOfBool is 1 for true and 0 for false.
func numberOfBool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// textOfNumber is the canonical text of a number; ok is false for infinities and
// for numbers beyond 2^53, which may have lost digits before they came here.
func textOfNumber(x float64) (s string, ok bool) {
	if x == 0 {
		return "0", true // also the negative one
	}
	return strconv.FormatFloat(x, 'f', -1, 64), x-x == 0 && math.Abs(x) <= maxExactInt
}
