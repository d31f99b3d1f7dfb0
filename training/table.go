// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

// KnownOutcomes returns the rows of a table that have an outcome, within the times.
func (t *Table) KnownOutcomes(u Progress, spec *plantext.Spec, since, before time.Time) (Subset, error) {
	if t.log == nil {
		if err := t.ApplyRules(u, spec); err != nil {
			return Subset{}, err
		}
		if err := t.readOutcomes(u, spec); err != nil {
			return Subset{}, err
		}
	}
	if err := t.NeedLabel(); err != nil {
		return Subset{}, err
	}
	p, err := t.All().between(since, before)
	if err != nil {
		return Subset{}, err
	}
	return p, p.checkWeightColumn(spec)
}

// Columns names the table's columns.
func (t *Table) Columns() []string {
	var out []string
	for _, f := range t.Frame.Record.Schema().Fields() {
		out = append(out, f.Name)
	}
	return out
}

// Table is a data set in memory with its label, if it has one.
type Table struct {
	Name         string
	Frame        *datasets.Frame
	Label        []float64       // by row of the record, nil if it has none
	Weight       []float64       // by row of the record, nil if each counts once
	weightColumn string          // column of the weights
	log          *eventLog       // nil unless its rows are events that come in turn
	clock        *clock          // when each row was decided; nil unless a plan or --time names a column
	TimeColumn   string          // that --time names
	skipBadRows  bool            // leave out rows that break a plan's rules
	rulesApplied bool            // no row breaks the plan's rules
	History      bool            // the rows are sent to a server as its history: none needs to be scored
	Skipped      int             // rows of the file that are not in the record
	fileRows     []int           // of each row of the record, its number in the file; nil: all are there
	events       bool            // its rows are events of several kinds: those that are not scored have no label
	Order        EventOrder      // what is done with events that come late
	windowLogs   []*features.Log // it, as played through the windows of the specs so far
}

// ReadTable reads a CSV, XLSX, Parquet or Arrow file, or a data set by name.
func ReadTable(ctx context.Context, u Progress, from string, opt datasets.Options) (*Table, error) {
	return ReadRows(ctx, u, from, opt, false)
}

// ReadRows is ReadTable of a file whose rows may be events of several kinds.
func ReadRows(ctx context.Context, u Progress, from string, opt datasets.Options, events bool) (*Table, error) {
	frame, err := datasets.Read(ctx, from, opt)
	if err != nil {
		return nil, err
	}
	t := &Table{Name: strings.TrimSuffix(filepath.Base(from), filepath.Ext(from)), Frame: frame, events: events,
		skipBadRows: opt.SkipBadRows, Skipped: frame.SkippedRows, fileRows: frame.Origin}
	if frame.SkippedRows > 0 {
		u.Note("%d rows of %s were left out; the first: %v", frame.SkippedRows, from, &frame.Skipped[0])
	}
	noteColumns(u, frame.Columns)
	return t, t.findLabel(u, from)
}

// noteColumns says what is to be said of single columns: which were left out,
// and which were read in a way that their cells alone do not say.
func noteColumns(u Progress, columns []datasets.ColumnNote) {
	for _, c := range columns {
		what := ""
		if c.Column != "" {
			what = c.Column + ": "
		}
		if c.LeftOut {
			what += "left out: "
		}
		u.Note("%s%s", what, c.Note)
	}
}

// findLabel reads the label column, if the table has one; from is what errors
// call the table. A row without a label is an error, or is left out.
func (t *Table) findLabel(u Progress, from string) error {
	at := t.Frame.Record.Schema().FieldIndices(t.Frame.Label)
	if len(at) != 1 {
		return nil
	}
	c, ok := t.Frame.Record.Column(at[0]).(*array.Float64)
	if !ok {
		return fmt.Errorf("%s: label %q: %w: a column of %s, want numbers", from, t.Frame.Label, assay.ErrInvalid,
			t.Frame.Record.Column(at[0]).DataType())
	}
	if n := c.NullN(); n > 0 && t.events { // an outcome that is not known yet, or no outcome at all
		t.Label = make([]float64, t.NumRows())
		for row := range t.Label {
			if t.Label[row] = math.NaN(); c.IsValid(row) {
				t.Label[row] = c.Value(row)
			}
		}
		return nil
	} else if n > 0 {
		var open []int
		for row := range t.NumRows() {
			if c.IsNull(row) {
				open = append(open, row)
			}
		}
		if !t.skipBadRows {
			return fmt.Errorf("%w: %s: %d rows have no label in column %q, the first is row %d: their outcome is not "+
				"known; --on-bad-row skip leaves them out",
				assay.ErrInvalid, from, n, t.Frame.Label, t.RowInFile(open[0]))
		}
		u.Note("%d rows of %s were left out: they have no label in column %q; the first is row %d", n, from,
			t.Frame.Label, t.RowInFile(open[0]))
		if err := t.dropRows(open); err != nil {
			return err
		}
		c = t.Frame.Record.Column(at[0]).(*array.Float64)
	}
	t.Label = append([]float64{}, c.Float64Values()...)
	return nil
}

// NeedLabel reports a table that cannot be trained or evaluated on.
func (t *Table) NeedLabel() error {
	if t.NumRows() == 0 {
		return fmt.Errorf("%w: %s has no rows", assay.ErrInvalid, t.Name)
	}
	if t.Label == nil {
		return fmt.Errorf("%w: %s has no label column: name it with --label (1 is the bad event)",
			assay.ErrInvalid, t.Name)
	}
	return nil
}

func (t *Table) NumRows() int { return int(t.Frame.Record.NumRows()) }

// All is every row that can be trained or judged on, as a subset: the whole
// table, or of an event log the scored events whose outcome is known.
func (t *Table) All() Subset {
	if t.log != nil {
		return Subset{t, t.log.known}
	}
	rows := make([]int, t.NumRows())
	for i := range rows {
		rows[i] = i
	}
	return Subset{t, rows}
}

// Subset is some rows of a table.
type Subset struct {
	*Table
	Rows []int
}

// Labels returns the subset's labels.
func (p Subset) Labels() []float64 { return pickRows(p.Label, p.Rows) }

// BadRate returns the share of bad events, by weight, 0 for no rows.
func (p Subset) BadRate() float64 {
	var bad, all float64
	for _, r := range p.Rows {
		w := 1.0
		if p.Weight != nil {
			w = p.Weight[r]
		}
		bad, all = bad+w*p.Label[r], all+w
	}
	if all == 0 {
		return 0
	}
	return bad / all
}

// Texts returns a column of the subset's rows as texts, to group by.
func (p Subset) Texts(column string) ([]string, error) {
	at := p.Frame.Record.Schema().FieldIndices(column)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s has no column %q%s", assay.ErrInvalid, p.Name, column,
			nearest.Hint(column, p.Columns()))
	}
	c := p.Frame.Record.Column(at[0])
	out := make([]string, len(p.Rows))
	for i, r := range p.Rows {
		out[i] = c.ValueStr(r)
	}
	return out, nil
}

// pickRows returns x at the given rows.
func pickRows(x []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// allRows numbers the rows of the record.
func (t *Table) allRows() []int {
	rows := make([]int, t.NumRows())
	for i := range rows {
		rows[i] = i
	}
	return rows
}
