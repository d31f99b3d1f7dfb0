// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/assayrisk/assay/internal/numfmt"
)

func TestSheetNames(t *testing.T) {
	t.Parallel()
	s := sheetNames{}
	for _, c := range [][2]string{{"Rows", "Rows"}, {"rows", "rows 2"}, {"Bad rate by a/b", "Bad rate by a b"},
		{"Swap set against a very long model name", "Swap set against a very long mo"},
		{"Swap set against a very long model name", "Swap set against a very long  2"},
		{"", "Table"}, {"'?'", "Table 2"}, {strings.Repeat("ä", 40), strings.Repeat("ä", 31)},
		{strings.Repeat("😀", 40), strings.Repeat("😀", 15)}, {strings.Repeat("😀", 40), strings.Repeat("😀", 14) + " 2"},
	} {
		if got := s.of(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
}

// book writes a report of one table and reads it again.
func book(t *testing.T, tables ...Table) *excelize.File {
	t.Helper()
	r := &Report{Sections: []Section{{ID: "s", Title: "S"}}}
	for _, table := range tables {
		r.Sections[0].AddTable(table)
	}
	var b bytes.Buffer
	if err := r.WriteXLSX(&b); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestTextsInTheWorkbook: texts of data are texts, whatever they look like; what
// XML cannot hold is replaced, and what a cell cannot hold is cut.
func TestTextsInTheWorkbook(t *testing.T) {
	t.Parallel()
	cells := [][2]string{{"=1+1", "=1+1"}, {"=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"}, {"+1", "+1"}, {"-1", "-1"},
		{"@SUM(A1)", "@SUM(A1)"}, {"1e5", "1e5"}, {"2026-01-02", "2026-01-02"}, {"007", "007"},
		{"<a>&\"b\"", "<a>&\"b\""},
		{"two\nlines", "two\nlines"}, {" edges ", " edges "}, {"a\x00b\x0b", "a\ufffdb\ufffd"},
		{"bad\xff", "bad\ufffd"},
		{strings.Repeat("x", 40_000), strings.Repeat("x", 32_767)}}
	table := Table{Title: "Hostile", Caption: "=2+2", Columns: []Column{{Name: "=3+3"}}}
	for _, c := range cells {
		table.Rows = append(table.Rows, []Cell{Words(c[0])})
	}
	f := book(t, table)
	for k, want := range append([][2]string{{"", "Hostile"}, {"", "=2+2"}, {"", "=3+3"}}, cells...) {
		at := fmt.Sprintf("A%d", k+1)
		got, err := f.GetCellValue("Hostile", at)
		if err != nil || got != want[1] {
			t.Errorf("%s holds %.40q, want %.40q (%v)", at, got, want[1], err)
		}
		if formula, err := f.GetCellFormula("Hostile", at); formula != "" || err != nil {
			t.Errorf("%s is the formula %q (%v)", at, formula, err)
		}
		kind, err := f.GetCellType("Hostile", at)
		if err != nil || kind != excelize.CellTypeSharedString && kind != excelize.CellTypeInlineString {
			t.Errorf("%s, %.40q, is of type %v (%v)", at, got, kind, err)
		}
	}
}

// TestNumbersInTheWorkbook: they are numbers, not rounded as on the page; what is
// not defined is an empty cell.
func TestNumbersInTheWorkbook(t *testing.T) {
	t.Parallel()
	f := book(t, Table{Title: "Numbers", Columns: []Column{{Name: "Share", Unit: "of rows", Format: numfmt.Percent}},
		Rows: [][]Cell{{Value(1.0 / 3)}, {Value(-0.5).As(numfmt.Fixed2)}, {Value(1e-5)}, {Count(1_234_567)},
			{Value(math.NaN())}, {Value(math.Inf(1))}, {Optional(nil)}, {Optional(numfmt.Pointer(0))}}})
	for k, want := range []string{"Share, of rows", "0.333333333333333", "-0.5", "0.00001", "1234567", "", "",
		"", "0"} {
		at := fmt.Sprintf("A%d", k+3)
		got, err := f.GetCellValue("Numbers", at, excelize.Options{RawCellValue: true})
		if err != nil || got != want {
			t.Errorf("%s holds %q, want %q (%v)", at, got, want, err)
		}
		if kind, _ := f.GetCellType("Numbers", at); k > 0 && kind != excelize.CellTypeUnset &&
			kind != excelize.CellTypeNumber && want != "" {
			t.Errorf("%s, %q, is of type %v", at, got, kind)
		}
	}
}

// TestEveryTableHasASheet, empty ones and those of one title, in the report's order.
func TestEveryTableHasASheet(t *testing.T) {
	t.Parallel()
	f := book(t, Table{Title: "Rows"}, Table{Title: "rows"}, Table{}, Table{Title: "Verdicts"})
	if got := fmt.Sprintf("%q", f.GetSheetList()); got !=
		`["Verdicts" "Metrics" "Rows" "rows 2" "Table" "Verdicts 2"]` {
		t.Errorf("sheets %s", got)
	}
}
