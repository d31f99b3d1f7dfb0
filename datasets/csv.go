// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay"
)

// rowSource gives the rows of a text file or of a sheet, one after the other.
type rowSource interface {
	// Read returns the next row, valid until the next call, or io.EOF.
	Read() ([]string, error)
	// Line is the line, in the file, of a cell of the row read last.
	Line(cell int) int
}

// cellTable reads the records of one text file or sheet, and counts its rows.
type cellTable struct {
	file    string
	rows    rowSource
	header  []string     // of the columns that are kept
	cells   int          // of the file's header
	keep    []int        // cell of each kept column, nil: all are
	empty   int          // a cell without a name that must be empty, -1: none
	leftOut []ColumnNote // columns that are no data
	kept    []string
	row     int
}

// openCSV finds out how the text is written and reads the header.
func openCSV(file string, src io.Reader, opt *Options) (*cellTable, error) {
	text, err := plainText(file, src)
	if err != nil {
		return nil, err
	}
	mark, err := separator(text)
	if err != nil {
		return nil, err
	}
	return openRows(file, newCSVRows(text, mark, 4*opt.MaxCell+1<<20), opt)
}

// openRows reads the header of a table of cells.
func openRows(file string, rows rowSource, opt *Options) (*cellTable, error) {
	t := &cellTable{file: file, rows: rows, empty: -1}
	head, err := rows.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &BadRow{File: file, Problem: "the file is empty; a header row was expected"}
		}
		if errors.Is(err, assay.ErrCorrupt) || errors.Is(err, assay.ErrInvalid) {
			return nil, err
		}
		return nil, &BadRow{File: file, Problem: "the header row cannot be read: " + csvProblem(err)}
	}
	if len(head) > MaxColumns {
		return nil, &BadRow{File: file,
			Problem: fmt.Sprintf("%d columns, at most %d are allowed", len(head), MaxColumns)}
	}
	t.cells = len(head)
	seen := make(map[string]bool, len(head))
	for i, h := range head {
		h = strings.TrimSpace(h)
		switch {
		case h == "" && i == 0 && len(head) > 1:
			t.leaveOut(i, ColumnNote{LeftOut: true, Note: "the first column has no name: row names of a data frame"})
			continue
		case h == "" && i > 1 && i == len(head)-1:
			t.leaveOut(i, ColumnNote{LeftOut: true, Note: "the last column has neither a name nor cells"})
			t.empty = i
			continue
		case h == "":
			return nil, &BadRow{File: file,
				Problem: fmt.Sprintf("header cell %d is empty: give the column a name", i+1)}
		case !utf8.ValidString(h):
			return nil, &BadRow{File: file,
				Problem: fmt.Sprintf("header cell %d is not UTF-8: save the file as UTF-8 (iconv "+
					"-f WINDOWS-1252 -t UTF-8)", i+1)}
		case len(h) > 256:
			return nil, &BadRow{File: file,
				Problem: fmt.Sprintf("header cell %d is longer than 256 bytes: is the first row a "+
					"header?", i+1)}
		case seen[h]:
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("the header names column %q twice: rename one", h)}
		case isIndexName(h) && !opt.reads(h):
			t.leaveOut(i, ColumnNote{Column: strings.Clone(h), LeftOut: true, Note: indexNote})
			continue
		}
		seen[h] = true
		t.header = append(t.header, strings.Clone(h))
		if t.keep != nil {
			t.keep = append(t.keep, i)
		}
	}
	if len(t.header) == 0 {
		return nil, &BadRow{File: file, Problem: "no column has a name: a header row was expected"}
	}
	return t, nil
}

// leaveOut leaves a cell out of the rows.
func (t *cellTable) leaveOut(cell int, note ColumnNote) {
	if t.keep == nil {
		t.keep = make([]int, 0, t.cells)
		for i := range t.header {
			t.keep = append(t.keep, i)
		}
	}
	t.leftOut = append(t.leftOut, note)
}

const indexNote = "a data frame's index: the row's place in a table, and no property of it"

// isIndexName knows the names that pandas gives to an index without one.
func isIndexName(name string) bool {
	for _, prefix := range []string{"__index_level_", "Unnamed: "} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			rest = strings.TrimSuffix(strings.TrimSuffix(rest, "__"), ".1")
			return rest != "" && allDigits(rest) && (prefix != "Unnamed: " || rest == "0")
		}
	}
	return false
}

