// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// cell reads one value of an Arrow array: ok is false where the value is not
// what the kind wants; null is true where there is none.
func cell(a arrow.Array, i int, kind columnKind, opt *Options) (x float64, s string, null, ok bool) {
	if _, none := a.(*array.Null); none || a.IsNull(i) { // a column of type null has no bit map
		return 0, "", true, true
	}
	if kind == textKind {
		if s, ok := digitsOf(a, i); ok {
			return 0, s, false, true
		}
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return cell(a.Dictionary(), a.GetValueIndex(i), kind, opt)
	case array.StringLike:
		s = a.Value(i)
		switch kind {
		case numberKind:
			return textNumber(s)
		case textKind:
			return 0, s, s == "", len(s) <= opt.MaxCell && utf8.ValidString(s)
		case labelKind:
			if s == "" {
				break // 0, as a number
			}
			x, ok = opt.parseLabel(s)
			return x, "", false, ok
		}
	case *array.Timestamp, *array.Date32, *array.Date64:
		x, ok = microsOf(a, i)
		return x, "", false, ok
	default:
		if x, ok = numberOf(a, i, opt); !ok {
			return 0, "", false, false
		}
	}
	switch {
	case math.IsNaN(x):
		return 0, "", true, true
	case kind == textKind: // a floating-point number that is to be a text
		return 0, strconv.FormatFloat(x, 'f', -1, 64), false, math.Abs(x) <= 1<<53
	case kind == labelKind:
		x, ok = opt.numberLabel(x)
		return x, "", false, ok
	}
	return x, "", false, !math.IsInf(x, 0)
}

// numberOf reads a number or a flag. ok is false for other types, and, where no
// plan says that the column holds numbers, for whole numbers beyond 2^53: they
// are likely ids (see readWithDigits).
func numberOf(a arrow.Array, i int, opt *Options) (x float64, ok bool) {
	long := false
	switch a := a.(type) {
	case *array.Float64:
		x = a.Value(i)
	case *array.Float32:
		x = float64(a.Value(i))
	case *array.Float16:
		x = float64(a.Value(i).Float32())
	case *array.Int64:
		x, long = float64(a.Value(i)), !exact(a.Value(i))
	case *array.Uint64:
		x, long = float64(a.Value(i)), a.Value(i) > 1<<53
	case *array.Int32:
		x = float64(a.Value(i))
	case *array.Int16:
		x = float64(a.Value(i))
	case *array.Int8:
		x = float64(a.Value(i))
	case *array.Uint32:
		x = float64(a.Value(i))
	case *array.Uint16:
		x = float64(a.Value(i))
	case *array.Uint8:
		x = float64(a.Value(i))
	case *array.Boolean:
		if a.Value(i) {
			x = 1
		}
	case *array.Decimal128:
		v, scale := a.Value(i).BigInt(), a.DataType().(*arrow.Decimal128Type).Scale
		x, long = decimalNumber(v, scale), longWhole(v, scale)
	case *array.Decimal256:
		v, scale := a.Value(i).BigInt(), a.DataType().(*arrow.Decimal256Type).Scale
		x, long = decimalNumber(v, scale), longWhole(v, scale)
	default:
		return 0, false
	}
	return x, !long || opt.planned()
}

// textNumber reads a number that a column of texts holds.
func textNumber(s string) (x float64, _ string, null, ok bool) {
	trimmed := strings.TrimSpace(s)
	if trimmed == "" || missingMarkSet[trimmed] {
		return 0, "", true, true
	}
	r := columnReading{}
	x, ok = r.number(trimmed)
	return x, "", false, ok
}

// cellProblem says why a cell could not be read.
func cellProblem(a arrow.Array, i int, kind columnKind, opt *Options) string {
	if d, ok := a.(*array.Dictionary); ok {
		return cellProblem(d.Dictionary(), d.GetValueIndex(i), kind, opt)
	}
	switch a := a.(type) {
	case array.StringLike:
		switch s := a.Value(i); {
		case kind == labelKind:
			return labelProblem
		case kind == numberKind:
			return (&columnReading{}).notNumber(s)
		case len(s) > opt.MaxCell:
			return fmt.Sprintf("a cell of %d bytes, at most %d are allowed", len(s), opt.MaxCell)
		}
		return "the text is not valid UTF-8"
	case *array.Int64, *array.Uint64, *array.Decimal128, *array.Decimal256:
		if kind == numberKind {
			return longNumber
		}
	}
	switch kind {
	case labelKind:
		return labelProblem
	case textKind:
		return "a floating-point number beyond 2^53 has lost digits and is no code or id: write the column as whole " +
			"numbers or text"
	}
	return "an infinite number: a missing value is left empty"
}

const longNumber = "a whole number beyond 2^53, which numbers do not hold exactly: if it is an id or a code, the " +
	"plan's field wants kind: text (Options.Text)"

// digitsOf writes a number that is to be a text: whole numbers and decimals with
// every digit, flags as true and false. It is false for floating-point numbers
// and for all that is no number.
func digitsOf(a arrow.Array, i int) (string, bool) {
	switch a := a.(type) {
	case *array.Decimal128:
		return decimalText(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal128Type).Scale), true
	case *array.Decimal256:
		return decimalText(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal256Type).Scale), true
	case *array.Int64, *array.Int32, *array.Int16, *array.Int8, *array.Uint64, *array.Uint32, *array.Uint16,
		*array.Uint8, *array.Boolean:
		return a.ValueStr(i), true
	}
	return "", false
}

func exact(v int64) bool { return v >= -1<<53 && v <= 1<<53 }

// microsOf reads a time, in microseconds; ok is false for an array of others.
func microsOf(a arrow.Array, i int) (us float64, ok bool) {
	switch a := a.(type) {
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return float64(a.Value(i).ToTime(unit).UnixMicro()), true
	case *array.Date32:
		return float64(a.Value(i).ToTime().UnixMicro()), true
	case *array.Date64:
		return float64(a.Value(i).ToTime().UnixMicro()), true
	}
	return 0, false
}
