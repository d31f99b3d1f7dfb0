// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// numeral is a way of writing numbers: the mark before decimals, the mark
// between groups of three digits (0: none), and a unit before or behind.
type numeral struct {
	decimal, group rune
	before, after  string
}

// numerals are the ways that are known, each with the sample that names it.
var numerals = [...]struct {
	sample string
	numeral
}{
	{"1234.56", numeral{decimal: '.'}},
	{"1,234.56", numeral{decimal: '.', group: ','}},
	{"1234,56", numeral{decimal: ','}},
	{"1.234,56", numeral{decimal: ',', group: '.'}},
	{"1 234.56", numeral{decimal: '.', group: ' '}},
	{"1 234,56", numeral{decimal: ',', group: ' '}},
	{"1'234.56", numeral{decimal: '.', group: '\''}},
}

// currencies are the codes that may be written before or after a number; signs
// such as $ and € are known by being currency signs.
var currencies = strings.Fields("EUR USD GBP CHF JPY CNY INR SEK NOK DKK ISK PLN CZK HUF RON BGN RUB UAH TRY BRL MXN " +
	"ARS CLP COP PEN AUD CAD NZD " +
	"ZAR NGN KES EGP MAD KRW SGD HKD TWD THB IDR MYR PHP VND ILS SAR AED QAR KWD PKR BDT LKR")

// isUnit reports whether a text before or after a number is a unit, and not part
// of a code.
func isUnit(s string) bool {
	if s == "" || s == "%" || slices.Contains(currencies, s) {
		return true
	}
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && unicode.Is(unicode.Sc, r)
}

// ParseWritten checks a sample of how numbers are written: 1,234.56 or
// 1.234,56 EUR, say; one of the known numerals, with a unit or without.
func ParseWritten(sample string) error {
	_, err := parseWritten(sample)
	return err
}

func parseWritten(sample string) (numeral, error) {
	_, core, before, after, ok := splitUnit(sample)
	for _, n := range numerals {
		if ok && core == n.sample {
			n.before, n.after = before, after
			return n.numeral, nil
		}
	}
	var known []string
	for _, n := range numerals {
		known = append(known, n.sample)
	}
	return numeral{}, fmt.Errorf("%q is no sample of how numbers are written: want one of %s, with a currency or %% "+
		"before or after it if the cells have one",
		sample, strings.Join(known, "  "))
}

// sample writes the numeral as ParseWritten reads it.
func (n numeral) sample() string {
	for _, k := range numerals {
		if k.decimal == n.decimal && k.group == n.group {
			before, after := n.before, n.after
			if slices.Contains(currencies, before) {
				before += " "
			}
			if slices.Contains(currencies, after) {
				after = " " + after
			}
			return before + k.sample + after
		}
	}
	return ""
}

// splitUnit takes the sign and the units around a number off; ok is false where
// what is around it is no unit.
func splitUnit(cell string) (negative bool, core, before, after string, ok bool) {
	core = strings.TrimFunc(cell, isSpace)
	sign := func() {
		for _, minus := range []string{"-", "\u2212"} {
			if rest, cut := strings.CutPrefix(core, minus); cut && !negative {
				negative, core = true, strings.TrimFunc(rest, isSpace)
			}
		}
	}
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	mark := func(r rune) bool { return digit(r) || strings.ContainsRune(".,'\u2019-\u2212", r) || isSpace(r) }
	sign()
	if i := strings.IndexFunc(core, mark); i > 0 {
		before, core = core[:i], strings.TrimFunc(core[i:], isSpace)
		sign()
	}
	if i := strings.LastIndexFunc(core, digit); i >= 0 && i+1 < len(core) {
		core, after = core[:i+1], strings.TrimFunc(core[i+1:], isSpace)
	}
	return negative, core, before, after, core != "" && isUnit(before) && isUnit(after) && (before == "" || after == "")
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\u00a0' || r == '\u202f' || r == '\u2009'
}

// plain writes the digits of a number, without sign and unit, as parseNumber
// reads them; ok is false where they are not written this way.
func (n numeral) plain(core string) (string, bool) {
	whole, fraction, split := strings.Cut(core, string(n.decimal))
	if split && (fraction == "" || !allDigits(fraction)) {
		return "", false
	}
	if n.group != 0 {
		var ok bool
		if whole, ok = n.ungroup(whole); !ok {
			return "", false
		}
	}
	if whole == "" && split {
		whole = "0"
	}
	if whole == "" || !allDigits(whole) {
		return "", false
	}
	if split {
		return whole + "." + fraction, true
	}
	return whole, true
}

// ungroup takes the marks between groups of three digits out.
func (n numeral) ungroup(whole string) (string, bool) {
	same := func(r rune) rune {
		switch {
		case n.group == ' ' && isSpace(r):
			return n.group
		case n.group == '\'' && r == '\u2019':
			return n.group
		}
		return r
	}
	groups := strings.Split(strings.Map(same, whole), string(n.group))
	for i, g := range groups {
		if len(groups) > 1 && (i > 0 && len(g) != 3 || i == 0 && (len(g) < 1 || len(g) > 3)) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// number reads a cell that is written this way, with the numeral's unit; the
// unit may be left out, unless it is the one that changes what is meant.
func (n numeral) number(cell string) (float64, bool) {
	negative, core, before, after, ok := splitUnit(cell)
	if !ok || (before != n.before || after != n.after) && (before != "" || after != "" || n.after == "%" ||
		n.before == "%") {
		return 0, false
	}
	plain, ok := n.plain(core)
	if !ok {
		return 0, false
	}
	if negative {
		plain = "-" + plain
	}
	return parseNumber(plain)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
