// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// numberShare is the share of a text column's cells that must be numbers for
// the column to be one of numbers. The cells that are not are then bad rows,
// with their place, instead of silently turning a hundred thousand amounts
// into text because of one typing error.
const numberShare = 0.9

// mostlyNumbers is the share of numbers from which a column of texts is said to be
// mostly one of numbers.
const mostlyNumbers = 0.5

// maxOtherTexts bounds the texts, other than numbers, that are counted.
const maxOtherTexts = 64

// cellCounts is what the cells of one column look like.
type cellCounts struct {
	filled     int                // cells that are neither empty nor a mark
	numbers    int                // plain numbers, and true and false
	words      int                // true and false
	whole      int                // plain whole numbers
	long       int                // whole numbers that float64 may not hold
	zeroInHead int                // whole numbers with a zero in front: codes
	point      int                // plain numbers with a point, or an exponent
	grouped    int                // those whose point may be one between groups of three
	fits       [len(numerals)]int // other cells that fit the numeral
	commas     int                // numbers with a comma
	points     int                // numbers with a point
	groups     int                // those of them whose points may all be between groups
	units      map[string]int     // "" is none; as before|after
	marks      map[string]int
	others     map[string]int
}

// add counts one cell of a column.
func (c *cellCounts) add(cell string) {
	trimmed := strings.TrimSpace(cell)
	if isMissingMark(trimmed) {
		count(&c.marks, trimmed)
		return
	}
	c.filled++
	if _, ok := boolWord(trimmed); ok {
		c.numbers++
		c.words++
		return
	}
	if _, ok := parseNumber(trimmed); ok {
		c.numbers++
		c.plain(strings.TrimLeft(trimmed, "-\u2212+"))
		return
	}
	_, core, before, after, ok := splitUnit(trimmed)
	fits := false
	if ok {
		for i := range numerals {
			if _, ok := numerals[i].plain(core); ok {
				c.fits[i]++
				fits = true
			}
		}
	}
	if !fits {
		if len(c.others) < maxOtherTexts || c.others[trimmed] > 0 {
			count(&c.others, strings.Clone(trimmed))
		}
		return
	}
	if strings.Contains(core, ",") {
		c.commas++
	} else if strings.Contains(core, ".") {
		c.points++
		if _, ok := groupedByPoints.plain(core); ok {
			c.groups++
		}
	}
	count(&c.units, strings.Clone(before+"|"+after))
}

// plain counts a number that needs no numeral.
func (c *cellCounts) plain(digits string) {
	count(&c.units, "|")
	whole, fraction, point := strings.Cut(digits, ".")
	switch {
	case point:
		c.point++
		c.points++
		if len(fraction) == 3 && len(whole) > 0 && len(whole) < 4 && whole[0] != '0' && allDigits(fraction) {
			c.grouped++
			c.groups++
		}
		return
	case strings.ContainsAny(digits, "eE"):
		c.point++
		return
	}
	c.whole++
	if len(digits) > 1 && digits[0] == '0' {
		c.zeroInHead++
	}
	if len(digits) > 16 || len(digits) == 16 && digits > "9007199254740992" {
		c.long++
	}
}

func count(m *map[string]int, key string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[key]++
}

// fit returns how many cells fit a numeral.
func (c *cellCounts) fit(i int) int {
	n := c.fits[i] + c.whole
	if numerals[i].decimal == '.' {
		n += c.point
	} else if numerals[i].group == '.' {
		n += c.grouped
	}
	return n
}

// enough reports whether so many cells make a column of numbers.
func (c *cellCounts) enough(n int) bool { return float64(n) >= numberShare*float64(c.filled) }

// unit returns the unit that all numbers have; ok is false if they differ.
func (c *cellCounts) unit() (before, after string, ok bool) {
	if len(c.units) != 1 {
		return "", "", len(c.units) == 0
	}
	for u := range c.units {
		before, after, _ = strings.Cut(u, "|")
	}
	return before, after, true
}

