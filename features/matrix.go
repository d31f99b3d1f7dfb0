// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// Matrix is the features of many rows, column-major.
type Matrix struct {
	Rows    int
	Columns [][]float64  // one per feature of the plan, NaN = missing, a category = its code
	Plan    assay.Digest // of the plan that made it
	// Row is the record's row that each row of the matrix came from; nil when
	// every row of the record is a row of the matrix. (With a `kind` column, the
	// other rows are events that feed windows.)
	Row []int
	// Windows reports, for each window, which of the table's events it counted.
	Windows []WindowReport
}

// blockRows is how many rows are computed at a time: enough that the cost of the
// calls does not matter, few enough that the columns stay in the cache.
const blockRows = 1024

// Matrix computes the features of a table's rows. It runs on all cores; the
// result does not depend on how many.
//
// A row that breaks the plan's rules (out of range, a missing value where one
// is required) is a *fieldvalue.RowError. Check finds all such rows beforehand.
func (p *Plan) Matrix(ctx context.Context, rec arrow.Record) (*Matrix, error) {
	src, err := p.source(rec)
	if err != nil {
		return nil, err
	}
	past, err := p.replay(ctx, rec, src)
	if err != nil {
		return nil, err
	}
	return p.matrix(ctx, src, past)
}

// matrix computes the features of a table that was replayed through the windows.
func (p *Plan) matrix(ctx context.Context, src *source, past *history) (*Matrix, error) {
	m := &Matrix{Rows: len(past.rows), Plan: p.digest, Columns: make([][]float64, len(p.visible)),
		Windows: p.windowReports(past)}
	if past.place != nil {
		m.Row = past.rows
	}
	for i := range m.Columns {
		m.Columns[i] = make([]float64, m.Rows)
	}
	return m, p.blocks(ctx, past.rows, func(sc *scratch, first int, rows []int) error {
		if err := src.fill(sc, rows); err != nil {
			return err
		}
		past.fill(sc, rows)
		p.run(sc)
		for c, slot := range p.visible {
			copy(m.Columns[c][first:], sc.cols[slot])
		}
		return nil
	})
}

// blocks calls work for every block of rows, on all cores; first is the place
// of the block's first row. The error is that of the first bad block.
func (p *Plan) blocks(ctx context.Context, rows []int, work func(sc *scratch, first int, rows []int) error) error {
	n := (len(rows) + blockRows - 1) / blockRows
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			sc := p.newScratch(min(blockRows, len(rows)))
			for {
				b := int(next.Add(1)) - 1
				if b >= n || ctx.Err() != nil {
					return
				}
				block := rows[b*blockRows : min((b+1)*blockRows, len(rows))]
				if len(block) != len(sc.cols[0]) {
					sc = p.newScratch(len(block))
				}
				if errs[b] = work(sc, b*blockRows, block); errs[b] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
