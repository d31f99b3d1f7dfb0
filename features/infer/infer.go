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

// idShare is the share of distinct texts from which a text column is taken for
// an identifier, which says nothing about the next row.
const idShare = 0.5

// LeftOut is a column that an inferred plan has no field for, and why.
type LeftOut struct{ Column, Why string }

// FromTable makes a plan from a table, and says which columns it left out: every
// number is passed through, every text becomes a category, one of true and false
// alone a flag, and identifiers, row numbers and times are left out. What every
// row of the table has is required. Ranges are for people to add.
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
		if f.Name == label {
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
		default:
			why = "times"
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

// commonMarks are texts that mean "no value" in most columns of texts: an
// inferred plan says so of a column that has them, for a person to strike out.
var commonMarks = []string{"#N/A", "<NA>", "?", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"}

// textMarks returns the common marks that a column of texts has, nil if none.
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

// leastRows is how many rows a column of row numbers has at least: fewer may
// count up by chance.
const leastRows = 100

// rowNumbers says why a column is taken for the rows' own numbers, "" if it is
// not: whole numbers that count up evenly from row to row, or, as a shuffled or
// split table has them, that are all different and fill at least half of the
// range between the least and the greatest.
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

// looksLikeID reports whether most texts of a column occur once.
func looksLikeID(a arrow.Array) bool {
	n, seen := 0, map[string]struct{}{}
	for i := range a.Len() {
		if t := (&fieldvalue.Column{Array: a, Kind: assay.Text}).Text(i); t != "" {
			n++
			seen[t] = struct{}{}
		}
	}
	return n >= 100 && float64(len(seen)) > idShare*float64(n)
}

// holdsBooleans reports whether every text of a column is true or false, in any
// case.
func holdsBooleans(a arrow.Array) bool {
	c, some := &fieldvalue.Column{Array: a, Kind: assay.Text}, false
	for i := range a.Len() {
		t := c.Text(i)
		if t == "" {
			continue
		}
		if _, ok := fieldvalue.BoolWord(t); !ok {
			return false
		}
		some = true
	}
	return some
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

// Gaps lists the columns of a table that have rows without a value: what a plan
// that was inferred from other rows must not require.
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
