// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// idShare is the share of distinct texts from which a text column is taken for
// an identifier, which says nothing about the next row.
const idShare = 0.5

// Infer makes a plan from a table: every number is passed through, every text
// becomes a category, one of true and false alone a flag, and identifiers and
// times are left out. What every row of the table has is required. Ranges are
// for people to add.
func Infer(rec arrow.Record, label string) (*Spec, error) {
	s := &Spec{Version: 1}
	if label != "" {
		if len(rec.Schema().FieldIndices(label)) == 0 {
			return nil, &assay.FieldError{Field: label, Problem: "the table has no such column to be the label"}
		}
		s.Label = &LabelSpec{Column: label}
	}
	for i, f := range rec.Schema().Fields() {
		if f.Name == label {
			continue
		}
		if !nameOK(f.Name) || f.Name == EventTime {
			return nil, &assay.FieldError{Field: f.Name, Problem: "the column's name cannot be a field's name; rename it"}
		}
		a := rec.Column(i)
		field := FieldSpec{Name: f.Name}
		switch id := valueType(f.Type).ID(); {
		case a.NullN() == a.Len():
			continue
		case id == arrow.BOOL || isText(id) && holdsBooleans(a):
			field.Kind = "flag"
		case isNumber(id):
		case isText(id) && !looksLikeID(a):
			field.Kind = "text"
		default:
			continue
		}
		field.Required = alwaysThere(a, field.kind())
		s.Fields = append(s.Fields, field)
		s.Features = append(s.Features, FeatureSpec{Name: f.Name})
	}
	if len(s.Features) == 0 {
		return nil, fmt.Errorf("the table has no column that can be a feature: %w", assay.ErrInvalid)
	}
	return s, s.check()
}

// looksLikeID reports whether most texts of a column occur once.
func looksLikeID(a arrow.Array) bool {
	n, seen := 0, map[string]struct{}{}
	for i := range a.Len() {
		if t := (&column{array: a, kind: assay.Text}).text(i); t != "" {
			n++
			seen[t] = struct{}{}
		}
	}
	return n >= 100 && float64(len(seen)) > idShare*float64(n)
}

// holdsBooleans reports whether every text of a column is true or false, in any
// case.
func holdsBooleans(a arrow.Array) bool {
	c, some := &column{array: a, kind: assay.Text}, false
	for i := range a.Len() {
		t := c.text(i)
		if t == "" {
			continue
		}
		if _, ok := boolWord(t); !ok {
			return false
		}
		some = true
	}
	return some
}

// alwaysThere reports whether every row of a column has a value.
func alwaysThere(a arrow.Array, kind assay.ValueKind) bool {
	c := &column{array: a, kind: kind}
	for i := range a.Len() {
		if c.null(i) {
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
		if isText(valueType(f.Type).ID()) {
			kind = assay.Text
		}
		if !alwaysThere(rec.Column(i), kind) {
			out = append(out, f.Name)
		}
	}
	return out
}
