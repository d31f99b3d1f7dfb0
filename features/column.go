// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/assayrisk/assay"
)

// column reads one column of a record as a field's kind.
type column struct {
	name  string
	array arrow.Array // nil: the record does not have it
	kind  assay.ValueKind
}

// columnOf finds a field's column and checks that its type can hold the kind.
func columnOf(rec arrow.Record, name string, kind assay.ValueKind, required bool) (column, error) {
	c := column{name: name, kind: kind}
	idx := rec.Schema().FieldIndices(name)
	if len(idx) == 0 {
		if required {
			return c, &assay.FieldError{Field: name, Problem: "the table has no such column, and the plan requires it"}
		}
		return c, nil
	}
	c.array = rec.Column(idx[0])
	ok := false
	switch id := valueType(c.array.DataType()).ID(); kind {
	case assay.Text:
		ok = isText(id) || isNumber(id)
	case assay.Instant:
		ok = isText(id) || id == arrow.TIMESTAMP || id == arrow.DATE32 || id == arrow.DATE64
	default:
		ok = isNumber(id)
	}
	if !ok && c.array.NullN() != c.array.Len() {
		return c, &assay.FieldError{Field: name, Problem: fmt.Sprintf("the table's column is of type %s, the plan wants a %s", c.array.DataType(), kind)}
	}
	return c, nil
}

func valueType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

func isText(id arrow.Type) bool { return id == arrow.STRING || id == arrow.LARGE_STRING }

func isNumber(id arrow.Type) bool {
	switch id {
	case arrow.FLOAT32, arrow.FLOAT64, arrow.BOOL, arrow.NULL,
		arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return true
	}
	return false
}

// null reports whether row i has no value.
func (c *column) null(i int) bool {
	if c.array == nil || c.array.IsNull(i) {
		return true
	}
	if c.kind == assay.Text {
		return c.text(i) == ""
	}
	return c.kind != assay.Instant && math.IsNaN(c.number(i))
}

// number reads a number or flag; NaN where there is none.
func (c *column) number(i int) float64 {
	if c.array == nil || c.array.IsNull(i) {
		return math.NaN()
	}
	return numberAt(c.array, i)
}

func numberAt(a arrow.Array, i int) float64 {
	switch a := a.(type) {
	case *array.Float64:
		return a.Value(i)
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Int64:
		return float64(a.Value(i))
	case *array.Int32:
		return float64(a.Value(i))
	case *array.Int16:
		return float64(a.Value(i))
	case *array.Int8:
		return float64(a.Value(i))
	case *array.Uint64:
		return float64(a.Value(i))
	case *array.Uint32:
		return float64(a.Value(i))
	case *array.Uint16:
		return float64(a.Value(i))
	case *array.Uint8:
		return float64(a.Value(i))
	case *array.Boolean:
		if a.Value(i) {
			return 1
		}
		return 0
	case *array.Dictionary:
		return numberAt(a.Dictionary(), a.GetValueIndex(i))
	}
	return math.NaN()
}

// text reads a text, "" where there is none. Numbers are written in the
// shortest decimal form.
func (c *column) text(i int) string {
	if c.array == nil || c.array.IsNull(i) {
		return ""
	}
	return textAt(c.array, i)
}

func textAt(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	case *array.Dictionary:
		return textAt(a.Dictionary(), a.GetValueIndex(i))
	}
	x := numberAt(a, i)
	if x != x {
		return ""
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// timeLayouts are the forms in which a text column may hold a time.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"}

// micros reads a time; ok is false if a text is none.
func (c *column) micros(i int) (us int64, null, ok bool) {
	if c.array == nil || c.array.IsNull(i) {
		return 0, true, true
	}
	switch a := c.array.(type) {
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UnixMicro(), false, true
	case *array.Date32:
		return a.Value(i).ToTime().UnixMicro(), false, true
	case *array.Date64:
		return a.Value(i).ToTime().UnixMicro(), false, true
	}
	s := textAt(c.array, i)
	if s == "" {
		return 0, true, true
	}
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UnixMicro(), false, timeOK(t)
		}
	}
	return 0, false, false
}

// timeOK holds a time to what float64 microseconds hold exactly.
func timeOK(t time.Time) bool { s := t.Unix(); return s >= year1900 && s < year2201 }

const (
	year1900 = -2_208_988_800 // 1900-01-01T00:00:00Z in seconds since 1970
	year2201 = 7_289_654_400  // 2201-01-01T00:00:00Z
)
