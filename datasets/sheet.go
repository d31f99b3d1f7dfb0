// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/assayrisk/assay/internal/nearest"
)

// A sheet is read as a CSV file is: its first row with cells is the header.
// Numbers are taken as they are stored, with all their digits, and not as they
// are shown; numbers that are shown as dates are times, as a text.

// sheetRows reads the rows of one sheet of an XLSX workbook.
type sheetRows struct {
	file     string
	book     *excelize.File
	sheet    string
	rows     *excelize.Rows
	line     int  // number of the row read last
	cells    int  // of the header, 0 before it is read
	date1904 bool // days are counted from 1904
	dates    map[int]bool
	rec      []string
}

// openSheet opens a workbook and reads the header of the sheet.
func openSheet(file string, b []byte, opt *Options) (t *cellTable, err error) {
	defer recoverAsDamaged(file, &err)
	if err := refuseArchive(file, b); err != nil {
		return nil, err
	}
	book, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{RawCellValue: true,
		UnzipSizeLimit: opt.MaxBytes, UnzipXMLSizeLimit: opt.MaxBytes})
	if err != nil {
		return nil, damaged(file, err)
	}
	s := &sheetRows{file: file, book: book, dates: map[int]bool{}}
	if props, err := book.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		s.date1904 = *props.Date1904
	}
	if s.sheet, err = s.chooseSheet(file, opt.Sheet); err != nil {
		return nil, err
	}
	if s.rows, err = book.Rows(s.sheet); err != nil {
		return nil, damaged(file, err)
	}
	return openRows(file, s, opt)
}

// refuseArchive names ZIP archives that are no workbooks.
func refuseArchive(file string, b []byte) error {
	what := ""
	switch {
	case bytes.Contains(b, []byte("xl/workbook.bin")):
		what = "a binary workbook (.xlsb), which is not read: save it as .xlsx"
	case bytes.Contains(b, []byte("application/vnd.oasis.opendocument")):
		what = "an OpenDocument spreadsheet, which is not read: save it as .xlsx, or as CSV"
	case !bytes.Contains(b, []byte("xl/workbook.xml")):
		what = "a ZIP archive and no workbook: unzip it"
	default:
		return nil
	}
	return &BadRow{File: file, Problem: "this is " + what}
}

// chooseSheet finds the sheet: the one that is named, or the only one with cells.
func (s *sheetRows) chooseSheet(file, name string) (string, error) {
	all := s.book.GetSheetList()
	if name != "" {
		if !slices.Contains(all, name) {
			return "", &BadRow{File: file, Problem: fmt.Sprintf("there is no sheet %q; the sheets are %s%s", name,
				listSome(all), nearest.Hint(name, all))}
		}
		return name, nil
	}
	var filled []string
	for _, sheet := range all {
		rows, err := s.book.Rows(sheet)
		if err != nil {
			continue // a sheet of charts
		}
		for rows.Next() {
			if cells, err := rows.Columns(); err == nil && len(cells) > 0 {
				filled = append(filled, sheet)
				break
			}
		}
		if err := rows.Close(); err != nil {
			return "", damaged(file, err)
		}
	}
	switch len(filled) {
	case 0:
		return "", &BadRow{File: file, Problem: "no sheet of the workbook has cells"}
	case 1:
		return filled[0], nil
	}
	return "", &BadRow{File: file, Problem: fmt.Sprintf("%d sheets have cells (%s): say which one by --sheet "+
		"(Options.Sheet)", len(filled), listSome(filled))}
}

// Read implements rowSource. Rows without cells are left out.
func (s *sheetRows) Read() (rec []string, err error) {
	defer recoverAsDamaged(s.file, &err)
	for s.rows.Next() {
		s.line++
		cells, err := s.rows.Columns()
		if err != nil {
			return nil, damaged(s.file, err)
		}
		s.rec = s.rec[:0]
		last := 0
		for i, raw := range cells {
			c, err := s.cell(i, raw)
			if err != nil {
				var bad *BadRow
				if errors.As(err, &bad) {
					return nil, err
				}
				return nil, damaged(s.file, err)
			}
			if s.rec = append(s.rec, c); c != "" {
				last = i + 1
			}
		}
		if last == 0 {
			continue
		}
		if s.cells == 0 {
			s.cells = last
		}
		for len(s.rec) < s.cells {
			s.rec = append(s.rec, "")
		}
		return s.rec[:max(last, s.cells)], nil
	}
	if err := s.rows.Error(); err != nil {
		return nil, damaged(s.file, err)
	}
	return nil, io.EOF
}

// Line implements rowSource: rows of a sheet are numbered as lines are.
func (s *sheetRows) Line(int) int { return s.line }

// cell is a cell as the text that a CSV file would have.
func (s *sheetRows) cell(column int, raw string) (string, error) {
	name, err := excelize.CoordinatesToCellName(column+1, s.line)
	if err != nil {
		return "", err
	}
	if raw == "" {
		if formula, err := s.book.GetCellFormula(s.sheet, name); err == nil && formula != "" {
			return "", &BadRow{File: s.file, Row: s.line,
				Problem: "cell " + name + " is a formula without a stored value: open the " +
					"workbook in a spreadsheet program and save it"}
		}
		return "", nil
	}
	x, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsNaN(x) {
		return raw, nil
	}
	switch kind, err := s.book.GetCellType(s.sheet, name); {
	case err != nil:
		return "", err
	case kind == excelize.CellTypeBool:
		return strconv.FormatBool(x != 0), nil
	case kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString ||
		kind == excelize.CellTypeDate:
		return raw, nil
	}
	if date, err := s.isDate(name); err != nil || !date {
		return raw, err
	}
	t, err := excelize.ExcelDateToTime(x, s.date1904)
	if err != nil {
		return raw, nil
	}
	if t = t.Round(time.Millisecond); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly), nil
	}
	return t.Format(time.RFC3339Nano), nil
}

// isDate reports whether a number is shown as a date.
func (s *sheetRows) isDate(cell string) (bool, error) {
	id, err := s.book.GetCellStyle(s.sheet, cell)
	if err != nil {
		return false, err
	}
	if date, ok := s.dates[id]; ok {
		return date, nil
	}
	style, err := s.book.GetStyle(id)
	if err != nil {
		return false, err
	}
	date := style.NumFmt >= 14 && style.NumFmt <= 17 || style.NumFmt == 22 ||
		style.NumFmt >= 27 && style.NumFmt <= 36 ||
		style.NumFmt >= 50 && style.NumFmt <= 58
	if style.CustomNumFmt != nil {
		date = datePattern(*style.CustomNumFmt)
	}
	s.dates[id] = date
	return date, nil
}

// datePattern reports whether a custom format shows a year or a day: quoted
// texts, colours and locales aside.
func datePattern(format string) bool {
	var b strings.Builder
	quoted, bracket := false, false
	for _, r := range strings.ToLower(format) {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '[' && !quoted:
			bracket = true
		case r == ']' && !quoted:
			bracket = false
		case !quoted && !bracket:
			b.WriteRune(r)
		}
	}
	return strings.ContainsAny(b.String(), "yd") && !strings.Contains(b.String(), "0") && !strings.Contains(b.String(),
		"#")
}

// readSheet reads a workbook into memory.
func readSheet(ctx context.Context, file string, b []byte, opt Options) (*Frame, error) {
	return readRows(ctx, file, func() (*cellTable, error) { return openSheet(file, b, &opt) }, opt)
}
