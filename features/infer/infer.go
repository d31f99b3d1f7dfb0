// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// idShare is the share of distinct texts above which a text column is taken for
// identifiers, which say nothing about other rows.
const idShare = 0.5

// LeftOut is a column for which an inferred plan has no field, and the reason.
type LeftOut struct{ Column, Why string }

// FromTable makes a plan from a table, and returns which columns it left out. A
// column of numbers becomes a feature as it is, a column of texts a category, and
// a column of nothing but true and false a flag. Identifiers, row numbers, times
// and columns without values are left out. A field is required if every row of the
// table has a value. Ranges are left for people to add.
func FromTable(rec arrow.Record, label string) (*plantext.Spec, []LeftOut, error) {
	s := &plantext.Spec{Version: 1}
	if label != "" {
		if len(rec.Schema().FieldIndices(label)) == 0 {
			return nil, nil, &assay.FieldError{Field: label, Problem: "the table has no such column to be the label"}
		}
		s.Label = &plantext.LabelSpec{Column: label}
	}
	var out []LeftOut
	for i, f := range rec.Schema().Fields() {
		switch f.Name {
		case "":
			out = append(out, LeftOut{"", "a column without a name"})
			continue
		case label:
			continue
		}
		if !plantext.IsName(f.Name) || f.Name == plantext.EventTime {
			return nil, nil, &assay.FieldError{Field: f.Name,
				Problem: "the column's name cannot be a field's name; rename it"}
		}
		a := rec.Column(i)
		kind, why := "", ""
		switch id := fieldvalue.ValueType(f.Type).ID(); {
		case a.NullN() == a.Len():
			why = "no values"
		case id == arrow.BOOL || fieldvalue.IsText(id) && holdsBooleans(a):
			kind = "flag"
		case fieldvalue.IsNumber(id):
			why = rowNumbers(&fieldvalue.Column{Array: a})
		case fieldvalue.IsText(id) && !looksLikeID(a):
			kind = "text"
		case fieldvalue.IsText(id):
			why = "texts, most of which occur once"
		case id == arrow.TIMESTAMP || id == arrow.DATE32 || id == arrow.DATE64:
			why = "times"
		default:
			why = fmt.Sprintf("values of type %s, which no field can hold", f.Type)
		}
		if why != "" {
			out = append(out, LeftOut{f.Name, why})
			continue
		}
		field := plantext.FieldSpec{Name: f.Name, Kind: kind, Missing: textMarks(a, kind)}
		field.Required = field.Missing == nil && alwaysThere(a, field.ValueKind())
		s.Fields = append(s.Fields, field)
		s.Features = append(s.Features, plantext.FeatureSpec{Name: f.Name})
	}
	if len(s.Features) == 0 {
		return nil, out, fmt.Errorf("the table has no column that can be a feature: %w", assay.ErrInvalid)
	}
	return s, out, plancheck.Check(s)
}

// commonMarks are texts that mean "no value" in most columns of texts. An inferred
// plan lists those that a column has, for a person to remove where they are values.
var commonMarks = []string{"#N/A", "<NA>", "?", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"}

// textMarks returns the common marks that a column of texts has, nil if it has none.
func textMarks(a arrow.Array, kind string) *plantext.MissingSpec {
	if kind != "text" {
		return nil
	}
	found := map[string]bool{}
	for i := range a.Len() {
		if t := (&fieldvalue.Column{Array: a, Kind: assay.Text}).Text(i); slices.Contains(commonMarks, t) {
			found[t] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	m := &plantext.MissingSpec{Allowed: true}
	for _, t := range commonMarks {
		if found[t] {
			m.Marks = append(m.Marks, t)
		}
	}
	return m
}

// leastRows is how many rows a table must have for a column to be taken for row
// numbers or identifiers: in fewer, values may count up or all differ by chance.
const leastRows = 100

// rowNumbers returns why a column is taken for row numbers, "" if it is not. Row
// numbers are whole numbers that count up evenly from row to row, or, if the table
// was shuffled or split, that all differ and fill at least half of the range
// between the least and the greatest.
func rowNumbers(c *fieldvalue.Column) string {
	n := c.Array.Len()
	if n < leastRows || c.Array.NullN() > 0 {
		return ""
	}
	first, _ := c.Number(0)
	second, _ := c.Number(1)
	step := second - first
	rising := step > 0
	low, high := first, first
	seen := make(map[float64]struct{}, n)
	for i := range n {
		x, _ := c.Number(i)
		if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return ""
		}
		if _, again := seen[x]; again {
			return ""
		}
		seen[x] = struct{}{}
		rising = rising && x == first+step*float64(i)
		low, high = min(low, x), max(high, x)
	}
	switch {
	case rising:
		return "row numbers"
	case high-low < 2*float64(n):
		return "row numbers, not in order"
	}
	return ""
}

// looksLikeID reports whether the distinct texts of a column are more than idShare of all.
func looksLikeID(a arrow.Array) bool {
	n, seen := 0, map[string]struct{}{}
	for i := range a.Len() {
		if t := (&fieldvalue.Column{Array: a, Kind: assay.Text}).Text(i); t != "" {
			n++
			seen[t] = struct{}{}
		}
	}
	return n >= leastRows && float64(len(seen)) > idShare*float64(n)
}

// holdsBooleans reports whether a column has texts and each of them is true or
// false, in upper or lower case.
func holdsBooleans(a arrow.Array) bool {
	c, found := &fieldvalue.Column{Array: a, Kind: assay.Text}, false
	for i := range a.Len() {
		t := c.Text(i)
		if t == "" {
			continue
		}
		if _, ok := fieldvalue.BoolWord(t); !ok {
			return false
		}
		found = true
	}
	return found
}

// alwaysThere reports whether every row of a column has a value.
func alwaysThere(a arrow.Array, kind assay.ValueKind) bool {
	c := &fieldvalue.Column{Array: a, Kind: kind}
	for i := range a.Len() {
		if c.Null(i) {
			return false
		}
	}
	return a.Len() > 0
}

// Gaps returns the columns of a table that lack a value in some row. A plan that
// was inferred from other rows must not require them.
func Gaps(rec arrow.Record) []string {
	var out []string
	for i, f := range rec.Schema().Fields() {
		kind := assay.Number
		if fieldvalue.IsText(fieldvalue.ValueType(f.Type).ID()) {
			kind = assay.Text
		}
		if !alwaysThere(rec.Column(i), kind) {
			out = append(out, f.Name)
		}
	}
	return out
}
