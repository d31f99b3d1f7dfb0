// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
)

// CellAsValue reads one cell as an event's value.
func (f *Field) CellAsValue(c *Column, row int) (assay.Value, error) {
	switch f.Kind {
	case assay.Text:
		t := c.Text(row)
		if t == "" {
			return assay.Value{}, nil
		}
		if c.Lossy(row) {
			return assay.Value{}, &RowError{row, c.Name, lossyCode}
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
		return assay.Value{}, &RowError{row, c.Name, f.noNumber()}
	}
	if f.Kind == assay.Flag {
		v, ok := flagOf(assay.Value{}, x)
		if !ok {
			return v, &RowError{row, c.Name, notFlag}
		}
		return v, nil
	}
	return assay.NumberValue(x), nil
}

const NoInstant = "not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z"

// coded is the code of a row's text, which is not empty.
func (f *Field) coded(c *Column, row int, t string) (float64, *RowError) {
	if c.Lossy(row) {
		return 0, &RowError{row, c.Name, lossyCode}
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
	notFlag     = "a flag wants true or false, 1 or 0"
	lossyCode   = "the code came as a floating-point number beyond 2^53, where digits are lost: bring it as text or " +
		"as int64"
)

// noNumber says what a text should have been.
func (f *Field) noNumber() string {
	if f.Kind == assay.Flag {
		return notFlag
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

// Cell reads one cell as the kernels take it: by the same rules as an event's
// value.
func (f *Field) Cell(c *Column, row int) (float64, *RowError) {
	if f.Kind == assay.Text {
		if t := c.Text(row); t != "" {
			return f.coded(c, row, t)
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
			return 0, &RowError{row, c.Name, f.noNumber()}
		}
		x, ok := f.Number(stated)
		if !ok {
			return 0, &RowError{row, c.Name, f.rangeProblem()}
		}
		if f.Kind == assay.Flag {
			if x != 0 && x != 1 {
				return 0, &RowError{row, c.Name, notFlag}
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
