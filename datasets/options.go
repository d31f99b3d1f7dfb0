// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// DefaultLabel is the label column that is looked for when Options names none.
const DefaultLabel = "target"

// Options says how a table is read. The zero value reads with the defaults
// given at each field.
type Options struct {
	// Label names the label column. Empty: the set's own label, or "target"
	// when the table has such a column, or no label. A column that is named
	// here and absent is an error.
	Label string
	// Unlabelled reads no column of a file as the label, whatever its name: rows
	// that are to be scored have no outcome yet. Named sets have theirs.
	Unlabelled bool
	// Bad is the text of the label column that means the bad event. Empty: 1,
	// bad, default, yes or true, in any case.
	Bad string
	// Text names columns to be read as text even when every cell is a number:
	// codes such as 01234 keep their zeros, and ids every digit. Time names
	// those of a text file that hold times, as 2006-01-02, 2006-01-02 15:04:05
	// or RFC 3339, in UTC where a time states no zone.
	Text []string
	Time []string
	// Number names columns that hold numbers, flags included, whatever their
	// cells look like: one that is none makes its row a bad one.
	Number []string
	// Numbers is a sample of how a text file writes numbers where its cells
	// leave it open, 1,234.56 or 1.234,56 say (see ParseWritten); Written is
	// the same for single columns.
	Numbers string
	Written map[string]string
	// Missing lists cells of text files that mean "no value", as the empty one
	// does, in every column; MissingIn those of single columns. MissingMarks
	// mean it in columns of numbers, times and outcomes anyway.
	Missing   []string
	MissingIn map[string][]string
	// Sheet names the sheet of a workbook that is read (default: the only one
	// with cells).
	Sheet string
	// SkipBadRows leaves out rows that cannot be read, and lists the first
	// MaxBadRows of them in Frame.Skipped. The default is to fail at the first.
	SkipBadRows bool
	// MaxBytes bounds the file (default 2 GiB), MaxRows the rows (default 100
	// million), MaxCell one cell's bytes (default 64 KiB).
	MaxBytes int64
	MaxRows  int64
	MaxCell  int
	// Dir is where downloaded sets are kept (default: assay in the user's cache
	// directory).
	Dir string
	// BatchRows is the size of the records that Stream gives (default 65536).
	BatchRows int

	digitColumns []string // columns that are read as texts to keep every digit, though no plan says so
}

// Bounds that no option moves.
const (
	MaxColumns = 4096 // columns of a table
	MaxBadRows = 1000 // entries of Frame.Skipped; Frame.SkippedRows counts all
)

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 100_000_000
	}
	if o.MaxCell <= 0 {
		o.MaxCell = 64 << 10
	}
	if o.BatchRows <= 0 {
		o.BatchRows = 1 << 16
	}
	return o
}

// Frame is a table in memory.
type Frame struct {
	Record      arrow.Record
	Label       string       // the label column, "" if the table has none
	Skipped     []BadRow     // the first MaxBadRows rows that were left out
	SkippedRows int          // how many were left out
	Columns     []ColumnNote // what is to be said of single columns, in the file's order
	Origin      []int        // of each row of Record, its number in the file, from 1; nil: none was left out
	Digest      assay.Digest // SHA-256 of the bytes read
}

// ColumnNote says of one column what a person should know: that it was left
// out, or read in a way that its cells alone do not say.
type ColumnNote struct {
	Column  string // as the file names it, "" if it does not
	Note    string
	LeftOut bool   // the column is not in the record
	Written string // how its numbers are written, where not plainly (see ParseWritten)
}

// BadRow says which cell could not be read, and why. It is an error that
// matches assay.ErrInvalid, and never repeats the cell's value.
type BadRow struct {
	File    string
	Row     int    // first data row is 1; 0 means the header or the file
	Line    int    // line of the file where there is one, else 0
	Column  string // "" when the row as a whole is at fault
	Problem string
}

// Error implements error.
func (b *BadRow) Error() string {
	s := b.File
	if b.Row > 0 {
		s += fmt.Sprintf(": row %d", b.Row)
	}
	if b.Line > 0 {
		s += fmt.Sprintf(" (line %d)", b.Line)
	}
	if b.Column != "" {
		s += fmt.Sprintf(", column %q", b.Column)
	}
	return s + ": " + b.Problem
}

// Is reports that a BadRow is an assay.ErrInvalid.
func (b *BadRow) Is(target error) bool { return target == assay.ErrInvalid }

// badRows collects rows under one policy.
type badRows struct {
	skip  bool
	list  []BadRow
	count int
	rows  []int // numbers of the rows left out, ascending
}

// origin numbers the n rows that were kept.
func (b *badRows) origin(n int) []int {
	if b.count == 0 {
		return nil
	}
	out, next, left := make([]int, n), 1, b.rows
	for i := range out {
		for len(left) > 0 && left[0] == next {
			left, next = left[1:], next+1
		}
		out[i], next = next, next+1
	}
	return out
}

// add takes one bad row; a non-nil error ends the reading.
func (b *badRows) add(r BadRow) error {
	if !b.skip {
		return &r
	}
	b.count++
	b.rows = append(b.rows, r.Row)
	if len(b.list) < MaxBadRows {
		b.list = append(b.list, r)
	}
	return nil
}
