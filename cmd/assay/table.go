// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
)

// table is a data set in memory with its label, if it has one.
type table struct {
	name    string
	frame   *datasets.Frame
	label   []float64       // by row of the record, nil if it has none
	weight  []float64       // by row of the record, nil if each counts once
	weighed string          // column of the weights
	log     *eventLog       // nil unless its rows are events that come in turn
	clock   *clock          // when each row was decided; nil unless a plan or --time names a column
	timed   string          // that --time names
	skip    bool            // leave out rows that break a plan's rules
	obeyed  bool            // no row breaks the plan's rules
	history bool            // the rows are sent to a server as its history: none needs to be scored
	skipped int             // rows of the file that are not in the record
	origin  []int           // of each row of the record, its number in the file; nil: all are there
	events  bool            // its rows are events of several kinds: those that are not scored have no label
	order   orderFlag       // what is done with events that come late
	logs    []*features.Log // it, as played through the windows of the specs so far
}

// readTable reads a CSV, XLSX, Parquet or Arrow file, or a data set by name.
func readTable(ctx context.Context, u *ui, from string, opt datasets.Options) (*table, error) {
	return readRows(ctx, u, from, opt, false)
}

// readRows is readTable of a file whose rows may be events of several kinds.
func readRows(ctx context.Context, u *ui, from string, opt datasets.Options, events bool) (*table, error) {
	frame, err := datasets.Read(ctx, from, opt)
	if err != nil {
		return nil, err
	}
	t := &table{name: strings.TrimSuffix(filepath.Base(from), filepath.Ext(from)), frame: frame, events: events, skip: opt.SkipBadRows, skipped: frame.SkippedRows, origin: frame.Origin}
	if frame.SkippedRows > 0 {
		u.note("%d rows of %s were left out; the first: %v", frame.SkippedRows, from, &frame.Skipped[0])
	}
	noteColumns(u, frame.Columns)
	return t, t.findLabel(u, from)
}

// noteColumns says what is to be said of single columns: which were left out,
// and which were read in a way that their cells alone do not say.
func noteColumns(u *ui, columns []datasets.ColumnNote) {
	for _, c := range columns {
		what := ""
		if c.Column != "" {
			what = c.Column + ": "
		}
		if c.LeftOut {
			what += "left out: "
		}
		u.note("%s%s", what, c.Note)
	}
}

// findLabel reads the label column, if the table has one; from is what errors
// call the table. A row without a label is an error, or is left out.
func (t *table) findLabel(u *ui, from string) error {
	at := t.frame.Record.Schema().FieldIndices(t.frame.Label)
	if len(at) != 1 {
		return nil
	}
	c, ok := t.frame.Record.Column(at[0]).(*array.Float64)
	if !ok {
		return fmt.Errorf("%s: label %q: %w: a column of %s, want numbers", from, t.frame.Label, assay.ErrInvalid, t.frame.Record.Column(at[0]).DataType())
	}
	if n := c.NullN(); n > 0 && t.events { // an outcome that is not known yet, or no outcome at all
		t.label = make([]float64, t.rows())
		for row := range t.label {
			if t.label[row] = math.NaN(); c.IsValid(row) {
				t.label[row] = c.Value(row)
			}
		}
		return nil
	} else if n > 0 {
		var open []int
		for row := range t.rows() {
			if c.IsNull(row) {
				open = append(open, row)
			}
		}
		if !t.skip {
			return fmt.Errorf("%w: %s: %d rows have no label in column %q, the first is row %d: their outcome is not known; --on-bad-row skip leaves them out",
				assay.ErrInvalid, from, n, t.frame.Label, t.place(open[0]))
		}
		u.note("%d rows of %s were left out: they have no label in column %q; the first is row %d", n, from, t.frame.Label, t.place(open[0]))
		if err := t.without(open); err != nil {
			return err
		}
		c = t.frame.Record.Column(at[0]).(*array.Float64)
	}
	t.label = append([]float64{}, c.Float64Values()...)
	return nil
}

// needLabel reports a table that cannot be trained or evaluated on.
func (t *table) needLabel() error {
	if t.rows() == 0 {
		return fmt.Errorf("%w: %s has no rows", assay.ErrInvalid, t.name)
	}
	if t.label == nil {
		return fmt.Errorf("%w: %s has no label column: name it with --label (1 is the bad event)", assay.ErrInvalid, t.name)
	}
	return nil
}

func (t *table) rows() int { return int(t.frame.Record.NumRows()) }

// all is every row that can be trained or judged on, as a part: the whole
// table, or of an event log the scored events whose outcome is known.
func (t *table) all() part {
	if t.log != nil {
		return part{t, t.log.closed}
	}
	rows := make([]int, t.rows())
	for i := range rows {
		rows[i] = i
	}
	return part{t, rows}
}

// part is some rows of a table.
type part struct {
	*table
	rows []int
}

// labels returns the part's labels.
func (p part) labels() []float64 { return pick(p.label, p.rows) }

// badRate returns the share of bad events, by weight, 0 for no rows.
func (p part) badRate() float64 {
	var bad, all float64
	for _, r := range p.rows {
		w := 1.0
		if p.weight != nil {
			w = p.weight[r]
		}
		bad, all = bad+w*p.label[r], all+w
	}
	if all == 0 {
		return 0
	}
	return bad / all
}

// texts returns a column of the part's rows as texts, to group by.
func (p part) texts(column string) ([]string, error) {
	at := p.frame.Record.Schema().FieldIndices(column)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s has no column %q%s", assay.ErrInvalid, p.name, column, nearest.Hint(column, p.columns()))
	}
	c := p.frame.Record.Column(at[0])
	out := make([]string, len(p.rows))
	for i, r := range p.rows {
		out[i] = c.ValueStr(r)
	}
	return out, nil
}

// pick returns x at the given rows.
func pick(x []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// stratifiedFolds deals rows into k folds: the fold of a row is the number of
// earlier rows with the same label, modulo k. It is deterministic and keeps
// the bad rate of each fold.
func stratifiedFolds(label []float64, rows []int, k int) [][]int {
	folds := make([][]int, k)
	var seen [2]int
	for _, r := range rows {
		c := int(label[r])
		f := seen[c] % k
		seen[c]++
		folds[f] = append(folds[f], r)
	}
	return folds
}

// others returns the rows of all folds but one, in ascending order.
func others(folds [][]int, fold int) []int {
	var out []int
	for i, f := range folds {
		if i != fold {
			out = append(out, f...)
		}
	}
	slices.Sort(out)
	return out
}
