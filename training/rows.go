// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/plantext"
)

// copyRows copies rows of a record, in ascending order, into a new one.
func copyRows(rec arrow.Record, rows []int) (arrow.Record, error) {
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
	return concatRecords(parts)
}

// concatRecords copies records of one schema, one after the other, into a new one.
func concatRecords(recs []arrow.Record) (arrow.Record, error) {
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

// ApplyRules holds the table to a plan's rules, once. A row that breaks one is an
// error that names file, row and column, or is left out and counted.
func (t *Table) ApplyRules(u Progress, spec *plantext.Spec) error {
	if t.rulesApplied {
		return nil
	}
	if err := t.sortIfAsked(u, spec); err != nil {
		return err
	}
	limit := 1
	if t.skipBadRows {
		limit = math.MaxInt
	}
	bad, err := features.CheckRows(spec, t.Frame.Record, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	t.rulesApplied = true
	if len(bad) == 0 {
		return t.checkOrder(u, spec)
	}
	first := t.asBadRow(bad[0])
	if !t.skipBadRows {
		return first
	}
	u.Note("%d rows of %s were left out: they break a rule of the plan; the first: %v", len(bad), t.Name, first)
	drop := make([]int, len(bad))
	for i, b := range bad {
		drop[i] = b.Row
	}
	if err := t.dropRows(drop); err != nil {
		return err
	}
	return t.checkOrder(u, spec)
}

// asBadRow tells a row of the record by its place in the file.
func (t *Table) asBadRow(e *fieldvalue.RowError) *datasets.BadRow {
	return &datasets.BadRow{File: t.Name, Row: t.RowInFile(e.Row), Column: e.Column, Problem: e.Problem}
}

// RowInFile is the number, in the file, of the data row that a row of the record
// was read from; the first is 1.
func (t *Table) RowInFile(row int) int {
	if t.fileRows != nil {
		return t.fileRows[row]
	}
	return row + 1
}

// dropRows takes rows, in ascending order, out of the table.
func (t *Table) dropRows(drop []int) error {
	keep := make([]int, 0, t.NumRows()-len(drop))
	for row := range t.NumRows() {
		if len(drop) > 0 && drop[0] == row {
			drop = drop[1:]
			continue
		}
		keep = append(keep, row)
	}
	t.Skipped += t.NumRows() - len(keep)
	return t.keepRows(keep)
}

// keepRows leaves the rows that keep names, in its order.
func (t *Table) keepRows(keep []int) error {
	rec, err := copyRows(t.Frame.Record, keep)
	if err != nil {
		return err
	}
	origin := make([]int, len(keep))
	for i, row := range keep {
		origin[i] = t.RowInFile(row)
	}
	if t.Label != nil {
		t.Label = pickRows(t.Label, keep)
	}
	if t.Weight != nil {
		t.Weight = pickRows(t.Weight, keep)
	}
	t.fileRows = origin
	frame := *t.Frame
	frame.Record = rec
	t.Frame = &frame
	return nil
}
