// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// Field is a FieldSpec that is ready to read values. After Codes are set and
// LearnSpellings was called, its methods change nothing: goroutines may share it.
type Field struct {
	Spec         *plantext.FieldSpec
	Kind         assay.ValueKind
	MayBeMissing bool
	marks        marks              // values that mean it is missing
	Min, Max     float64            // allowed numbers; infinite if the plan sets no bound
	Times        eventtime.Range    // allowed times
	Codes        map[string]float64 // text -> raw code, nil if no kernel wants it
	values       map[string]bool    // allowed texts, nil if any
	numbers      []float64          // allowed numbers, nil if any
	spelled      map[string]string  // canonical text -> the plan's own spelling, where they differ
}

// NewField makes a field of a spec that was checked. Its texts have no codes.
func NewField(s *plantext.FieldSpec) Field {
	f := Field{Spec: s, Kind: s.ValueKind(), MayBeMissing: s.AllowsMissing(), marks: marksOf(s),
		Min: math.Inf(-1), Max: math.Inf(1)}
	f.Times, _, _ = TimeRange(s) // the spec is checked
	if low, high, ok := UnitBounds(s.Unit); ok && f.Kind == assay.Number {
		f.Min, f.Max = low, high
	}
	if s.Min != nil {
		f.Min = *s.Min
	}
	if s.Max != nil {
		f.Max = *s.Max
	}
	for _, v := range s.Values {
		if f.Kind == assay.Number {
			x, _ := kernels.ReadLevel(assay.Number, v) // the spec is checked
			f.numbers = append(f.numbers, x)
			continue
		}
		if f.values == nil {
			f.values = map[string]bool{}
		}
		f.values[v] = true
	}
	return f
}

// UnitBounds are the bounds that a unit implies for a number; a plan may narrow them.
// ok is false for a unit that sets none.
func UnitBounds(unit string) (low, high float64, ok bool) {
	switch unit {
	case "share":
		return 0, 1, true
	case "percent":
		return 0, 100, true
	case "count":
		return 0, math.Inf(1), true
	}
	return 0, 0, false
}

// Number applies the field's marks, allowed values and range to one number: it
// returns the number that kernels take, NaN if it is missing. ok is false if the
// plan rejects it.
func (f *Field) Number(x float64) (float64, bool) {
	x = f.marks.number(x)
	if f.numbers != nil && x == x && !slices.Contains(f.numbers, x) {
		return x, false
	}
	if x >= f.Min && x <= f.Max {
		return x, x-x == 0
	}
	if x != x {
		return x, true
	}
	switch f.Spec.Outside {
	case "clip":
		if x < f.Min {
			return f.Min, true
		}
		return f.Max, true
	case "missing":
		return math.NaN(), true
	case "flag":
		return x, x-x == 0
	}
	return x, false
}

// Code is a text's raw code: its index in the dictionary that Codes holds, or
// kernels.Unknown.
func (f *Field) Code(s string) float64 {
	if c, ok := f.Codes[s]; ok {
		return c
	}
	return kernels.Unknown
}

// Value is an event's value as the kernels take it: a number or flag after the
// field's range is applied, the code of a text, the microseconds of a time; NaN
// for a mark. The value must have passed Validate.
func (f *Field) Value(v assay.Value) float64 {
	switch f.Kind {
	case assay.Text:
		if s := v.Text(); !f.MeansMissing(s) {
			return f.Code(s)
		}
		return math.NaN()
	case assay.Instant:
		x, _ := f.Instant(v.Micros())
		return x
	}
	x, _ := f.Number(v.Number())
	return x
}

// ValueOrNaN is Value, or NaN if the event has no value in the field.
func (f *Field) ValueOrNaN(v assay.Value) float64 {
	if v.Kind == assay.Missing {
		return math.NaN()
	}
	return f.Value(v)
}
