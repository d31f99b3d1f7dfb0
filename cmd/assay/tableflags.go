// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/training"
)

// tableFlags say which table a command reads, and what becomes of rows that
// are not as they should be.
type tableFlags struct {
	data, label, bad string
	onBadRow         onBadRow
	order            training.EventOrder
	events           bool // rows are events of several kinds, says the plan
	unlabelled       bool // no column is the label: outcomes are not known yet
	numbers, sheet   string
	columns          datasets.Options // what a plan says of columns
	timed            string           // column that says when each row was decided, in place of the plan's
	weight           string           // column that says how much each row counts
	mayLackWeight    bool             // a table without that column is read, and told of
}

// register adds --data and --on-bad-row; what tells which rows --data wants.
func (f *tableFlags) register(c *cobra.Command, what string) {
	c.Flags().StringVar(&f.data, "data", "", what+": a CSV, XLSX, Parquet or Arrow file, or a data set's name")
	c.Flags().StringVar(&f.numbers, "numbers", "", "how a text file writes numbers, where its cells leave it open: "+
		"\"1,234.56\", \"1.234,56\", \"1 234,56\", ...")
	c.Flags().StringVar(&f.sheet, "sheet", "", "sheet of an XLSX workbook (default: the only one with cells)")
	c.Flags().Var(&f.onBadRow, "on-bad-row",
		"what to do at a row that cannot be read, has no label or breaks the plan's rules: fail, or skip and count")
	registerOrder(&f.order, c)
}

// registerLabel adds --label and --bad.
func (f *tableFlags) registerLabel(c *cobra.Command) {
	c.Flags().StringVar(&f.label, "label", "",
		"label column, 1 is the bad event (default: the set's own, or \"target\")")
	c.Flags().StringVar(&f.bad, "bad", "",
		"what the label column holds for the bad event, anything else being good (default: 1, bad, default, yes or "+
			"true)")
}

// registerTime adds --time.
func (f *tableFlags) registerTime(c *cobra.Command) {
	c.Flags().StringVar(&f.timed, "time", "", "column that says when each row was decided (default: the time column "+
		"that the plan names)")
}

// readAs has files read as a plan sees them, and as others that score the same
// rows do.
func (f *tableFlags) readAs(spec *plantext.Spec, others ...*training.Scorer) {
	if spec == nil {
		return
	}
	f.columns = training.ReadingFor(spec, others...)
	f.events = spec.Kind != ""
	if f.label == "" {
		f.label = f.columns.Label
	}
}

// read reads the table that --data names.
func (f *tableFlags) read(ctx context.Context, u *ui) (*training.Table, error) {
	return f.readFile(ctx, u, f.data)
}

// readFile reads another table under the same rules.
func (f *tableFlags) readFile(ctx context.Context, u *ui, from string) (*training.Table, error) {
	u.Step("read %s", from)
	t, err := training.ReadRows(ctx, u, from, f.options(), f.events)
	if err != nil {
		return nil, err
	}
	t.TimeColumn = f.timed
	t.Order = f.order
	if f.bad != "" && t.Label != nil && !slices.Contains(t.Label, 1) {
		u.Note("no row of %s holds %q in the column %q: every row counts as good; is --bad written as the column has "+
			"it?", t.Name, f.bad, t.Frame.Label)
	}
	if f.weight != "" && f.weight != noWeight {
		if err := t.ReadWeights(u, f.weight, f.mayLackWeight); err != nil {
			return nil, err
		}
	}
	u.Done("%d rows, %d columns", t.NumRows(), t.Frame.Record.NumCols())
	return t, nil
}

func (f *tableFlags) options() datasets.Options {
	o := f.columns
	o.Label, o.Unlabelled, o.Bad, o.Numbers, o.Sheet, o.SkipBadRows = f.label, f.unlabelled, f.bad, f.numbers, f.sheet,
		bool(f.onBadRow)
	if f.weight != "" && f.weight != noWeight {
		o.Number = append(slices.Clone(o.Number), f.weight)
	}
	if f.timed != "" {
		o.Time = append(slices.Clone(o.Time), f.timed)
	}
	return o
}

// onBadRow is the value of --on-bad-row: true is skip.
type onBadRow bool

// String, Set and Type implement pflag.Value.
func (o *onBadRow) String() string {
	if *o {
		return "skip"
	}
	return "fail"
}

// Set takes the two words that String gives.
func (o *onBadRow) Set(s string) error {
	if s != "fail" && s != "skip" {
		return fmt.Errorf("want fail or skip")
	}
	*o = s == "skip"
	return nil
}

// Type is what the help shows for the value.
func (o *onBadRow) Type() string { return "fail|skip" }

func registerOrder(f *training.EventOrder, c *cobra.Command) {
	c.Flags().BoolVar(&f.Sort, "sort", false, "of an event log: put the rows in the order of their times first")
	c.Flags().BoolVar(&f.Keep, "keep-order", false,
		"of an event log: take rows that come later than the plan's lateness allows as a server does, in no window")
	c.MarkFlagsMutuallyExclusive("sort", "keep-order")
}

// noWeight is the value of --weight that has every row count once, whatever the
// model was trained with.
const noWeight = "none"

// registerWeight adds --weight.
func (f *tableFlags) registerWeight(c *cobra.Command, without string) {
	c.Flags().StringVar(&f.weight, "weight", "",
		"column of numbers above 0 that says how many rows a row counts for, as after sampling (default: "+without+")")
}

// parseTime reads a day or an RFC 3339 time; "" is the zero time.
func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("--%s %s: want a day (2023-06-30) or a time (2023-06-30T12:00:00Z)", flag, s)
}
