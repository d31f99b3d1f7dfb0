// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// gather copies rows of a record, in ascending order, into a new one.
func gather(rec arrow.Record, rows []int) (arrow.Record, error) {
	var parts []arrow.Record
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[j] == rows[j-1]+1 {
			j++
		}
		parts = append(parts, rec.NewSlice(int64(rows[i]), int64(rows[j-1]+1)))
		i = j
	}
	if len(parts) == 0 {
		parts = append(parts, rec.NewSlice(0, 0))
	}
	return join(parts)
}

// join copies records of one schema, one after the other, into a new one.
func join(recs []arrow.Record) (arrow.Record, error) {
	cols := make([]arrow.Array, recs[0].NumCols())
	var rows int64
	for c := range cols {
		parts := make([]arrow.Array, len(recs))
		for i, r := range recs {
			parts[i] = r.Column(c)
		}
		var err error
		if cols[c], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	for _, r := range recs {
		rows += r.NumRows()
	}
	return array.NewRecord(recs[0].Schema(), cols, rows), nil
}
