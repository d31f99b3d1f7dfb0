// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// numberShare is the share of a CSV column's cells that must be numbers for
// the column to be one of numbers. The cells that are not are then bad rows,
// with their place, instead of silently turning a hundred thousand amounts
// into text because of one typing error.
const numberShare = 0.9

// csvTable reads records of one CSV source and knows where it stands.
type csvTable struct {
	file   string
	r      *csv.Reader
	limit  *recordLimit
	header []string
	row    int
}

// openCSV reads the header.
func openCSV(file string, src io.Reader, opt *Options) (*csvTable, error) {
	br := bufio.NewReaderSize(src, 1<<16)
	if bom, err := br.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		_, _ = br.Discard(3)
	}
	t := &csvTable{file: file, limit: &recordLimit{r: br, max: 4*opt.MaxCell + 1<<20}}
	t.r = csv.NewReader(t.limit)
	t.r.FieldsPerRecord = -1
	t.r.ReuseRecord = true
	head, err := t.r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &BadRow{File: file, Problem: "the file is empty; a header row was expected"}
		}
		return nil, &BadRow{File: file, Problem: "the header row cannot be read: " + csvProblem(err)}
	}
	if len(head) == 1 {
		for _, s := range []struct{ mark, name string }{{";", "semicolons"}, {"\t", "tabs"}, {"|", "bars"}} {
			if strings.Contains(head[0], s.mark) {
				return nil, &BadRow{File: file, Problem: "the header has " + s.name + " and no comma: save the file with commas between the cells (and decimal points)"}
			}
		}
	}
	if len(head) > MaxColumns {
		return nil, &BadRow{File: file, Problem: fmt.Sprintf("%d columns, at most %d are allowed", len(head), MaxColumns)}
	}
	seen := make(map[string]bool, len(head))
	for i, h := range head {
		h = strings.TrimSpace(h)
		switch {
		case h == "":
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("header cell %d is empty: give the column a name", i+1)}
		case len(h) > 256 || !utf8.ValidString(h):
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("header cell %d is longer than 256 bytes or not UTF-8", i+1)}
		case seen[h]:
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("the header names column %q twice", h)}
		}
		seen[h] = true
		t.header = append(t.header, strings.Clone(h))
	}
	return t, nil
}

// next returns the next record, which is valid until the next call, or a bad
// row, or io.EOF, or an error that ends the reading.
func (t *csvTable) next(opt *Options) ([]string, *BadRow, error) {
	rec, err := t.r.Read()
	t.limit.reset()
	if errors.Is(err, io.EOF) {
		return nil, nil, io.EOF
	}
	t.row++
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe):
		return nil, &BadRow{File: t.file, Row: t.row, Line: pe.StartLine, Problem: csvProblem(err)}, nil
	case errors.Is(err, errRecordTooLong):
		line, _ := t.r.FieldPos(0)
		return nil, nil, &BadRow{File: t.file, Row: t.row, Line: line, Problem: err.Error()}
	case err != nil:
		return nil, nil, fmt.Errorf("%s: row %d: %w", t.file, t.row, err)
	}
	if int64(t.row) > opt.MaxRows {
		return nil, nil, &BadRow{File: t.file, Row: t.row, Problem: fmt.Sprintf("more than %d rows", opt.MaxRows)}
	}
	line, _ := t.r.FieldPos(0)
	if len(rec) != len(t.header) {
		return nil, &BadRow{File: t.file, Row: t.row, Line: line,
			Problem: fmt.Sprintf("%d cells, the header has %d", len(rec), len(t.header))}, nil
	}
	for i, c := range rec {
		if len(c) > opt.MaxCell {
			return nil, &BadRow{File: t.file, Row: t.row, Line: line, Column: t.header[i],
				Problem: fmt.Sprintf("a cell of %d bytes, at most %d are allowed", len(c), opt.MaxCell)}, nil
		}
	}
	return rec, nil, nil
}

func csvProblem(err error) string {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return "not CSV: " + pe.Err.Error()
	}
	return err.Error()
}

// parseNumber reads a finite decimal number; spaces around it are allowed.
func parseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || s[len(s)-1] > '9' && s[len(s)-1] != 'e' || strings.ContainsAny(s, "xXpP_nNiI") {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, false
	}
	return x, true
}

