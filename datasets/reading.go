// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// columnReading is what a column of a text file is read as.
type columnReading struct {
	name    string
	kind    columnKind
	numeral numeral // how its numbers are written
	note    string  // what a person should know of it
	sample  string  // of the numeral, where it is not the plain one
}

func (r *columnReading) noteNumeral() {
	if r.numeral != numerals[0].numeral {
		r.sample = r.numeral.sample()
		r.note = fmt.Sprintf("numbers written as %s", r.sample)
		if r.numeral.after == "%" || r.numeral.before == "%" {
			r.note += "; 12% is read as 12"
		}
	}
}

// number reads a cell of a column of numbers.
func (r *columnReading) number(cell string) (float64, bool) {
	if r.sample == "" {
		if x, ok := parseNumber(cell); ok {
			return x, true
		}
		b, ok := boolWord(strings.TrimSpace(cell))
		if b {
			return 1, ok
		}
		return 0, ok
	}
	return r.numeral.number(cell)
}

// notNumber says why a cell of a column of numbers is none.
func (r *columnReading) notNumber(cell string) string {
	const otherwise = " (if it is text, the plan's field wants kind: text; if it means no value, list it in the " +
		"field's " +
		"missing:; Options.Text, Options.MissingIn)"
	if r.sample != "" {
		return "not a number written as " + r.sample + ", in a column of them" + otherwise
	}
	if _, core, _, _, ok := splitUnit(cell); ok {
		for i := range numerals {
			if _, ok := numerals[i].plain(core); ok {
				return "a number with marks, in a column of plain numbers: say how all of them are written, by " +
					"--numbers or " +
					"written: in the plan's field (Options.Numbers)"
			}
		}
	}
	return "not a finite number, in a column of numbers" + otherwise
}

func kindsOfReadings(columns []columnReading) []columnKind {
	out := make([]columnKind, len(columns))
	for i := range columns {
		out[i] = columns[i].kind
	}
	return out
}

// columnNotes are what is to be said of the columns.
func columnNotes(t *cellTable, columns []columnReading) []ColumnNote {
	out := slices.Clone(t.leftOut)
	for i := range columns {
		if r := &columns[i]; r.note != "" {
			out = append(out, ColumnNote{Column: r.name, Note: r.note, Written: r.sample})
		}
	}
	return out
}

// noteMarks says which marks of a column of numbers are taken as missing.
func (r *columnReading) noteMarks(c *cellCounts) {
	if len(c.marks) == 0 {
		return
	}
	also := fmt.Sprintf("%s taken as missing", counted(c.marks, 3))
	if r.note != "" {
		also = r.note + "; " + also
	}
	r.note = also
}

// noteMostlyNumbers says that a column of texts is mostly one of numbers, and what can
// be done. Texts are shown that occur too often to be somebody's.
func (r *columnReading) noteMostlyNumbers(c *cellCounts) {
	n := c.numbers
	for i := range numerals {
		n = max(n, c.fit(i))
	}
	if float64(n) < mostlyNumbers*float64(c.filled) {
		return
	}
	r.note = fmt.Sprintf("read as texts, though %d of %d cells are numbers", n, c.filled)
	if _, _, ok := c.unit(); !ok {
		r.note += "; they have several units, which must become one"
	}
	frequent := map[string]int{}
	for s, k := range c.others {
		if k >= 5 && len(s) <= 32 {
			frequent[s] = k
		}
	}
	if len(frequent) > 0 {
		r.note += fmt.Sprintf("; if %s mean no value, declare the field as a number in the plan, with missing: [...]",
			counted(frequent, 3))
		return
	}
	r.note += "; to have it as a number, declare the field in the plan: rows with other cells are then bad rows " +
		"(--on-bad-row)"
}

// counted lists the most frequent of some texts with their numbers.
func counted(texts map[string]int, most int) string {
	names := make([]string, 0, len(texts))
	for s := range texts {
		names = append(names, s)
	}
	slices.SortFunc(names, func(a, b string) int {
		if texts[a] != texts[b] {
			return texts[b] - texts[a]
		}
		return strings.Compare(a, b)
	})
	var out []string
	for i, s := range names {
		if i == most {
			out = append(out, "...")
			break
		}
		out = append(out, fmt.Sprintf("%d %q", texts[s], s))
	}
	return strings.Join(out, ", ")
}

// numeral returns the way of writing that is stated for a column, or for all
// of the file where column is empty; nil if none is.
func (o *Options) numeral(column string) (*numeral, error) {
	sample := o.Numbers
	if column != "" {
		sample = o.Written[column]
	}
	if sample == "" {
		return nil, nil
	}
	n, err := parseWritten(sample)
	if err != nil {
		return nil, &BadRow{Column: column, Problem: err.Error()}
	}
	return &n, nil
}

// isNumber reports whether a plan takes the column for one of numbers.
func (o *Options) isNumber(name string) bool { return slices.Contains(o.Number, name) }

// planned reports whether a plan has said what columns are.
func (o *Options) planned() bool { return len(o.Number)+len(o.Text)+len(o.Time) > 0 }

// reads reports whether a plan, or the caller, names the column.
func (o *Options) reads(name string) bool {
	return name == o.Label || o.isNumber(name) || slices.Contains(o.Text, name) || slices.Contains(o.Time, name)
}

// ignores reports whether there is a plan and it does not name the column.
func (o *Options) ignores(name string) bool { return o.planned() && !o.reads(name) }
