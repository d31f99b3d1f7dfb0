// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/assayrisk/assay/internal/numfmt"
)

// WriteXLSX writes an Excel workbook: the verdicts, the metrics, and a sheet for
// every table of the report, with its caption. Numbers keep fifteen digits, as many
// as a spreadsheet holds, also where the page rounds them or shows a percentage; an
// undefined number is an empty cell. No cell is a formula.
func (r *Report) WriteXLSX(w io.Writer) error {
	book := excelize.NewFile()
	names := sheetNames{}
	verdicts := Table{Title: "Verdicts", Caption: strings.Join(r.Headline, " "),
		Columns: []Column{{Name: "Light"}, {Name: "Question"}, {Name: "Finding"},
			{Name: "Thresholds"}, {Name: "Based on"}}}
	for _, v := range r.Verdicts {
		verdicts.Rows = append(verdicts.Rows,
			[]Cell{Words(string(v.Light)), Words(v.Question), Words(v.Finding), Words(v.Threshold),
				Words(v.Grounds.String())})
	}
	metrics := Table{Title: "Metrics", Caption: "Every statistic under its name in report.json.",
		Columns: []Column{{Name: "Name"}, {Name: "Value"}, {Name: "95 % from"}, {Name: "to"},
			{Name: "Corrected for bias"},
			{Name: "By chance"}, {Name: "Rows"}, {Name: "Interval method"}}}
	for _, m := range r.Metrics {
		metrics.Rows = append(metrics.Rows,
			[]Cell{Words(m.Name), Value(float64(m.Value)), Value(float64(m.Low)),
				Value(float64(m.High)), Optional(m.Corrected),
				Optional(m.Chance), Count(m.N), Words(m.Method)})
	}
	all := []*Table{&verdicts, &metrics}
	for _, s := range r.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil {
				all = append(all, b.Table)
			}
		}
	}
	for k, t := range all {
		name := names.of(t.Title)
		var err error
		if k == 0 {
			err = book.SetSheetName(book.GetSheetName(0), name)
		} else {
			_, err = book.NewSheet(name)
		}
		if err == nil {
			err = writeSheet(book, name, t)
		}
		if err != nil {
			return fmt.Errorf("write report.xlsx: the table %s: %w", t.Title, err)
		}
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("write report.xlsx: %w", err)
	}
	return book.Close()
}

// writeSheet writes title, caption and column heads above the rows.
func writeSheet(book *excelize.File, sheet string, t *Table) error {
	heads := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Name
		if c.Unit != "" {
			heads[i] = c.Name + ", " + c.Unit
		}
	}
	lines := [][]any{{t.Title}, {t.Caption}, heads}
	for _, row := range t.Rows {
		line := make([]any, len(row))
		for i, c := range row {
			switch {
			case c.numeric && c.number.Defined():
				line[i] = float64(c.number)
			case !c.numeric:
				line[i] = c.text
			}
		}
		lines = append(lines, line)
	}
	for k, line := range lines {
		if err := book.SetSheetRow(sheet, fmt.Sprintf("A%d", k+1), &line); err != nil {
			return err
		}
	}
	return nil
}

// sheetNames are the names in use in a workbook, in lower case: at most 31 units of
// UTF-16, not blank, no name twice, regardless of case.
type sheetNames map[string]bool

func (s sheetNames) of(title string) string {
	const most = 31
	clean := strings.Map(func(c rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, c) {
			return ' '
		}
		return c
	}, title)
	if strings.TrimSpace(clean) == "" {
		clean = "Table"
	}
	for k := 1; ; k++ {
		end := ""
		if k > 1 {
			end = fmt.Sprintf(" %d", k)
		}
		name := firstUnits(clean, most-len(end)) + end
		if key := strings.ToLower(name); !s[key] {
			s[key] = true
			return name
		}
	}
}

// firstUnits returns the whole characters of s that fit into n units of UTF-16.
func firstUnits(s string, n int) string {
	for i, c := range s {
		if n -= utf16.RuneLen(c); n < 0 {
			return s[:i]
		}
	}
	return s
}

// Optional shows a number that not every statistic has.
func Optional(x *numfmt.Number) Cell {
	if x == nil {
		return Words("")
	}
	return Value(float64(*x))
}
