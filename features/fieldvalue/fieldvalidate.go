// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/kernels"
)

// WrongKind is the error for a value of another kind than the field's.
func (f *Field) WrongKind(got assay.ValueKind) error {
	want := fmt.Sprintf("is a %s, want a %s", got, f.Kind)
	if f.Kind == assay.Flag {
		want += ": true or false, 1 or 0"
	}
	return &assay.FieldError{Field: f.Spec.Name, Problem: want}
}

// Validate checks that an event's value, in canonical form, keeps the field's
// rules. An error is a *assay.FieldError.
func (f *Field) Validate(v assay.Value) error {
	bad := func(problem string) error { return &assay.FieldError{Field: f.Spec.Name, Problem: problem} }
	if v.Kind == assay.Missing {
		if !f.MayBeMissing {
			return bad("has no value, and the plan requires one")
		}
		return nil
	}
	if v.Kind != f.Kind {
		return f.WrongKind(v.Kind)
	}
	switch f.Kind {
	case assay.Number:
		x := v.Number()
		if x-x != 0 {
			return bad("must be a finite number; leave a missing value out")
		}
		if x, ok := f.Number(x); !ok || x != x && !f.MayBeMissing {
			return bad(f.rangeProblem())
		}
	case assay.Text:
		none := f.MeansMissing(v.Text())
		if !none && f.values != nil && !f.values[v.Text()] {
			return bad("the text is not one of the values that the plan allows")
		}
		if none && !f.MayBeMissing {
			return bad("has no value, and the plan requires one")
		}
	case assay.Instant:
		if x, ok := f.Instant(v.Micros()); !ok || x != x && !f.MayBeMissing {
			return bad(f.timeProblem())
		}
	}
	return nil
}

// PlainValue is Value for a value that needs no change: if ok, the value is
// canonical, passes Validate, and is x to the kernels. If not ok, nothing is known:
// Canonical and Validate decide.
func (f *Field) PlainValue(v *assay.Value) (x float64, ok bool) {
	if v.Kind == assay.Missing {
		return math.NaN(), f.MayBeMissing && v.Text() == ""
	}
	if v.Kind != f.Kind {
		return 0, false
	}
	text := v.Text()
	if f.Kind == assay.Text {
		if f.MeansMissing(text) {
			return math.NaN(), f.MayBeMissing
		}
		if f.values != nil && !f.values[text] || len(text) > assay.MaxTextBytes || !utf8.ValidString(text) {
			return 0, false
		}
		code := f.Code(text)
		return code, code != kernels.Unknown || f.Spelling(text) == text
	}
	if text != "" {
		return 0, false
	}
	switch f.Kind {
	case assay.Instant:
		x, ok = f.Instant(v.Micros())
		return x, ok && (x == x || f.MayBeMissing)
	case assay.Flag:
		x, _ := f.Number(v.Number())
		return x, true
	}
	y := v.Number()
	x, ok = f.Number(y)
	return x, ok && y-y == 0 && (x == x || f.MayBeMissing)
}
