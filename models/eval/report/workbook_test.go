// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/assayrisk/assay/models/eval/report/document"
)

// TestWorkbookHoldsEveryTable reads the workbook back: every table has a sheet
// with its numbers, by openpyxl where an interpreter is at hand.
func TestWorkbookHoldsEveryTable(t *testing.T) {
	in := full(300, 4)
	in.Features[0].Name = "=1+1"
	r, _, _ := render(t, in)
	var b bytes.Buffer
	if err := r.WriteXLSX(&b); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	want := [][]any{} // title and the first number of each table
	for _, s := range r.Sections {
		for _, block := range s.Blocks {
			if block.Table != nil {
				want = append(want, []any{block.Table.Title, firstNumber(block.Table)})
			}
		}
	}
	sheets := book.GetSheetList()
	if len(sheets) != len(want)+2 {
		t.Fatalf("%d sheets of %d tables: %v", len(sheets), len(want), sheets)
	}
	for k, w := range want {
		title, err := book.GetCellValue(sheets[k+2], "A1")
		if err != nil || title != w[0] {
			t.Errorf("sheet %s holds %q, want %q: %v", sheets[k+2], title, w[0], err)
		}
	}
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Log("ASSAY_PEERS_PYTHON is not set: openpyxl does not read it")
		return
	}
	path := filepath.Join(t.TempDir(), "report.xlsx")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/workbook.py", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got [][]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for k, w := range want {
		x, isNumber := got[k+2][1].(float64)
		y, hasNumber := w[1].(float64)
		if got[k+2][0] != w[0] || isNumber != hasNumber || math.Abs(x-y) > 1e-13*math.Max(1, math.Abs(y)) {
			t.Errorf("openpyxl reads %v, want %v", got[k+2], w)
		}
	}
}

func firstNumber(t *document.Table) any {
	for _, row := range t.Rows {
		for _, c := range row {
			if c.Numeric() && c.Number().Defined() {
				return float64(c.Number())
			}
		}
	}
	return nil
}