// numeral finds how the numbers of a column are written. Where the cells fit
// several ways that give other numbers, stated chooses, then decimal, the mark
// that other columns of the file have before their decimals (0: not known); if
// neither does, all candidates are returned.
func (c *cellCounts) numeral(stated *numeral, decimal rune) []numeral {
	before, after, ok := c.unit()
	if !ok {
		return nil
	}
	best := 0
	for i := range numerals {
		best = max(best, c.fit(i))
	}
	if best == 0 || !c.enough(best) {
		return nil
	}
	var fit []numeral
	for i := range numerals {
		if c.fit(i) == best {
			n := numerals[i].numeral
			n.before, n.after = before, after
			fit = append(fit, n)
		}
	}
	if stated != nil {
		if i := slices.IndexFunc(fit, func(n numeral) bool {
			return n.decimal == stated.decimal &&
				n.group == stated.group
		}); i >= 0 {
			return fit[i : i+1]
		}
	}
	if c.commas == 0 && c.points == 0 {
		return fit[:1] // no mark that could be read in two ways
	}
	if c.commas == 0 && decimal != ',' && fit[0] == numerals[0].numeral {
		return fit[:1] // 1.200 is a plain number, unless something says otherwise
	}
	if i := slices.IndexFunc(fit, func(n numeral) bool { return n.decimal == decimal }); i >= 0 {
		return fit[i : i+1]
	}
	if !slices.ContainsFunc(fit, func(n numeral) bool { return n.decimal != fit[0].decimal }) {
		return fit[:1]
	}
	return fit
}

// inferColumns finds what each column is read as, from up to maxRows records.
func inferColumns(ctx context.Context, t *cellTable, opt *Options, label string, maxRows int) ([]columnReading, error) {
	counts := make([]cellCounts, len(t.header))
	for n := 0; n < maxRows; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rec, bad, err := t.next(opt)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if bad != nil {
			continue // reported by the pass that follows
		}
		for i, c := range rec {
			if !opt.isMissing(t.header[i], c, textKind) {
				counts[i].add(c)
			}
		}
	}
	return readings(t, opt, label, counts)
}

// readings decides, column by column, from what was counted.
func readings(t *cellTable, opt *Options, label string, counts []cellCounts) ([]columnReading, error) {
	general, err := opt.numeral("")
	if err != nil {
		return nil, err
	}
	decimal := decimalOf(counts, func(i int) bool {
		name := t.header[i]
		return name != label && !slices.Contains(opt.Text, name) && !slices.Contains(opt.Time, name)
	})
	out := make([]columnReading, len(counts))
	for i, name := range t.header {
		r := &out[i]
		r.name, r.numeral = name, numerals[0].numeral
		stated := general
		if own, err := opt.numeral(name); err != nil {
			return nil, err
		} else if own != nil {
			stated = own
		}
		switch {
		case name == label:
			r.kind = labelKind
		case slices.Contains(opt.Text, name):
			r.kind = textKind
		case slices.Contains(opt.Time, name):
			r.kind = timeKind
		default:
			if err := r.infer(&counts[i], opt, stated, decimal); err != nil {
				err.File = t.file
				return nil, err
			}
		}
		if opt.ignores(name) {
			r.note = ""
		}
	}
	return out, nil
}

// infer decides what a column is of which the caller has said no more than that
// it holds numbers, if that.
func (r *columnReading) infer(c *cellCounts, opt *Options, stated *numeral, decimal rune) *BadRow {
	number := opt.isNumber(r.name)
	if !number && c.whole == c.numbers && c.filled > 0 && c.enough(c.numbers) && c.long+c.zeroInHead > 0 {
		r.kind = textKind
		r.note = "whole numbers with zeros in front, or longer than numbers are exact: read as texts, digit by digit"
		return nil
	}
	if c.words > 0 && c.enough(c.numbers) {
		if c.words == c.numbers && !number {
			r.kind = flagKind
		}
		r.noteMarks(c)
		return nil
	}
	switch ways := c.numeral(stated, decimal); {
	case len(ways) == 1:
		r.numeral = ways[0]
		r.noteNumeral()
	case len(ways) > 1 && !opt.ignores(r.name):
		other := ways[slices.IndexFunc(ways, func(n numeral) bool { return n.decimal != ways[0].decimal })]
		return &BadRow{Column: r.name,
			Problem: fmt.Sprintf("its numbers can be read in two ways: say how they are written, "+
				"by --numbers %q or --numbers %q, or by written: in the plan's field (Options.Numbers, "+
				"Options.Written)",
				ways[0].sample(), other.sample())}
	case !number && c.filled > 0 && !c.enough(c.numbers):
		r.kind = textKind
		r.noteMostlyNumbers(c)
		return nil
	}
	r.noteMarks(c)
	return nil
}

// groupedByPoints is 1.234,56.
var groupedByPoints = numerals[3].numeral

// decimalOf returns the mark before decimals that the columns which may be
// numbers and leave no doubt have, 0 if there are none or they differ.
func decimalOf(counts []cellCounts, may func(column int) bool) rune {
	var found rune
	for i := range counts {
		c := &counts[i]
		if !may(i) || c.commas == 0 && c.points == c.groups {
			continue // nothing to tell it by
		}
		ways := c.numeral(nil, 0)
		if len(ways) != 1 {
			continue
		}
		if found != 0 && found != ways[0].decimal {
			return 0
		}
		found = ways[0].decimal
	}
	return found
}
