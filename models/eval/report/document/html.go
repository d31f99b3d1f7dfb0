// SPDX-License-Identifier: Apache-2.0

package document

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
)

//go:embed report.html.tmpl
var page string

//go:embed report.css
var style string

//go:embed report.js
var script string

// contentPolicy allows the page its own style and script, identified by their
// digests, and nothing else. A script in a text that got past the escaping could
// neither run nor send anything.
var contentPolicy = "default-src 'none'; style-src " + source(style) + "; script-src " + source(script) +
	"; base-uri 'none'; form-action 'none'"

// source is an inline style or script in a content security policy.
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// WriteHTML writes the report as one file that needs no network: style, plots
// and the script of the copy buttons are inside it, and it reads the same
// without the script. Text comes from data and is escaped.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		// every text in it is escaped by SVG
		"svg":     func(f *chart.Figure) template.HTML { return template.HTML(f.SVG()) },
		"policy":  func() string { return contentPolicy },
		"style":   func() template.CSS { return template.CSS(style) },
		"script":  func() template.JS { return template.JS(script) },
		"light":   func(l Light) string { return strings.ReplaceAll(string(l), " ", "-") },
		"rests":   func(g Grounds) template.HTML { return words(g.String()) },
		"cell":    func(t *Table, i int, c Cell) template.HTML { return c.show(t.Columns[i].Format) },
		"words":   words,
		"visible": visible,
		"whole":   func(t *Table) bool { return len(t.Rows) <= wholeRows },
		"dense":   func(t *Table) bool { return len(t.Columns) > 8 }, // too wide for a page at full size
		"stacked": stacked,
		"right":   rightAligned,
		"class":   cellClass,
		"heads":   func(column int, c Cell) bool { return column == 0 && !c.numeric && len(c.text) <= 48 },
		"count":   func(n int) string { return numfmt.Count.Print(float64(n)) },
		"where": func(id string) int {
			for i, s := range r.Sections {
				if s.ID == id {
					return i + 1
				}
			}
			return 0
		},
		"title": func(s Section, i int) string { return strconv.Itoa(i+1) + ". " + s.Title },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("report template: %w", err)
	}
	if err := t.Execute(w, r); err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	return nil
}

// wholeRows is the length up to which a printed table stays on one page. A
// longer one may continue on the next page, with its heads repeated, so that no page ends
// half empty.
const wholeRows = 6

// cellClass returns the style of a cell: numbers are aligned to the right, long
// words such as digests may break anywhere.
func cellClass(c Cell) string {
	switch {
	case c.numeric:
		return "num"
	case len(c.text) > 48:
		return "long"
	case len(c.text) > 20:
		return "words"
	}
	return ""
}

// stacked reports whether rows have more than one long text: on a phone each
// such row is a block of lines, since a row as tall as its longest text would be
// empty for the most part of the screen.
func stacked(t *Table) bool {
	for _, r := range t.Rows {
		long := 0
		for _, c := range r {
			if cellClass(c) == "long" {
				long++
			}
		}
		if long > 1 {
			return true
		}
	}
	return false
}

// rightAligned reports whether the column holds numbers, so that its head
// is aligned with them.
func rightAligned(t *Table, column int) bool {
	for _, r := range t.Rows {
		if column < len(r) && r[column].numeric {
			return true
		}
	}
	return false
}
