// SPDX-License-Identifier: Apache-2.0

// Package export writes what training makes of a table for other programs: the
// vectors of its rows (vectors.go), the event of each vector (events.go), and
// the rows that a report is made from (report.go), as CSV or Parquet.
package export

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// VectorsCSV writes codes of categories as numbers and missing values as empty
// cells.
func VectorsCSV(w io.Writer, plan *features.Plan, m *features.Matrix) error {
	cw := csv.NewWriter(w)
	rec := make([]string, 0, len(m.Columns))
	for _, f := range plan.Features() {
		rec = append(rec, f.Name)
	}
	for r := -1; r < m.Rows; r++ {
		if r >= 0 {
			rec = rec[:0]
			for _, c := range m.Columns {
				rec = append(rec, cell(c[r]))
			}
		}
		if err := cw.Write(rec); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// VectorsParquet writes codes of categories as numbers and missing values as
// nulls.
func VectorsParquet(w io.Writer, plan *features.Plan, m *features.Matrix) error {
	var fields []arrow.Field
	var cols []arrow.Array
	for j, f := range plan.Features() {
		fields = append(fields, arrow.Field{Name: f.Name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
		cols = append(cols, numbers(m.Columns[j]))
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(m.Rows))
	defer rec.Release()
	return datasets.WriteParquet(w, rec)
}

// cell prints a number with the fewest digits that read back as the same, and
// NaN as nothing.
func cell(x float64) string {
	if x != x {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// numbers makes a column whose NaN are null.
func numbers(xs []float64) arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	for _, x := range xs {
		if x != x {
			b.AppendNull()
		} else {
			b.Append(x)
		}
	}
	return b.NewArray()
}
