// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"fmt"
	"iter"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

// EventTable writes events as the table that Fit and Matrix read: one row an
// event, in order, with the columns id, kind and time (under the spec's names for
// them), one for each role and one for each field. Fields and roles that the spec
// does not declare are left out.
func EventTable(s *plantext.Spec, events iter.Seq[*assay.Event]) (arrow.Record, error) {
	id, kind, at := cmp.Or(s.ID, "id"), cmp.Or(s.Kind, "kind"), cmp.Or(s.Time, "time")
	fields := []arrow.Field{
		{Name: id, Type: arrow.BinaryTypes.String}, {Name: kind, Type: arrow.BinaryTypes.String},
		{Name: at, Type: arrow.FixedWidthTypes.Timestamp_us},
	}
	for _, r := range s.Entities {
		fields = append(fields, arrow.Field{Name: r, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	first := len(fields)
	place := map[string]int{}
	for i := range s.Fields {
		var t arrow.DataType
		switch s.Fields[i].ValueKind() {
		case assay.Text:
			t = arrow.BinaryTypes.String
		case assay.Instant:
			t = arrow.FixedWidthTypes.Timestamp_us
		default:
			t = arrow.PrimitiveTypes.Float64
		}
		place[s.Fields[i].Name] = first + i
		fields = append(fields, arrow.Field{Name: s.Fields[i].Name, Type: t, Nullable: true})
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name] {
			return nil, fmt.Errorf("column %q would be in the table twice: rename the field or the role: %w",
				f.Name, assay.ErrInvalid)
		}
		seen[f.Name] = true
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	row := make([]assay.Value, len(fields))
	for ev := range events {
		clear(row)
		row[0], row[1], row[2] = assay.TextValue(ev.ID), assay.TextValue(ev.Kind), assay.InstantValue(ev.Time)
		for i, r := range s.Entities {
			if e := ev.Entity(r); e != "" {
				row[3+i] = assay.TextValue(e)
			}
		}
		for i := range ev.Fields {
			if c, ok := place[ev.Fields[i].Name]; ok {
				row[c] = ev.Fields[i].Value
			}
		}
		for c, v := range row {
			if err := appendValue(b.Field(c), v); err != nil {
				return nil, fmt.Errorf("event %q: %w", ev.ID,
					&assay.FieldError{Field: fields[c].Name, Problem: err.Error()})
			}
		}
	}
	return b.NewRecord(), nil
}

func appendValue(b array.Builder, v assay.Value) error {
	if v.Kind == assay.Missing {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		if v.Kind == assay.Text {
			b.Append(v.Text())
			return nil
		}
	case *array.TimestampBuilder:
		if v.Kind == assay.Instant {
			b.Append(arrow.Timestamp(v.Micros()))
			return nil
		}
	case *array.Float64Builder:
		if v.Kind == assay.Number || v.Kind == assay.Flag {
			b.Append(v.Number())
			return nil
		}
	}
	return fmt.Errorf("is a %s, which the plan does not expect", v.Kind)
}
