// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// onceInPage returns the only match of the pattern's group, as a browser reads it.
func onceInPage(t *testing.T, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1)
	if len(m) != 1 {
		t.Fatalf("%d matches of %s in report.html, want 1", len(m), pattern)
	}
	return m[0][1]
}

// TestThePageRunsNothingButItsOwn: the policy comes before what it governs,
// names the style and the script by their digests, and nothing lies outside
// of those two: no attribute with style or script, no address to load from.
func TestThePageRunsNothingButItsOwn(t *testing.T) {
	_, page, _ := render(t, full(300, 4))
	policy := html.UnescapeString(onceInPage(t, page, `<meta http-equiv="Content-Security-Policy" content="([^"]*)">`))
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		sum := sha256.Sum256([]byte(onceInPage(t, page, `(?s)<`+tag+`>(.*?)</`+tag+`>`)))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"';"; !strings.Contains(policy+";", want) {
			t.Errorf("the policy %q does not name the inline %s: want %s", policy, tag, want)
		}
		if strings.Index(page, "<"+tag) < strings.Index(page, "Content-Security-Policy") {
			t.Errorf("<%s> comes before the policy", tag)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") ||
		strings.Contains(policy, "*") {
		t.Errorf("the policy %q allows more than the page itself", policy)
	}
	for _, tag := range regexp.MustCompile(`<[a-zA-Z][^>]*>`).FindAllString(page, -1) {
		if at := regexp.MustCompile(
			`\s(style|on[a-z]+|src|srcset|action|srcdoc|xlink:href)\s*=|\shref="[^#]|<(script|style|link|base|iframe|object|embed|img|form)\s`).FindString(tag); at != "" {
			t.Errorf("%s: the policy refuses %q", tag, at)
		}
	}
}

// TestYearsAndCodesAreNotGrouped: 2013 is printed as 2013 in cells, bins and on
// axes, with a code in the place of an unknown year, and amounts keep their
// groups.
func TestYearsAndCodesAreNotGrouped(t *testing.T) {
	in := full(600, 4)
	column := func(name string, at func(i int) float64) {
		values := make([]float64, len(in.Label))
		for i := range values {
			values[i] = at(i)
		}
		in.Features[len(in.Features)-1].Name, in.Features[len(in.Features)-1].Categories = name, nil
		in.Features[len(in.Features)-1].Values, in.Features[len(in.Features)-1].Train = values, values
	}
	for _, c := range []struct {
		name string
		at   func(i int) float64
		want numfmt.Format
	}{
		{"opened", func(i int) float64 { return float64(1990 + i%34) }, numfmt.Code},
		{"year_of_birth", func(i int) float64 { return float64(1940 + i%60) }, numfmt.Code},
		{"opened with gaps", func(i int) float64 {
			return []float64{float64(1990 + i%34), math.NaN()}[i%2]
		}, numfmt.Code},
		{"opened, 9999 unknown", func(i int) float64 {
			if i%30 == 0 {
				return 9999
			}
			return float64(1990 + i%34)
		}, numfmt.Code},
		{"booked", func(i int) float64 { return float64(100*(1990+i%34) + 1 + i%12) }, numfmt.Code},
		{"booked day", func(i int) float64 {
			return float64(10000*(1990+i%34) + 100*(1+i%12) + 1 + i%28)
		}, numfmt.Code},
		{"postCode", func(i int) float64 { return float64(10000 + 131*i) }, numfmt.Code},
		{"Merchant-ID", func(i int) float64 { return float64(10000 + 131*i) }, numfmt.Code},
		{"salary", func(i int) float64 { return float64(1000 + 7*i) }, numfmt.Plain},
		{"income", func(i int) float64 { return 1990.5 + float64(i%34) }, numfmt.Plain},
		{"paid", func(i int) float64 { return float64(10000 + 131*i) }, numfmt.Plain},
	} {
		column(c.name, c.at)
		f := &in.Features[len(in.Features)-1]
		if got := numfmt.FormatOf(f.Name, f.Values); got != c.want {
			t.Errorf("values of %q are printed as %q, want %q", c.name, got, c.want)
			continue
		}
		if c.name != "opened" && c.name != "salary" {
			continue
		}
		_, page, _ := render(t, in)
		years, seen := regexp.MustCompile(`(19|20)\d\d – (19|20)\d\d`), 0
		for _, place := range regexp.MustCompile(`(?s)<tr>.*?</tr>|<figure>.*?</figure>`).FindAllString(page, -1) {
			if !strings.Contains(place, "opened") {
				continue
			}
			seen++
			// there are 600 rows: no count is so large
			if at := regexp.MustCompile(`\b[12]\x{202f}\d{3}\b`).FindString(place); at != "" {
				t.Errorf("%q is in groups: %s", at, place)
			}
		}
		if c.name == "opened" && seen < 10 {
			t.Errorf("the variable is in %d rows and figures, want its bins at least", seen)
		}
		if c.name == "opened" && !years.MatchString(page) {
			t.Error("the page shows no bin of years")
		}
		if c.name == "salary" && !strings.Contains(page, "1\u202f000") {
			t.Error("an amount is not grouped")
		}
	}
	axis := chart.Figure{X: chart.Axis{Label: "opened", Format: numfmt.Code}, Y: chart.Axis{Label: "y"},
		Series: []chart.Series{{Mark: chart.Dots, X: []numfmt.Number{1990, 2023}, Y: []numfmt.Number{0, 1}}}}
	if svg := axis.SVG(); !strings.Contains(svg, ">2000<") || strings.Contains(svg, "\u202f") {
		t.Errorf("the axis of years: %s", svg)
	}
}

// TestLongListsAreCut: a cell names the first few and says how many more there
// are; every name is in the page still, and in report.json.
func TestLongListsAreCut(t *testing.T) {
	names := make([]string, 42)
	for i := range names {
		names[i] = fmt.Sprintf("R&D, level %02d", i)
	}
	cell := document.Phrase(document.Piece{Words: "county is", Names: names},
		document.Piece{Words: "and income above 3"},
		document.Piece{Words: "and home is", Names: []string{"own", "rent"}})
	in := full(300, 4)
	in.Challenger[0].Rules = &document.Table{Title: "Rule", Columns: []document.Column{{Name: "When"}},
		Rows: [][]document.Cell{{cell}}}
	_, page, report := render(t, in)
	row := onceInPage(t, page, `(<td[^>]*>county is.*?</td>)`)
	shown, _, _ := strings.Cut(row, "<summary>")
	if n := strings.Count(shown, "level"); n != 5 {
		t.Errorf("%d names are in sight, want 5: %s", n, row)
	}
	for _, want := range []string{"<summary>and 37 more</summary>",
		"R&amp;D, level 41</details> and income above 3 and home is own, rent"} {
		if !strings.Contains(row, want) {
			t.Errorf("no %q in %s", want, row)
		}
	}
	if n := strings.Count(row, "level"); n != len(names) {
		t.Errorf("%d names are in the page, want %d", n, len(names))
	}
	if !strings.Contains(report, "level 41 and income above 3 and home is own, rent") {
		t.Error("report.json does not hold the whole list")
	}
}
