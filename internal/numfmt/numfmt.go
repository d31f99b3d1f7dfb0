// SPDX-License-Identifier: Apache-2.0

// Package numfmt prints numbers: for people, in a chosen [Format], and in JSON,
// where a [Number] that is not defined is null.
//
// Text for people has a true minus sign, never a negative zero, a dash for what
// is not defined, and narrow no-break spaces between groups of three digits.
package numfmt

import (
	"math"
	"strconv"
	"strings"
)

// Number is a float64 that is null in JSON when it is NaN or infinite.
type Number float64

// NaN is the number that is not defined.
func NaN() Number { return Number(math.NaN()) }

// Defined reports whether the number can be shown.
func (x Number) Defined() bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

// Pointer returns a pointer to a new Number, for fields that may be absent.
func Pointer(x float64) *Number {
	n := Number(x)
	return &n
}

// Numbers converts a slice.
func Numbers(x []float64) []Number {
	out := make([]Number, len(x))
	for i, v := range x {
		out[i] = Number(v)
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (x Number) MarshalJSON() ([]byte, error) {
	if !x.Defined() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(x), 'g', -1, 64), nil
}

// Format is how a number is printed for people.
type Format string

// The formats. The zero Format prints four significant digits.
const (
	Plain   Format = ""
	Fixed1  Format = "0.0"
	Fixed2  Format = "0.00"
	Fixed3  Format = "0.000"
	Fixed4  Format = "0.0000"
	Percent Format = "%"
	Count   Format = "n"
	PValue  Format = "p"
	Signed3 Format = "+0.000"
	Code    Format = "code" // a year, a date or a code: never in groups
)

// Print returns the number as a reader sees it; a dash when it is undefined.
func (f Format) Print(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	var s string
	switch f {
	case Fixed1:
		whole, tenth, _ := strings.Cut(strconv.FormatFloat(x, 'f', 1, 64), ".")
		s = Thousands(whole) + "." + tenth
	case Fixed2:
		s = strconv.FormatFloat(x, 'f', 2, 64)
	case Fixed3:
		s = strconv.FormatFloat(x, 'f', 3, 64)
	case Fixed4:
		s = strconv.FormatFloat(x, 'f', 4, 64)
	case Signed3:
		s = strconv.FormatFloat(x, 'f', 3, 64)
		if x > 0 && !IsZero(s) {
			s = "+" + s
		}
	case Percent:
		digits := 1
		if a := math.Abs(x); a > 0 && a < 0.01 {
			digits = 2
		}
		s = strconv.FormatFloat(100*x, 'f', digits, 64)
	case Count:
		s = Thousands(strconv.FormatFloat(math.Round(x), 'f', 0, 64))
	case Code:
		s = code(x)
	case PValue:
		if x < 0.0001 {
			return "< 0.0001"
		}
		s = strconv.FormatFloat(x, 'f', 4, 64)
	default:
		s = plain(x)
	}
	if IsZero(s) {
		s = strings.TrimLeft(s, "-")
	}
	s = Minus(s)
	if f == Percent {
		s += " %"
	}
	return s
}

// Minus replaces the hyphen before a number by a minus sign; the one of an exponent stays.
func Minus(s string) string {
	if strings.HasPrefix(s, "-") {
		return "−" + s[1:]
	}
	return s
}

// IsZero reports whether printed digits are all zero.
func IsZero(s string) bool { return strings.Trim(s, "-0.") == "" }

// plain prints four significant digits, in thousands groups when large and in
// powers of ten only where zeros would have to be counted.
func plain(x float64) string {
	switch a := math.Abs(x); {
	case x == 0:
		return "0"
	case a >= 1e9 || a < 1e-4:
		return strconv.FormatFloat(x, 'e', 2, 64)
	case a >= 1000:
		return Thousands(strconv.FormatFloat(x, 'f', 0, 64))
	}
	s := strconv.FormatFloat(x, 'g', 4, 64)
	return s
}

// code prints the digits as they are written in a year or a code; a median
// between two of them has one decimal.
func code(x float64) string {
	switch {
	case math.Abs(x) >= 1e15:
		return plain(x)
	case x != math.Trunc(x):
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// Thousands puts a narrow no-break space between groups of three digits
// of a whole number.
func Thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

// Share prints a share in per cent with one digit after the point, however small
// it is.
func Share(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" }
