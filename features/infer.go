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
// becomes a category, and identifiers and times are left out. Ranges and
// required fields are for people to add.
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
		switch id := valueType(f.Type).ID(); {
		case a.NullN() == a.Len():
			continue
		case isNumber(id):
			kind := ""
			if id == arrow.BOOL {
				kind = "flag"
			}
			s.Fields = append(s.Fields, FieldSpec{Name: f.Name, Kind: kind})
		case isText(id) && !looksLikeID(a):
			s.Fields = append(s.Fields, FieldSpec{Name: f.Name, Kind: "text"})
		default:
			continue
		}
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
