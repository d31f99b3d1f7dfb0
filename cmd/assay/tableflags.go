// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// tableFlags say which table a command reads, and what becomes of rows that
// are not as they should be.
type tableFlags struct {
	data, label, bad string
	onBadRow         onBadRow
	order            orderFlag
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
	c.Flags().Var(&f.onBadRow, "on-bad-row", "what to do at a row that cannot be read, has no label or breaks the plan's rules: fail, or skip and count")
	f.order.register(c)
}

// registerLabel adds --label and --bad.
func (f *tableFlags) registerLabel(c *cobra.Command) {
	c.Flags().StringVar(&f.label, "label", "", "label column, 1 is the bad event (default: the set's own, or \"target\")")
	c.Flags().StringVar(&f.bad, "bad", "", "what the label column holds for the bad event, anything else being good (default: 1, bad, default, yes or true)")
}

// registerTime adds --time.
func (f *tableFlags) registerTime(c *cobra.Command) {
	c.Flags().StringVar(&f.timed, "time", "", "column that says when each row was decided (default: the time column "+
		"that the plan names)")
}

// readAs has files read as a plan sees them: in a CSV file, codes that look
// like numbers stay the texts that they are, unless another model that scores
// the same rows takes them for numbers.
func (f *tableFlags) readAs(spec *features.Spec, others ...*scorer) {
	if spec == nil {
		return
	}
	f.columns = columnsOf(spec)
	f.events = spec.Kind != ""
	if f.events && f.label == "" && spec.Label != nil {
		f.label = spec.Label.Column
	}
	for _, o := range others {
		f.columns = bothColumns(f.columns, columnsOf(o.plan.Spec()))
		f.columns.Text = slices.DeleteFunc(f.columns.Text, func(name string) bool {
			return slices.ContainsFunc(o.plan.Fields(), func(x features.FieldInfo) bool {
				return x.Name == name && (x.Kind == assay.Number || x.Kind == assay.Flag)
			})
		})
	}
}

// bothColumns adds what a second plan says of columns that the first does not
// know.
func bothColumns(a, b datasets.Options) datasets.Options {
	known := slices.Concat(a.Text, a.Time, a.Number)
	isKnown := func(name string) bool { return slices.Contains(known, name) }
	a.Text = append(a.Text, slices.DeleteFunc(b.Text, isKnown)...)
	a.Time = append(a.Time, slices.DeleteFunc(b.Time, isKnown)...)
	a.Number = append(a.Number, slices.DeleteFunc(b.Number, isKnown)...)
	for name, sample := range b.Written {
		if !isKnown(name) {
			a.Written[name] = sample
		}
	}
	for name, marks := range b.MissingIn {
		if !isKnown(name) {
			a.MissingIn[name] = marks
		}
	}
	return a
}

// columnsOf is what a plan says of a table's columns.
func columnsOf(spec *features.Spec) datasets.Options {
	o := datasets.Options{Text: slices.Clone(spec.Entities), Written: map[string]string{},
		MissingIn: map[string][]string{}}
	for _, name := range []string{spec.ID, spec.Kind} {
		if name != "" {
			o.Text = append(o.Text, name)
		}
	}
	if spec.Time != "" {
		o.Time = append(o.Time, spec.Time)
	}
	for i := range spec.Fields {
		x := &spec.Fields[i]
		switch x.Kind {
		case "text":
			o.Text = append(o.Text, x.Name)
		case "time":
			o.Time = append(o.Time, x.Name)
		default:
			o.Number = append(o.Number, x.Name)
		}
		if x.Written != "" {
			o.Written[x.Name] = x.Written
		}
		if marks := x.MissingMarks(); marks != nil {
			o.MissingIn[x.Name] = marks
		}
	}
	return o
}

// read reads the table that --data names.
func (f *tableFlags) read(ctx context.Context, u *ui) (*table, error) {
	return f.readFile(ctx, u, f.data)
}

// readFile reads another table under the same rules.
func (f *tableFlags) readFile(ctx context.Context, u *ui, from string) (*table, error) {
	u.step("read %s", from)
	t, err := readRows(ctx, u, from, f.options(), f.events)
	if err != nil {
		return nil, err
	}
	t.timed = f.timed
	t.order = f.order
	if f.bad != "" && t.label != nil && !slices.Contains(t.label, 1) {
		u.note("no row of %s holds %q in the column %q: every row counts as good; is --bad written as the column has it?", t.name, f.bad, t.frame.Label)
	}
	if f.weight != "" && f.weight != noWeight {
		if err := t.weigh(u, f.weight, f.mayLackWeight); err != nil {
			return nil, err
		}
	}
	u.done("%d rows, %d columns", t.rows(), t.frame.Record.NumCols())
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

// obey holds the table to a plan's rules, once. A row that breaks one is an
// error that names file, row and column, or is left out and counted.
func (t *table) obey(u *ui, spec *features.Spec) error {
	if t.obeyed {
		return nil
	}
	if err := t.sortIfAsked(u, spec); err != nil {
		return err
	}
	limit := 1
	if t.skip {
		limit = math.MaxInt
	}
	bad, err := spec.Check(t.frame.Record, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	t.obeyed = true
	if len(bad) == 0 {
		return t.inOrder(u, spec)
	}
	first := t.broken(bad[0])
	if !t.skip {
		return first
	}
	u.note("%d rows of %s were left out: they break a rule of the plan; the first: %v", len(bad), t.name, first)
	drop := make([]int, len(bad))
	for i, b := range bad {
		drop[i] = b.Row
	}
	if err := t.without(drop); err != nil {
		return err
	}
	return t.inOrder(u, spec)
}

// broken tells a row of the record by its place in the file.
func (t *table) broken(e *features.RowError) *datasets.BadRow {
	return &datasets.BadRow{File: t.name, Row: t.place(e.Row), Column: e.Column, Problem: e.Problem}
}

// place is the number, in the file, of the data row that a row of the record
// was read from; the first is 1.
func (t *table) place(row int) int {
	if t.origin != nil {
		return t.origin[row]
	}
	return row + 1
}

// without takes rows, in ascending order, out of the table.
func (t *table) without(drop []int) error {
	keep := make([]int, 0, t.rows()-len(drop))
	for row := range t.rows() {
		if len(drop) > 0 && drop[0] == row {
			drop = drop[1:]
			continue
		}
		keep = append(keep, row)
	}
	t.skipped += t.rows() - len(keep)
	return t.take(keep)
}

// take leaves the rows that keep names, in its order.
func (t *table) take(keep []int) error {
	rec, err := gather(t.frame.Record, keep)
	if err != nil {
		return err
	}
	origin := make([]int, len(keep))
	for i, row := range keep {
		origin[i] = t.place(row)
	}
	if t.label != nil {
		t.label = pick(t.label, keep)
	}
	if t.weight != nil {
		t.weight = pick(t.weight, keep)
	}
	t.origin = origin
	frame := *t.frame
	frame.Record = rec
	t.frame = &frame
	return nil
}
