// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05",
		"2006-01-02 15:04:05Z07:00"} {
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

// layout is what is read of a table with a schema, as Parquet and Arrow files
// have one.
type layout struct {
	names       []string
	kinds       []columnKind
	fileColumns []int // of each, its place in the file
	label       string
	notes       []ColumnNote // columns that are left out
}

// layoutOf decides what each column of an Arrow schema is read as. A column that
// cannot be read is left out, unless the caller asks for it by name.
func layoutOf(file string, schema *arrow.Schema, opt *Options) (*layout, error) {
	if n := schema.NumFields(); n == 0 || n > MaxColumns {
		return nil, &BadRow{File: file, Problem: fmt.Sprintf("%d columns, want 1 to %d", n, MaxColumns)}
	}
	l := &layout{}
	all := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		all[i] = f.Name
	}
	var err error
	if l.label, err = labelOf(file, all, opt); err != nil {
		return nil, err
	}
	for i, f := range schema.Fields() {
		switch {
		case f.Name == "":
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("column %d has no name: give it one", i+1)}
		case slices.Contains(all[:i], f.Name):
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("two columns are named %q: rename one", f.Name)}
		case isIndexName(f.Name) && !opt.reads(f.Name):
			l.notes = append(l.notes, ColumnNote{Column: f.Name, LeftOut: true, Note: indexNote})
			continue
		}
		kind, ok := kindOf(f.Type, f.Name, opt)
		if !ok {
			problem := fmt.Sprintf("a column of type %s cannot be read: want numbers, text or times", f.Type)
			if f.Name == l.label || opt.reads(f.Name) {
				return nil, &BadRow{File: file, Column: f.Name, Problem: problem}
			}
			l.notes = append(l.notes, ColumnNote{Column: f.Name, LeftOut: true, Note: problem})
			continue
		}
		if f.Name == l.label {
			kind = labelKind
		}
		l.names, l.kinds, l.fileColumns = append(l.names, f.Name), append(l.kinds, kind), append(l.fileColumns, i)
	}
	if len(l.names) == 0 {
		return nil, &BadRow{File: file, Problem: "no column holds numbers, text or times"}
	}
	return l, nil
}

// kindOf finds what a column of a type is read as; ok is false for types that
// hold neither numbers, text nor times.
func kindOf(t arrow.DataType, name string, opt *Options) (kind columnKind, ok bool) {
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		if opt.isNumber(name) {
			return numberKind, true // the texts are read as a text file's cells are
		}
		return textKind, true
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64:
		return timeKind, true
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.BOOL, arrow.NULL, arrow.DECIMAL128, arrow.DECIMAL256,
		arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		if slices.Contains(opt.Text, name) || slices.Contains(opt.digitColumns, name) || t.ID() == arrow.BOOL &&
			!opt.isNumber(name) {
			return textKind, true // codes and ids: every digit counts
		}
		return numberKind, true
	}
	return 0, false
}

// normalise copies rec into a record of the three column types, leaving out
// the rows that cannot be read; cols are its columns, as the layout has them.
// row0 is the number of rows before rec. A cell that cannot be read, of a column
// that a plan does not name, has no value.
func (l *layout) normalise(file string, cols []arrow.Array, rows int, opt *Options, row0 int,
	bad *badRows) (arrow.Record, error) {
	keep := make([]bool, rows)
	for i := range keep {
		keep[i] = true
	}
	for c, k := range l.kinds {
		if k != labelKind && opt.ignores(l.names[c]) {
			continue
		}
		for i := range rows {
			if !keep[i] {
				continue
			}
			if _, _, _, ok := l.cell(cols[c], i, c, opt); !ok {
				keep[i] = false
				problem := cellProblem(cols[c], i, k, opt)
				if problem == longNumber && !opt.planned() && !bad.skip {
					return nil, &inexactNumber{BadRow{File: file, Row: row0 + i + 1,
						Column: l.names[c], Problem: problem}}
				}
				if err := bad.add(BadRow{File: file, Row: row0 + i + 1, Column: l.names[c], Problem: problem}); err !=
					nil {
					return nil, err
				}
			}
		}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(l.names, l.kinds))
	defer b.Release()
	for c, k := range l.kinds {
		f := b.Field(c)
		f.Reserve(rows)
		for i := range rows {
			if !keep[i] {
				continue
			}
			x, s, null, ok := l.cell(cols[c], i, c, opt)
			switch {
			case null || !ok:
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

// cell is cell of one of the layout's columns, whose marks mean no value.
func (l *layout) cell(a arrow.Array, i, c int, opt *Options) (x float64, s string, null, ok bool) {
	x, s, null, ok = cell(a, i, l.kinds[c], opt)
	if !ok && l.kinds[c] == numberKind && opt.MissingIn != nil && slices.Contains(opt.MissingIn[l.names[c]],
		a.ValueStr(i)) {
		return 0, "", true, true
	}
	return x, s, null, ok
}

// inexactNumber is a BadRow for a whole number that float64 does not hold, in a
// column of which no plan says what it is.
type inexactNumber struct{ BadRow }

// Unwrap returns the BadRow.
func (e *inexactNumber) Unwrap() error { return &e.BadRow }

// readWithDigits reads a table again, with columns of long whole numbers as texts,
// until it is read or another error ends it.
func readWithDigits(opt Options, read func(Options) (*Frame, error)) (*Frame, error) {
	var said []ColumnNote
	for {
		f, err := read(opt)
		var long *inexactNumber
		if !errors.As(err, &long) || slices.Contains(opt.digitColumns, long.Column) {
			if err == nil {
				f.Columns = append(f.Columns, said...)
			}
			return f, err
		}
		opt.digitColumns = append(slices.Clone(opt.digitColumns), long.Column)
		said = append(said,
			ColumnNote{Column: long.Column, Note: "whole numbers longer than numbers are exact: read as " +
				"texts, digit by digit"})
	}
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
