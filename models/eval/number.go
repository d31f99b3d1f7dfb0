// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"strconv"
	"strings"
)

// Number is a float64 that is null in JSON when it is NaN or infinite.
type Number float64

const nanBits = 0x7FF8000000000001

var nan = Number(math.Float64frombits(nanBits))

// Defined reports whether the number can be shown.
func (x Number) Defined() bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

func numberOf(x float64) *Number {
	n := Number(x)
	return &n
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
		s = thousands(whole) + "." + tenth
	case Fixed2:
		s = strconv.FormatFloat(x, 'f', 2, 64)
	case Fixed3:
		s = strconv.FormatFloat(x, 'f', 3, 64)
	case Fixed4:
		s = strconv.FormatFloat(x, 'f', 4, 64)
	case Signed3:
		s = strconv.FormatFloat(x, 'f', 3, 64)
		if x > 0 && !zeroText(s) {
			s = "+" + s
		}
	case Percent:
		digits := 1
		if a := math.Abs(x); a > 0 && a < 0.01 {
			digits = 2
		}
		s = strconv.FormatFloat(100*x, 'f', digits, 64)
	case Count:
		s = thousands(strconv.FormatFloat(math.Round(x), 'f', 0, 64))
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
	if zeroText(s) {
		s = strings.TrimLeft(s, "-")
	}
	s = minus(s)
	if f == Percent {
		s += " %"
	}
	return s
}

// minus sets a true minus sign; the one of an exponent stays.
func minus(s string) string {
	if strings.HasPrefix(s, "-") {
		return "−" + s[1:]
	}
	return s
}

func zeroText(s string) bool { return strings.Trim(s, "-0.") == "" }

// plain prints four significant digits, in thousands groups when large and in
// powers of ten only where zeros would have to be counted.
func plain(x float64) string {
	switch a := math.Abs(x); {
	case x == 0:
		return "0"
	case a >= 1e9 || a < 1e-4:
		return strconv.FormatFloat(x, 'e', 2, 64)
	case a >= 1000:
		return thousands(strconv.FormatFloat(x, 'f', 0, 64))
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

// thousands puts a narrow no-break space between groups of three digits.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}
