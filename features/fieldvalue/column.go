// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
)

// Column reads one column of a record as values of one kind. Its methods take
// the index of a row, which must be below the length of the array, and change
// nothing: goroutines may share a Column.
type Column struct {
	Name  string
	Array arrow.Array // nil: the record has no such column, and no row has a value
	Kind  assay.ValueKind
	field *Field // the plan's field, whose spellings and marks apply; nil: the column is no field
}

// ColumnOf finds a column that is no field of a plan: its texts are read as they
// are. Its type must be able to hold the kind; a column whose rows are all null
// may be of any type. If the record has no such column, the result has no Array,
// or an error if it is required. Errors are *assay.FieldError.
func ColumnOf(rec arrow.Record, name string, kind assay.ValueKind, required bool) (Column, error) {
	return Column{Name: name, Kind: kind}.find(rec, required)
}

// ColumnIn finds the field's column, by the rules of ColumnOf; the plan's
// spellings and marks of missing values apply to its rows. The column keeps f.
func (f *Field) ColumnIn(rec arrow.Record, required bool) (Column, error) {
	return Column{Name: f.Spec.Name, Kind: f.Kind, field: f}.find(rec, required)
}

// find finds the column of c.Name and checks its type against c.Kind.
func (c Column) find(rec arrow.Record, required bool) (Column, error) {
	name, kind := c.Name, c.Kind
	idx := rec.Schema().FieldIndices(name)
	if len(idx) == 0 {
		if required {
			return c, &assay.FieldError{Field: name, Problem: "the table has no such column, and the plan requires it"}
		}
		return c, nil
	}
	if len(idx) > 1 {
		return c, &assay.FieldError{Field: name, Problem: "the table has two columns of that name: rename one"}
	}
	c.Array = rec.Column(idx[0])
	ok := false
	switch id := ValueType(c.Array.DataType()).ID(); kind {
	case assay.Text:
		ok = IsText(id) || IsNumber(id)
	case assay.Instant:
		ok = IsText(id) || id == arrow.TIMESTAMP || id == arrow.DATE32 || id == arrow.DATE64
	default:
		ok = IsNumber(id) || IsText(id) && c.holdsNumber()
	}
	if !ok && c.Array.NullN() != c.Array.Len() {
		return c, &assay.FieldError{Field: name,
			Problem: fmt.Sprintf("the table's column is of type %s, the plan wants a %s", c.Array.DataType(), kind)}
	}
	return c, nil
}

// sampledTexts is how many texts of a column are looked at to tell whether it
// can be one of numbers.
const sampledTexts = 64

// holdsNumber reports whether any of the first texts of the column is a number,
// or none of them has a value: which of the others are none is told row by row.
func (c *Column) holdsNumber() bool {
	looked := 0
	for i := 0; i < c.Array.Len() && looked < sampledTexts; i++ {
		if c.Null(i) {
			continue
		}
		if x, ok := c.Number(i); ok && x == x {
			return true
		} else if !ok {
			looked++
		}
	}
	return looked == 0
}

// ValueType is the type of a column's values: of a dictionary that of its words.
func ValueType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

// IsText reports whether columns of the type hold texts.
func IsText(id arrow.Type) bool {
	return id == arrow.STRING || id == arrow.LARGE_STRING || id == arrow.STRING_VIEW
}

// IsNumber reports whether columns of the type hold numbers or flags, or nulls
// alone.
func IsNumber(id arrow.Type) bool {
	switch id {
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.BOOL, arrow.NULL, arrow.DECIMAL128, arrow.DECIMAL256,
		arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return true
	}
	return false
}

// Null reports whether row i has no value: it is null, NaN, an empty text or one
// of the field's marks. A text that is no number or time is a wrong value, and
// not null.
func (c *Column) Null(i int) bool {
	if c.Array == nil || c.Array.IsNull(i) {
		return true
	}
	if c.Kind == assay.Text {
		return c.Text(i) == ""
	}
	if c.marked(i) {
		return true
	}
	if c.Kind == assay.Instant {
		return false
	}
	x, ok := c.Number(i)
	if ok && c.field != nil {
		x = c.field.marks.number(x)
	}
	return ok && x != x
}

// marked reports whether row i came as a text that means no value in the field,
// whatever the field's kind would read it as.
func (c *Column) marked(i int) bool {
	return c.field != nil && c.field.marks.texts != nil && IsText(ValueType(c.Array.DataType()).ID()) &&
		c.field.MeansMissing(textAt(c.Array, i))
}

// Number reads row i as a number, a flag as 0 or 1, and a null or empty text as
// NaN; ok is false for a text that is no number. Marks and ranges of the field
// are not applied: Field.Number does that.
func (c *Column) Number(i int) (x float64, ok bool) {
	if c.Array == nil || c.Array.IsNull(i) {
		return math.NaN(), true
	}
	return numberAt(c.Array, i)
}

