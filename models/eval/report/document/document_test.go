// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
)

// small is a report with one of everything.
func small() *Report {
	s := Section{ID: "sample", Title: "Sample", Introduction: "What was evaluated."}
	s.AddText("%d rows", 7)
	s.AddFinding("A finding.")
	s.AddHeading("Purpose", "To test <b>.")
	s.AddTable(Table{Title: "Rows", Caption: "What a row is.",
		Columns: []Column{{Name: "Set"}, {Name: "Share", Format: numfmt.Percent}, {Name: "Loss", Unit: "EUR"}},
		Rows: [][]Cell{{Words("<evaluated>"), Value(0.25), Count(1200)},
			{Words("training"), Value(math.NaN()), Value(2).As(numfmt.Fixed2)}}})
	s.AddFigure(chart.Figure{ID: "f", Title: "Figure", X: chart.Axis{Label: "x"}, Y: chart.Axis{Label: "y"},
		Series: []chart.Series{{Mark: chart.Line, X: chart.Positions(2), Y: chart.Positions(2)}}})
	estimate := eval.Estimate{Value: 0.8, Low: 0.7, High: numfmt.NaN(), N: 7, Chance: numfmt.Pointer(0.5)}
	return &Report{Schema: Schema, Title: "A <model>", N: 7, Headline: []string{"Know this."},
		Metrics: []eval.Metric{{Name: "auc", Estimate: estimate}},
		Verdicts: []Verdict{{Question: "Enough?", Light: CannotTell, Finding: "few",
			Threshold: "–", Section: "sample"}},
		Sections: []Section{s, {ID: "stress", Title: "Stress", Absent: "It takes a model."}}}
}

func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := small().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var r struct {
		Metrics  []map[string]any
		Sections []struct {
			Lead   string
			Absent string
			Blocks []map[string]map[string]any
		}
		Verdicts []map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if m := r.Metrics[0]; m["value"] != 0.8 || m["high"] != nil || m["chance"] != 0.5 || m["corrected"] != nil {
		t.Errorf("metric %v", m)
	}
	if r.Sections[0].Lead != "What was evaluated." || len(r.Sections[0].Blocks) != 5 || r.Sections[1].Absent == "" {
		t.Errorf("sections %+v", r.Sections)
	}
	rows := fmt.Sprint(r.Sections[0].Blocks[3]["table"]["rows"])
	if rows != "[[<evaluated> 0.25 1200] [training <nil> 2]]" {
		t.Errorf("rows %s", rows)
	}
	if grounds := r.Verdicts[0]["grounds"].(map[string]any); len(grounds) != 4 {
		t.Errorf("grounds have the keys %v", grounds)
	}
}

func TestReportAsPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := small().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"A &lt;model&gt;", "&lt;evaluated&gt;", "25.0\u00a0%", "1\u202f200", ">–<", ">2.00<",
		"1. Sample", "2. Stress", "Not assessed in this report. It takes a model.", "To test &lt;b&gt;.",
		`<span class="light cannot-tell">`, "<svg ", "Know this.", "section 1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"<evaluated>", "A <model>", "NaN", "{{", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestReportAsWorkbook(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := small().WriteXLSX(&b); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(book.GetSheetList()); got != "[Verdicts Metrics Rows]" {
		t.Errorf("sheets %s", got)
	}
	rows, err := book.GetRows("Rows")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(rows[2:]); got != "[[Set Share Loss, EUR] [<evaluated> 0.25 1200] [training  2]]" {
		t.Errorf("rows %s", got)
	}
}

// full disk: every writer says so.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestWritersReportErrors(t *testing.T) {
	t.Parallel()
	r := small()
	for name, err := range map[string]error{"report.json": r.WriteJSON(failing{}),
		"report.html": r.WriteHTML(failing{}),
		"report.xlsx": r.WriteXLSX(failing{})} {
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := PDF(t.Context(), filepath.Join(t.TempDir(), "none.html"), "x.pdf"); err == nil {
		t.Error("a page that is not there was printed")
	}
}

// TestDigest is that of the JSON, and of nothing that JSON leaves out.
func TestDigest(t *testing.T) {
	t.Parallel()
	a, err := small().Digest()
	if err != nil {
		t.Fatal(err)
	}
	r := small()
	r.Verdicts[0].Grounds.Certain = true
	if b, _ := r.Digest(); a != b {
		t.Error("what is not in report.json is in its digest")
	}
	r.Title = "another"
	if b, _ := r.Digest(); a == b {
		t.Error("two reports have one digest")
	}
}

