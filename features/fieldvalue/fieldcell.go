// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
)

// CellAsValue reads one cell as the value that an event of the row carries:
// canonical, of the field's kind, of kind Missing where the cell has no value. c
// must be the field's column (ColumnIn). An error is a *RowError: the cell is no
// value of the kind. Ranges, allowed values and required ones are not checked:
// Validate does that, and Value then gives what Cell gives.
func (f *Field) CellAsValue(c *Column, row int) (assay.Value, error) {
	switch f.Kind {
	case assay.Text:
		t := c.Text(row)
		if t == "" {
			return assay.Value{}, nil
		}
		if c.Lossy(row) {
			return assay.Value{}, &RowError{row, c.Name, lossyText}
		}
		return assay.TextValue(t), nil
	case assay.Instant:
		us, null, ok := c.Micros(row)
		switch {
		case !ok:
			return assay.Value{}, &RowError{row, c.Name, NoInstant}
		case null:
			return assay.Value{}, nil
		}
		return assay.InstantValue(time.UnixMicro(us)), nil
	}
	if c.Null(row) {
		return assay.Value{}, nil
	}
	x, ok := c.Number(row)
	if !ok {
		return assay.Value{}, &RowError{row, c.Name, f.numberProblem()}
	}
	if f.Kind == assay.Flag {
		v, ok := flagOf(assay.Value{}, x)
		if !ok {
			return v, &RowError{row, c.Name, flagProblem}
		}
		return v, nil
	}
	return assay.NumberValue(x), nil
}

// NoInstant is the problem with a text that is no time, or a time beyond the years
// of eventtime.All.
const NoInstant = "not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z"

// textCode is the code of a row's text t, which is canonical and not empty.
func (f *Field) textCode(c *Column, row int, t string) (float64, *RowError) {
	if c.Lossy(row) {
		return 0, &RowError{row, c.Name, lossyText}
	}
	if len(t) > assay.MaxTextBytes {
		return 0, &RowError{row, c.Name, tooLongText}
	}
	if f.values != nil && !f.values[t] {
		return 0, &RowError{row, c.Name, "the text is not one of the values that the plan allows"}
	}
	return f.Code(t), nil
}

const (
	tooLongText = "the text is too long"
	flagProblem = "a flag wants true or false, 1 or 0"
	lossyText   = "the code came as a floating-point number beyond 2^53, where digits are lost: bring it as text or " +
		"as int64"
)

// numberProblem says what a text should have been.
func (f *Field) numberProblem() string {
	if f.Kind == assay.Flag {
		return flagProblem
	}
	return "is no number: want digits with a decimal point, as in -1234.5"
}

// rangeProblem says what a number should have been.
func (f *Field) rangeProblem() string {
	switch {
	case f.numbers != nil:
		return "the number is not one of the values that the plan allows"
	case !math.IsInf(f.Min, 0) && !math.IsInf(f.Max, 0):
		return fmt.Sprintf("out of range: want %g to %g", f.Min, f.Max)
	case !math.IsInf(f.Min, 0):
		return fmt.Sprintf("out of range: want %g or more", f.Min)
	case !math.IsInf(f.Max, 0):
		return fmt.Sprintf("out of range: want %g or less", f.Max)
	}
	return "must be a finite number"
}

// Cell reads one cell as the kernels take it, and holds it to the field's rules:
// kind, range, allowed values, whether it may be missing. It gives the number, to
// the bit, that Value gives for the event of the row (CellAsValue), and an error
// where Validate gives one. c must be the field's column (ColumnIn). NaN is a
// missing value.
func (f *Field) Cell(c *Column, row int) (float64, *RowError) {
	if f.Kind == assay.Text {
		if t := c.Text(row); t != "" {
			return f.textCode(c, row, t)
		}
	} else if f.Kind == assay.Instant {
		us, null, ok := c.Micros(row)
		switch {
		case !ok:
			return 0, &RowError{row, c.Name, NoInstant}
		case !null:
			x, ok := f.Instant(us)
			if !ok {
				return 0, &RowError{row, c.Name, f.timeProblem()}
			}
			if x == x || f.MayBeMissing {
				return x, nil
			}
		}
	} else if !c.Null(row) {
		stated, isNumber := c.Number(row)
		if !isNumber {
			return 0, &RowError{row, c.Name, f.numberProblem()}
		}
		x, ok := f.Number(stated)
		if !ok {
			return 0, &RowError{row, c.Name, f.rangeProblem()}
		}
		if f.Kind == assay.Flag {
			if x != 0 && x != 1 {
				return 0, &RowError{row, c.Name, flagProblem}
			}
			x = numberOfBool(x == 1) // of -0 too
		}
		if x == x || f.MayBeMissing {
			return x, nil
		}
	}
	if !f.MayBeMissing {
		return 0, &RowError{row, c.Name, "has no value, and the plan requires one"}
	}
	return math.NaN(), nil
}
