// SPDX-License-Identifier: Apache-2.0

package document

import (
	"html/template"
	"regexp"
	"strings"
)

// date is a day or a month; lines must not break at its hyphens.
var date = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}(-[0-9]{2})?\b`)

// words escapes a text for the page and controls where its lines may break: after
// an underscore, but not before a percent sign or within a date.
func words(s string) template.HTML {
	s = template.HTMLEscapeString(s)
	s = date.ReplaceAllString(s, `<span class="date">$0</span>`)
	s = strings.ReplaceAll(s, "_", "_<wbr>")
	return template.HTML(strings.ReplaceAll(s, " %", "\u00a0%"))
}

// visible returns the table without the columns that are empty in every row, which
// report.json keeps.
func visible(t *Table) *Table {
	var keep []int
	for i := range t.Columns {
		for _, r := range t.Rows {
			if r[i].numeric || r[i].text != "" {
				keep = append(keep, i)
				break
			}
		}
	}
	if len(keep) == len(t.Columns) || len(t.Rows) == 0 {
		return t
	}
	out := *t
	out.Columns, out.Rows = nil, make([][]Cell, len(t.Rows))
	for _, i := range keep {
		out.Columns = append(out.Columns, t.Columns[i])
		for k, r := range t.Rows {
			out.Rows[k] = append(out.Rows[k], r[i])
		}
	}
	return &out
}
