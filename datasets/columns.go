// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay"
)

// columnKind is what a column is read as.
type columnKind uint8

const (
	numberKind columnKind = iota
	textKind
	timeKind
	labelKind // a number, 0 or 1
	flagKind  // true or false, as texts
)

func (k columnKind) arrow() arrow.DataType {
	switch k {
	case textKind, flagKind:
		return arrow.BinaryTypes.String
	case timeKind:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return arrow.PrimitiveTypes.Float64
}

func schemaOf(names []string, kinds []columnKind) *arrow.Schema {
	fields := make([]arrow.Field, len(names))
	for i, n := range names {
		fields[i] = arrow.Field{Name: n, Type: kinds[i].arrow(), Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}

const labelProblem = "not a label: want 1 or 0, bad or good, default or paid, yes or no, true or false; " +
	"for another word say which text is the bad event (--bad, Options.Bad)"

// parseTime reads one cell of a column of times.
func parseTime(cell string) (time.Time, bool) {
	cell = strings.TrimSpace(cell)
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, cell); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// numberLabel reads a number of the label column: 0 or 1, or, when Bad is a
// number, whether it is that one.
func (o *Options) numberLabel(x float64) (float64, bool) {
	if o.Bad == "" {
		return x, x >= 0 && x <= 1
	}
	if bad, ok := parseNumber(o.Bad); ok && bad == x {
		return 1, true
	}
	return 0, true
}

// parseLabel reads one cell of the label column.
func (o *Options) parseLabel(cell string) (float64, bool) {
	cell = strings.TrimSpace(cell)
	if o.Bad != "" {
		if cell == o.Bad {
			return 1, true
		}
		return 0, true
	}
	if x, ok := parseNumber(cell); ok {
		return x, x >= 0 && x <= 1
	}
	switch strings.ToLower(cell) {
	case "bad", "default", "yes", "true":
		return 1, true
	case "good", "paid", "no", "false":
		return 0, true
	}
	return 0, false
}

// kindsOf finds what each column of an Arrow schema is read as. A type that
// holds neither numbers, text nor times is an error.
func kindsOf(file string, schema *arrow.Schema, opt *Options, label string) ([]string, []columnKind, error) {
	if n := schema.NumFields(); n == 0 || n > MaxColumns {
		return nil, nil, &BadRow{File: file, Problem: fmt.Sprintf("%d columns, want 1 to %d", n, MaxColumns)}
	}
	names, kinds := make([]string, schema.NumFields()), make([]columnKind, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
		if f.Name == "" || slices.Contains(names[:i], f.Name) {
			return nil, nil, &BadRow{File: file, Problem: fmt.Sprintf("column %d has an empty or repeated name", i+1)}
		}
		t := f.Type
		if d, ok := t.(*arrow.DictionaryType); ok {
			t = d.ValueType
		}
		switch t.ID() {
		case arrow.STRING, arrow.LARGE_STRING:
			kinds[i] = textKind
		case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64:
			kinds[i] = timeKind
		case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.BOOL, arrow.NULL, arrow.DECIMAL128, arrow.DECIMAL256,
			arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
			kinds[i] = numberKind
			if slices.Contains(opt.Text, f.Name) || t.ID() == arrow.BOOL && !opt.isNumber(f.Name) {
				kinds[i] = textKind // codes and ids: every digit counts
			}
		default:
			return nil, nil, &BadRow{File: file, Column: f.Name,
				Problem: fmt.Sprintf("a column of type %s cannot be read: want numbers, text or times", t)}
		}
		if f.Name == label {
			kinds[i] = labelKind
		}
	}
	return names, kinds, nil
}

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
	case *array.String:
		s = a.Value(i)
	case *array.LargeString:
		s = a.Value(i)
	case *array.Float64:
		x = a.Value(i)
	case *array.Float32:
		x = float64(a.Value(i))
	case *array.Float16:
		x = float64(a.Value(i).Float32())
	case *array.Int64:
		x, ok = float64(a.Value(i)), exact(a.Value(i))
		if kind == labelKind {
			x, ok = opt.numberLabel(x)
		}
		return x, "", false, ok
	case *array.Uint64:
		x = float64(a.Value(i))
		if a.Value(i) > 1<<53 {
			return 0, "", false, false
		}
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
		x = decimalNumber(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		x = decimalNumber(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal256Type).Scale)
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return float64(a.Value(i).ToTime(unit).UnixMicro()), "", false, true
	case *array.Date32:
		return float64(a.Value(i).ToTime().UnixMicro()), "", false, true
	case *array.Date64:
		return float64(a.Value(i).ToTime().UnixMicro()), "", false, true
	default:
		return 0, "", false, false
	}
	switch kind {
	case textKind:
		if math.IsNaN(x) {
			return 0, "", true, true
		}
		if s == "" { // a number that is to be a text
			if _, text := a.(array.StringLike); !text {
				return 0, strconv.FormatFloat(x, 'f', -1, 64), false, math.Abs(x) <= 1<<53
			}
			return 0, "", true, true
		}
		return 0, s, false, len(s) <= opt.MaxCell && utf8.ValidString(s)
	case labelKind:
		if s != "" {
			x, ok = opt.parseLabel(s)
			return x, "", false, ok
		}
		if math.IsNaN(x) {
			return 0, "", true, true
		}
		x, ok = opt.numberLabel(x)
		return x, "", false, ok
	}
	return x, "", math.IsNaN(x), !math.IsInf(x, 0)
}

// digitsOf writes a number that is to be a text: whole numbers and decimals with
// every digit, flags as true and false. It is false for floating-point numbers
// and for all that is no number.
func digitsOf(a arrow.Array, i int) (string, bool) {
	switch a := a.(type) {
	case *array.Decimal128:
		return decimalText(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal128Type).Scale), true
	case *array.Decimal256:
		return decimalText(a.Value(i).BigInt(), a.DataType().(*arrow.Decimal256Type).Scale), true
	case *array.Int64, *array.Int32, *array.Int16, *array.Int8, *array.Uint64, *array.Uint32, *array.Uint16, *array.Uint8, *array.Boolean:
		return a.ValueStr(i), true
	}
	return "", false
}

