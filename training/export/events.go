// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/training"
)

// Events say which event each vector is of: one row a vector, in the vectors'
// order.
type Events struct {
	place   []int    // of the row in the file, the first is 1
	id      []string // nil: the plan names no column of ids
	at      []int64  // microseconds; nil: the plan names no column of times
	label   []float64
	windows []string
	counts  [][]float64 // by window: events that it held when the event came, NaN without its key
}

// EventsOf finds the events of a matrix of the table's vectors.
func EventsOf(ctx context.Context, u training.Progress, t *training.Table, spec *plantext.Spec,
	m *features.Matrix) (*Events, error) {
	rec := t.Frame.Record
	v := &Events{}
	rows := m.Row
	for i := range m.Rows {
		if m.Row == nil {
			rows = append(rows, i)
		}
		v.place = append(v.place, t.RowInFile(rows[i]))
	}
	if at := rec.Schema().FieldIndices(spec.ID); spec.ID != "" && len(at) == 1 {
		for _, r := range rows {
			id := ""
			if c := rec.Column(at[0]); c.IsValid(r) {
				id = c.ValueStr(r)
			}
			v.id = append(v.id, id)
		}
	}
	var err error
	if v.at, err = features.ScoredTimes(spec, rec); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	if o, err := features.ReadOutcomes(spec, rec); err != nil {
		u.Note("the outcomes of the rows are not written: %v", err)
	} else {
		v.label = o.Labels
	}
	if len(m.Windows) == 0 {
		return v, nil
	}
	log, err := features.ReplayCounting(ctx, spec, rec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	v.counts = log.Counts()
	for _, w := range log.Windows() {
		v.windows = append(v.windows, w.Window)
	}
	return v, nil
}

// header names the columns. A window's count is under "events.WINDOW".
func (v *Events) header() []string {
	out := []string{"row"}
	for _, c := range []struct {
		name string
		have bool
	}{{"id", v.id != nil}, {"time", v.at != nil}, {"label", v.label != nil}} {
		if c.have {
			out = append(out, c.name)
		}
	}
	for _, w := range v.windows {
		out = append(out, "events."+w)
	}
	return out
}

// WriteCSV writes the events, missing values as empty cells.
func (v *Events) WriteCSV(w io.Writer) error {
	cw := csv.NewWriter(w)
	rec := v.header()
	for i := -1; i < len(v.place); i++ {
		if i >= 0 {
			rec = append(rec[:0], strconv.Itoa(v.place[i]))
			if v.id != nil {
				rec = append(rec, v.id[i])
			}
			if v.at != nil {
				rec = append(rec, time.UnixMicro(v.at[i]).UTC().Format(time.RFC3339Nano))
			}
			if v.label != nil {
				rec = append(rec, cell(v.label[i]))
			}
			for _, c := range v.counts {
				rec = append(rec, cell(c[i]))
			}
		}
		if err := cw.Write(rec); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// WriteParquet writes the events, missing values as nulls.
func (v *Events) WriteParquet(w io.Writer) error {
	names := v.header()
	var cols []arrow.Array
	rows := array.NewInt64Builder(memory.DefaultAllocator)
	for _, n := range v.place {
		rows.Append(int64(n))
	}
	cols = append(cols, rows.NewArray())
	if v.id != nil {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		b.AppendValues(v.id, nil)
		cols = append(cols, b.NewArray())
	}
	if v.at != nil {
		b := array.NewTimestampBuilder(memory.DefaultAllocator,
			arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType))
		for _, us := range v.at {
			b.Append(arrow.Timestamp(us))
		}
		cols = append(cols, b.NewArray())
	}
	if v.label != nil {
		cols = append(cols, numbers(v.label))
	}
	for _, c := range v.counts {
		cols = append(cols, numbers(c))
	}
	var fields []arrow.Field
	for i, c := range cols {
		fields = append(fields, arrow.Field{Name: names[i], Type: c.DataType(), Nullable: true})
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(len(v.place)))
	defer rec.Release()
	return datasets.WriteParquet(w, rec)
}
