// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"strings"
)

// MissingMarks are the texts that mean "no value" in a column of numbers,
// times or outcomes, whoever wrote the file: R and databases, pandas and
// polars, spreadsheets, SAS and Stata, C's printf. In a column of texts each of
// them may be a text (NA is Namibia), and only the plan can say that it is none.
var MissingMarks = []string{
	"NA", "N/A", "n/a", "#N/A", "#N/A N/A", "<NA>", "N.A.", "n.a.", "NaN", "nan", "NAN", "-NaN", "-nan", "NaT", "None",
	"none", "null", "NULL", "Null",
	"(null)", "<null>", "[null]", "nil", `\N`, "#NULL!", "#DIV/0!", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND", "?",
	"-", "--", ".", "..",
}

var missingMarkSet = func() map[string]bool {
	m := make(map[string]bool, len(MissingMarks))
	for _, s := range MissingMarks {
		m[s] = true
	}
	return m
}()

// isMissingMark reports whether a text without spaces around it is one of the marks.
func isMissingMark(s string) bool {
	last := s[len(s)-1]
	return (last < '0' || last > '9') && missingMarkSet[s] // no mark ends in a digit: most cells are told by that
}

// isMissing reports whether a cell of a column has no value.
func (o *Options) isMissing(column, cell string, kind columnKind) bool {
	if cell == "" || slices.Contains(o.Missing, cell) || slices.Contains(o.MissingIn[column], cell) {
		return true
	}
	trimmed := strings.TrimSpace(cell)
	return trimmed == "" || kind != textKind && isMissingMark(trimmed) && !(kind == labelKind && trimmed == o.Bad)
}