func exact(v int64) bool { return v >= -1<<53 && v <= 1<<53 }

// normalise copies rec into a record of the three column types, leaving out
// the rows that cannot be read. row0 is the number of rows before rec.
func normalise(file string, rec arrow.Record, names []string, kinds []columnKind, opt *Options, row0 int, bad *badRows) (arrow.Record, error) {
	rows := int(rec.NumRows())
	keep := make([]bool, rows)
	for i := range keep {
		keep[i] = true
	}
	for c, k := range kinds {
		col := rec.Column(c)
		for i := range rows {
			if !keep[i] {
				continue
			}
			if _, _, _, ok := cell(col, i, k, opt); !ok {
				keep[i] = false
				err := bad.add(BadRow{File: file, Row: row0 + i + 1, Column: names[c],
					Problem: "the value is infinite, too large or too long, not UTF-8, or not a label"})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(names, kinds))
	defer b.Release()
	for c, k := range kinds {
		col := rec.Column(c)
		f := b.Field(c)
		f.Reserve(rows)
		for i := range rows {
			if !keep[i] {
				continue
			}
			x, s, null, _ := cell(col, i, k, opt)
			switch {
			case null:
				f.AppendNull()
			case k == textKind:
				f.(*array.StringBuilder).Append(s)
			case k == timeKind:
				f.(*array.TimestampBuilder).Append(arrow.Timestamp(int64(x)))
			default:
				f.(*array.Float64Builder).Append(x)
			}
		}
	}
	return b.NewRecord(), nil
}

// concat joins records of one schema.
func concat(schema *arrow.Schema, recs []arrow.Record) (arrow.Record, error) {
	if len(recs) == 1 {
		recs[0].Retain()
		return recs[0], nil
	}
	var rows int64
	cols := make([]arrow.Array, schema.NumFields())
	for i := range cols {
		parts := make([]arrow.Array, len(recs))
		for j, r := range recs {
			parts[j] = r.Column(i)
		}
		if len(parts) == 0 {
			cols[i] = array.MakeArrayOfNull(memory.DefaultAllocator, schema.Field(i).Type, 0)
			continue
		}
		c, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, fmt.Errorf("datasets: joining record batches: %w: %w", err, assay.ErrCorrupt)
		}
		cols[i] = c
	}
	for _, r := range recs {
		rows += r.NumRows()
	}
	return array.NewRecord(schema, cols, rows), nil
}