func (o *Options) isMissing(cell string) bool {
	return cell == "" || slices.Contains(o.Missing, cell) || strings.TrimSpace(cell) == ""
}

// inferCSV finds the kind of each column from up to maxRows records.
func inferCSV(ctx context.Context, t *csvTable, opt *Options, label string, maxRows int) ([]columnKind, error) {
	numbers, filled := make([]int, len(t.header)), make([]int, len(t.header))
	for n := 0; n < maxRows; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rec, bad, err := t.next(opt)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if bad != nil {
			continue // reported by the pass that follows
		}
		for i, c := range rec {
			if opt.isMissing(c) {
				continue
			}
			filled[i]++
			if _, ok := parseNumber(c); ok {
				numbers[i]++
			}
		}
	}
	kinds := make([]columnKind, len(t.header))
	for i, name := range t.header {
		switch {
		case name == label:
			kinds[i] = labelKind
		case slices.Contains(opt.Text, name):
			kinds[i] = textKind
		case slices.Contains(opt.Time, name):
			kinds[i] = timeKind
		case float64(numbers[i]) >= numberShare*float64(filled[i]):
			kinds[i] = numberKind
		default:
			kinds[i] = textKind
		}
	}
	return kinds, nil
}

// csvBatch reads up to maxRows good rows into one record; io.EOF goes with the
// last, which may be empty.
func csvBatch(ctx context.Context, t *csvTable, kinds []columnKind, opt *Options, bad *badRows, maxRows int) (arrow.Record, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(t.header, kinds))
	defer b.Release()
	values, at, null := make([]float64, len(kinds)), make([]int64, len(kinds)), make([]bool, len(kinds))
	for n := 0; n < maxRows; {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rec, br, err := t.next(opt)
		if errors.Is(err, io.EOF) {
			return b.NewRecord(), io.EOF
		}
		if err != nil {
			return nil, err
		}
		if br == nil {
			br = t.parse(rec, kinds, opt, values, at, null)
		}
		if br != nil {
			if err := bad.add(*br); err != nil {
				return nil, err
			}
			continue
		}
		for i, k := range kinds {
			switch {
			case null[i]:
				b.Field(i).AppendNull()
			case k == textKind:
				b.Field(i).(*array.StringBuilder).Append(rec[i])
			case k == timeKind:
				b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(at[i]))
			default:
				b.Field(i).(*array.Float64Builder).Append(values[i])
			}
		}
		n++
	}
	return b.NewRecord(), nil
}

// parse fills values, times (in microseconds) and null from one record.
func (t *csvTable) parse(rec []string, kinds []columnKind, opt *Options, values []float64, at []int64, null []bool) *BadRow {
	problem := func(i int, what string) *BadRow {
		line, _ := t.r.FieldPos(i)
		return &BadRow{File: t.file, Row: t.row, Line: line, Column: t.header[i], Problem: what}
	}
	for i, c := range rec {
		if null[i] = opt.isMissing(c); null[i] {
			continue
		}
		switch kinds[i] {
		case textKind:
			if !utf8.ValidString(c) {
				return problem(i, "the text is not valid UTF-8")
			}
		case labelKind:
			x, ok := opt.parseLabel(c)
			if !ok {
				return problem(i, labelProblem)
			}
			values[i] = x
		case timeKind:
			x, ok := parseTime(c)
			if !ok {
				return problem(i, "not a time: want 2006-01-02, 2006-01-02 15:04:05 or 2006-01-02T15:04:05Z")
			}
			at[i] = x.UnixMicro()
		default:
			x, ok := parseNumber(c)
			if !ok {
				return problem(i, "not a finite number, in a column of numbers (if it is text, the plan's field wants kind: text; Options.Text)")
			}
			values[i] = x
		}
	}
	return nil
}

var errRecordTooLong = errors.New("a record is too long; is a quotation mark left open?")

// recordLimit bounds what the CSV reader takes between two records, so that an
// open quotation mark cannot swallow the file into memory.
type recordLimit struct {
	r   io.Reader
	n   int
	max int
}

func (l *recordLimit) reset() { l.n = 0 }

// Read implements io.Reader.
func (l *recordLimit) Read(p []byte) (int, error) {
	if l.n > l.max {
		return 0, errRecordTooLong
	}
	n, err := l.r.Read(p)
	l.n += n
	return n, err
}
