// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/assayrisk/assay"
)

// rowGroupRows is the size of the row groups of written Parquet files.
const rowGroupRows = 1 << 17

// WriteParquet writes a table as a Parquet file (Snappy, dictionaries). Equal
// tables give equal bytes.
func WriteParquet(w io.Writer, rec arrow.Record) error {
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(rowGroupRows),
		parquet.WithCreatedBy("assay"), parquet.WithAllocator(memory.DefaultAllocator))
	// The library closes what it can; w is the caller's to close.
	pw, err := pqarrow.NewFileWriter(rec.Schema(), struct{ io.Writer }{w}, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return fmt.Errorf("writing Parquet: %w", err)
	}
	for lo := int64(0); lo < rec.NumRows(); lo += rowGroupRows {
		part := rec.NewSlice(lo, min(lo+rowGroupRows, rec.NumRows()))
		err := pw.Write(part)
		part.Release()
		if err != nil {
			return fmt.Errorf("writing Parquet: %w", err)
		}
	}
	if err := pw.Close(); err != nil {
		return fmt.Errorf("writing Parquet: %w", err)
	}
	return nil
}

// WriteCSV writes a table with a header row. Numbers are written in the
// shortest form that reads back to the same bits, times as RFC 3339 in UTC,
// null as the empty cell.
func WriteCSV(w io.Writer, rec arrow.Record) error {
	cw := csv.NewWriter(w)
	row := make([]string, rec.NumCols())
	for i := range row {
		row[i] = rec.ColumnName(i)
	}
	if err := cw.Write(row); err != nil {
		return err
	}
	for r := range int(rec.NumRows()) {
		for c := range row {
			s, err := cellText(rec.Column(c), r)
			if err != nil {
				return fmt.Errorf("column %q: %w", rec.ColumnName(c), err)
			}
			row[c] = s
		}
		if err := cw.Write(row); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

func cellText(a arrow.Array, i int) (string, error) {
	if a.IsNull(i) {
		return "", nil
	}
	switch a := a.(type) {
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64), nil
	case *array.Int64:
		return strconv.FormatInt(a.Value(i), 10), nil
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i)), nil
	case *array.String:
		return a.Value(i), nil
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).Format(time.RFC3339Nano), nil
	}
	return "", fmt.Errorf("a column of type %s cannot be written as CSV: %w", a.DataType(), assay.ErrInvalid)
}