func TestMetricByName(t *testing.T) {
	t.Parallel()
	if m, ok := small().Metric("auc"); !ok || m.Value != 0.8 {
		t.Errorf("%+v, %v", m, ok)
	}
	if m, ok := small().Metric("none"); ok || m.Value.Defined() {
		t.Errorf("%+v, %v", m, ok)
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		c           Cell
		json, print string
		numeric     bool
	}{
		{Words("a<b"), `"a\u003cb"`, "a<b", false},
		{Value(0.5), "0.5", "50.0 %", true},
		{Value(0.5).As(numfmt.Fixed2), "0.5", "0.50", true},
		{Count(3), "3", "300.0 %", true},
		{Value(math.NaN()), "null", "–", true},
		{Optional(nil), `""`, "", false},
		{Optional(numfmt.Pointer(1)), "1", "100.0 %", true},
		{Phrase(Piece{Words: "kind is", Names: []string{"a", "b"}}, Piece{Words: "or new"}), `"kind is a, b or new"`,
			"kind is a, b or new", false},
	} {
		b, err := json.Marshal(tc.c)
		if err != nil || string(b) != tc.json || tc.c.Print(numfmt.Percent) != tc.print ||
			tc.c.Numeric() != tc.numeric {
			t.Errorf("%s, %q, %v; want %s, %q", b, tc.c.Print(numfmt.Percent), err, tc.json, tc.print)
		}
	}
	if Words("x").Text() != "x" || Value(2).Number() != 2 || Value(2).Text() != "" {
		t.Error("a cell does not hold what it was made from")
	}
}

func TestLongLists(t *testing.T) {
	t.Parallel()
	names := strings.Split("a b c d e f g h i", " ")
	if got := FirstFew(names); got != "a, b, c, d, e and 4 more" {
		t.Errorf("in a sentence: %s", got)
	}
	if got := FirstFew(names[:listWhole]); got != "a, b, c, d, e, f, g, h" {
		t.Errorf("a short list in a sentence: %s", got)
	}
	if got := list(names); !strings.Contains(string(got), "<summary>and 4 more</summary>f, g, h, i</details>") {
		t.Errorf("on the page: %s", got)
	}
	if got := list(names[:listWhole]); strings.Contains(string(got), "<details") {
		t.Errorf("a short list is cut: %s", got)
	}
}

func TestWordsBreakWhereTheyMay(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]template.HTML{
		"a_b":           "a_<wbr>b",
		"5 %":           "5\u00a0%",
		"on 2026-01-02": `on <span class="date">2026-01-02</span>`,
		"in 2026-01":    `in <span class="date">2026-01</span>`,
		"<i>":           "&lt;i&gt;",
	} {
		if got := words(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestColumnsWithoutTextAreNotShown, and are in the table all the same.
func TestColumnsWithoutTextAreNotShown(t *testing.T) {
	t.Parallel()
	table := &Table{Columns: []Column{{Name: "a"}, {Name: "empty"}, {Name: "b"}},
		Rows: [][]Cell{{Words("x"), Words(""), Value(1)}, {Words("y"), Words(""), Value(2)}}}
	if v := visible(table); len(v.Columns) != 2 || len(v.Rows[0]) != 2 || v.Columns[1].Name != "b" ||
		len(table.Columns) != 3 {
		t.Errorf("%+v", v)
	}
	if empty := (&Table{Columns: table.Columns}); visible(empty) != empty {
		t.Error("a table without rows lost its columns")
	}
}

func TestTablesOnThePage(t *testing.T) {
	t.Parallel()
	long := Words(strings.Repeat("long text ", 9))
	if !stacked(&Table{Rows: [][]Cell{{long, long}}}) || stacked(&Table{Rows: [][]Cell{{long, Words("x")}}}) {
		t.Error("rows with two long texts, and no others, are stacked on a phone")
	}
	table := &Table{Rows: [][]Cell{{Words("x"), Value(1)}}}
	if rightAligned(table, 0) || !rightAligned(table, 1) || rightAligned(table, 5) {
		t.Error("columns of numbers, and no others, are aligned to the right")
	}
	for want, c := range map[string]Cell{"num": Value(1), "long": long, "words": Words("more than twenty letters"),
		"": Words("x")} {
		if got := cellClass(c); got != want {
			t.Errorf("%q has the class %q, want %q", c.Text(), got, want)
		}
	}
}

func TestLightsAndGrounds(t *testing.T) {
	t.Parallel()
	order := []Light{Pass, Look, CannotTell, Fail}
	for i, a := range order {
		for j, b := range order {
			if a.WorseThan(b) != (i > j) {
				t.Errorf("%s is worse than %s: %v", a, b, a.WorseThan(b))
			}
		}
	}
	for _, tc := range []struct {
		g      Grounds
		enough bool
		words  string
	}{
		{Grounds{LeastRows: 1}, false, "nothing was measured, as the input was not given"},
		{Grounds{Rows: 1500, Bad: 20, LeastOfClass: 10}, true,
			"based on 1\u202f500 rows, 20 bad; needs 10 bad and 10 good"},
		{Grounds{Rows: 25, Bad: 20, LeastOfClass: 10}, false,
			"based on 25 rows, 20 bad; needs 10 bad and 10 good"},
		{Grounds{Rows: 99, LeastRows: 100, Of: "training rows"}, false,
			"based on 99 rows (training rows); needs at least 100"},
		{Grounds{Rows: 5}, true, "based on 5 rows; needs at least 1"},
	} {
		if tc.g.Enough() != tc.enough || tc.g.String() != tc.words {
			t.Errorf("%+v: %v, %q", tc.g, tc.g.Enough(), tc.g.String())
		}
	}
}