func numberAt(a arrow.Array, i int) (x float64, ok bool) {
	switch a := a.(type) {
	case *array.Float64:
		return a.Value(i), true
	case *array.Float32:
		return float64(a.Value(i)), true
	case *array.Float16:
		return float64(a.Value(i).Float32()), true
	case *array.Uint64:
		return float64(a.Value(i)), true
	case *array.Boolean:
		return numberOfBool(a.Value(i)), true
	case *array.String:
		return numberOfCell(a.Value(i))
	case *array.LargeString:
		return numberOfCell(a.Value(i))
	case *array.StringView:
		return numberOfCell(a.Value(i))
	case *array.Decimal128, *array.Decimal256:
		x, err := strconv.ParseFloat(decimalText(a, i), 64) // the nearest, to the last bit
		return x, err == nil
	case *array.Dictionary:
		if d, at := a.Dictionary(), a.GetValueIndex(i); d.IsValid(at) {
			return numberAt(d, at)
		}
	}
	if x, ok := signedAt(a, i); ok {
		return float64(x), true
	}
	return math.NaN(), true
}

// signedAt reads the whole numbers that int64 holds.
func signedAt(a arrow.Array, i int) (x int64, ok bool) {
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i), true
	case *array.Int32:
		return int64(a.Value(i)), true
	case *array.Int16:
		return int64(a.Value(i)), true
	case *array.Int8:
		return int64(a.Value(i)), true
	case *array.Uint32:
		return int64(a.Value(i)), true
	case *array.Uint16:
		return int64(a.Value(i)), true
	case *array.Uint8:
		return int64(a.Value(i)), true
	}
	return 0, false
}

// numberOfCell reads a number that a text column holds.
func numberOfCell(s string) (float64, bool) {
	if s == "" {
		return math.NaN(), true
	}
	return numberOfText(s)
}

// Text reads row i as a text, "" where it has no value. Numbers and booleans are
// written in their canonical form. Texts are too if the column is a plan's field,
// and "" if they are one of its marks; else they are returned as they are.
func (c *Column) Text(i int) string {
	if c.Array == nil || c.Array.IsNull(i) {
		return ""
	}
	if c.field != nil {
		return c.field.CanonicalText(textAt(c.Array, i))
	}
	return textAt(c.Array, i)
}

func textAt(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	case *array.StringView:
		return a.Value(i)
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Uint64:
		return strconv.FormatUint(a.Value(i), 10)
	case *array.Decimal128, *array.Decimal256:
		return shortDecimal(decimalText(a, i))
	case *array.Dictionary:
		if d, at := a.Dictionary(), a.GetValueIndex(i); d.IsValid(at) {
			return textAt(d, at)
		}
		return ""
	}
	if x, ok := signedAt(a, i); ok {
		return strconv.FormatInt(x, 10)
	}
	x, _ := numberAt(a, i)
	if x != x {
		return ""
	}
	s, _ := textOfNumber(x)
	return s
}

// Lossy reports whether row i of a text field came as a floating-point number
// that more than one whole number may have been rounded to.
func (c *Column) Lossy(i int) bool {
	a := c.Array
	if d, ok := a.(*array.Dictionary); ok {
		a, i = d.Dictionary(), d.GetValueIndex(i)
	}
	switch a.(type) {
	case *array.Float64, *array.Float32, *array.Float16:
		x, _ := numberAt(a, i)
		_, exact := textOfNumber(x)
		return x == x && !exact
	}
	return false
}

// Micros reads row i as a time, in microseconds since 1970, UTC; parts of a
// microsecond are cut off. null is true if the row has no value, or one that is a
// mark of the field. ok is false for a text that is no time, and for a time
// outside the years 1 to 9999. The field's range is not applied: Field.Instant
// does that.
func (c *Column) Micros(i int) (us int64, null, ok bool) {
	if c.Array == nil || c.Array.IsNull(i) || c.marked(i) {
		return 0, true, true
	}
	var t time.Time
	switch a := c.Array.(type) {
	case *array.Timestamp:
		t = a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
	case *array.Date32:
		t = a.Value(i).ToTime()
	case *array.Date64:
		t = a.Value(i).ToTime()
	default:
		s := textAt(a, i)
		if s == "" {
			return 0, true, true
		}
		if t, ok = eventtime.Parse(s); !ok {
			return 0, false, false
		}
	}
	us = t.UnixMicro()
	if c.field != nil && c.field.marks.time(us) {
		return 0, true, true
	}
	return us, false, eventtime.HasFourDigitYear(t)
}