// next returns the next record, which is valid until the next call, or a bad
// row, or io.EOF, or an error that ends the reading.
func (t *cellTable) next(opt *Options) ([]string, *BadRow, error) {
	rec, err := t.rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, io.EOF
	}
	t.row++
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe):
		return nil, &BadRow{File: t.file, Row: t.row, Line: pe.StartLine, Problem: csvProblem(err)}, nil
	case errors.Is(err, errRecordTooLong):
		return nil, nil, &BadRow{File: t.file, Row: t.row, Line: t.rows.Line(0), Problem: err.Error()}
	case errors.Is(err, assay.ErrCorrupt), errors.Is(err, assay.ErrInvalid): // it names the file
		return nil, nil, err
	case err != nil:
		return nil, nil, fmt.Errorf("%s: row %d: %w", t.file, t.row, err)
	}
	if int64(t.row) > opt.MaxRows {
		return nil, nil, &BadRow{File: t.file, Row: t.row, Problem: fmt.Sprintf("more than %d rows", opt.MaxRows)}
	}
	if len(rec) != t.cells {
		return nil, &BadRow{File: t.file, Row: t.row, Line: t.rows.Line(0),
			Problem: fmt.Sprintf("%d cells, the header has %d", len(rec), t.cells)}, nil
	}
	if t.empty >= 0 && strings.TrimSpace(rec[t.empty]) != "" {
		return nil, &BadRow{File: t.file, Row: t.row, Line: t.rows.Line(t.empty),
			Problem: "the last cell has no name in the header"}, nil
	}
	if t.keep != nil {
		t.kept = t.kept[:0]
		for _, i := range t.keep {
			t.kept = append(t.kept, rec[i])
		}
		rec = t.kept
	}
	for i, c := range rec {
		if len(c) > opt.MaxCell {
			return nil, &BadRow{File: t.file, Row: t.row, Line: t.line(i), Column: t.header[i],
				Problem: fmt.Sprintf("a cell of %d bytes, at most %d are allowed", len(c), opt.MaxCell)}, nil
		}
	}
	return rec, nil, nil
}

// line is the line of a kept column's cell in the row read last.
func (t *cellTable) line(column int) int {
	if t.keep != nil {
		column = t.keep[column]
	}
	return t.rows.Line(column)
}

func csvProblem(err error) string {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return "not CSV: " + pe.Err.Error()
	}
	return err.Error()
}

// parseNumber reads a finite decimal number; spaces around it are allowed, and
// the minus of typesetters is one.
func parseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "\u2212"); ok && rest != "" && rest[0] != '-' && rest[0] != '+' {
		s = "-" + rest
	}
	if s == "" || s[len(s)-1] > '9' && s[len(s)-1] != 'e' || strings.ContainsAny(s, "xXpP_nNiI") {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, false
	}
	return x, true
}

// boolWord reads true and false in any case.
func boolWord(s string) (value, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// readBatch reads up to maxRows good rows into one record; io.EOF goes with the
// last, which may be empty.
func readBatch(ctx context.Context, t *cellTable, columns []columnReading, opt *Options, bad *badRows,
	maxRows int) (arrow.Record, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(t.header, kindsOfReadings(columns)))
	defer b.Release()
	values, at, null := make([]float64, len(columns)), make([]int64, len(columns)), make([]bool, len(columns))
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
			br = t.parse(rec, columns, opt, values, at, null)
		}
		if br != nil {
			if err := bad.add(*br); err != nil {
				return nil, err
			}
			continue
		}
		for i := range columns {
			switch k := columns[i].kind; {
			case null[i]:
				b.Field(i).AppendNull()
			case k == textKind:
				b.Field(i).(*array.StringBuilder).Append(rec[i])
			case k == flagKind:
				b.Field(i).(*array.StringBuilder).Append(strconv.FormatBool(values[i] == 1))
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
func (t *cellTable) parse(rec []string, columns []columnReading, opt *Options, values []float64, at []int64,
	null []bool) *BadRow {
	for i, c := range rec {
		r := &columns[i]
		if null[i] = opt.isMissing(r.name, c, r.kind); null[i] {
			continue
		}
		what := ""
		if values[i], at[i], what = r.parse(c, opt); what == "" {
			continue
		}
		if null[i] = r.kind != labelKind && opt.ignores(r.name); !null[i] {
			return &BadRow{File: t.file, Row: t.row, Line: t.line(i), Column: r.name, Problem: what}
		}
	}
	return nil
}

// parse reads a cell as the number, or the time in microseconds, that the column
// wants; problem says why it cannot.
func (r *columnReading) parse(cell string, opt *Options) (x float64, at int64, problem string) {
	ok := true
	switch r.kind {
	case textKind:
		if !utf8.ValidString(cell) {
			problem = "the text is not valid UTF-8: save the file as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8)"
		}
	case labelKind:
		if x, ok = opt.parseLabel(cell); !ok {
			problem = labelProblem
		}
	case timeKind:
		t, ok := parseTime(cell)
		if !ok {
			return 0, 0, "not a time: want 2006-01-02, 2006-01-02 15:04:05 or 2006-01-02T15:04:05Z"
		}
		at = t.UnixMicro()
	default:
		if x, ok = r.number(cell); !ok {
			problem = r.notNumber(cell)
		}
	}
	return x, at, problem
}

// csvRows reads rows of CSV.
type csvRows struct {
	r     *csv.Reader
	limit *recordLimit
	last  int // line of the row read last
}

func newCSVRows(src io.Reader, mark rune, max int) *csvRows {
	c := &csvRows{limit: &recordLimit{r: src, max: max}}
	c.r = csv.NewReader(c.limit)
	c.r.Comma, c.r.FieldsPerRecord, c.r.ReuseRecord = mark, -1, true
	return c
}

// Read implements rowSource.
func (c *csvRows) Read() ([]string, error) {
	rec, err := c.r.Read()
	c.limit.reset()
	if err == nil {
		c.last, _ = c.r.FieldPos(0)
	}
	return rec, err
}

// Line implements rowSource: of a row that could not be read, the line of the
// one before.
func (c *csvRows) Line(cell int) int {
	if cell == 0 {
		return c.last
	}
	line, _ := c.r.FieldPos(cell)
	return line
}

var errRecordTooLong = errors.New("the record after this line is too long; is a quotation mark left open?")

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
