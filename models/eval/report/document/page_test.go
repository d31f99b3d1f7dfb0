// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/models/eval"
)

// hostile is a report with the same markup in every text that may come from data.
func hostile(text string) *Report {
	names := strings.Split(strings.Repeat(text+"|", 12), "|")[:12]
	s := Section{ID: "s", Title: text, Introduction: text}
	s.AddFinding("%s", text)
	s.AddHeading(text, "%s", text)
	s.AddTable(Table{Title: text, Caption: text, Folded: true,
		Columns: []Column{{Name: text, Unit: text}, {Name: text}},
		Rows: [][]Cell{{Words(strings.Repeat(text, 9)), Words(strings.Repeat(text, 9))},
			{Words(text), Phrase(Piece{Words: text, Names: names}, Piece{Words: text})}}})
	s.AddFigure(chart.Figure{ID: "f", Title: text, Caption: text, Alt: text, X: chart.Axis{Label: text},
		Y:      chart.Axis{Labels: []string{text}},
		Series: []chart.Series{{Name: text, Mark: chart.HBars, X: chart.Positions(1)}}})
	return &Report{Title: text, Made: text, Headline: []string{text},
		Metrics: []eval.Metric{{Name: text}},
		Verdicts: []Verdict{{Question: text, Light: Fail, Finding: text, Threshold: text, Section: "s",
			Grounds: Grounds{Rows: 5, Of: text}}},
		Sections: []Section{s, {ID: "t", Title: text, Absent: text}}}
}

// TestNoTextIsMarkup: markup in any text of the report is shown as it is written.
func TestNoTextIsMarkup(t *testing.T) {
	t.Parallel()
	const harmless = "nothing to see"
	tags := func(text string) (page string, found []string) {
		var b bytes.Buffer
		if err := hostile(text).WriteHTML(&b); err != nil {
			t.Fatal(err)
		}
		return b.String(), regexp.MustCompile(`<[a-zA-Z/!][^>\s]*`).FindAllString(b.String(), -1)
	}
	_, want := tags(harmless)
	for _, text := range []string{`<img src=x onerror=alert(1)>`, `</td></style></script><script>alert(1)</script>`,
		`" onmouseover="alert(1)`, `' x='`, `{{.Title}}`, `<!--`, `&lt;b&gt;`} {
		page, got := tags(text)
		if a, b := len(got), len(want); a != b {
			t.Errorf("%s: %d tags, %d with a harmless text", text, a, b)
		}
		if text != `{{.Title}}` && strings.Contains(page, text) {
			t.Errorf("%s is on the page as it is", text)
		}
	}
}

// TestPolicyIsThatOfThePage: the digests in the content policy are those of the one
// style and the one script that the page has, so that a browser runs them and no other.
func TestPolicyIsThatOfThePage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := small().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(b.String())
	if policy == nil {
		t.Fatal("the page has no content policy")
	}
	allowed := strings.NewReplacer("&#39;", "'", "&#43;", "+", "&#34;", `"`).Replace(policy[1])
	for _, tag := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(b.String(), -1)
		if len(found) != 1 {
			t.Fatalf("%d elements %s, want 1", len(found), tag)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		want := fmt.Sprintf("%s-src 'sha256-%s'", tag, base64.StdEncoding.EncodeToString(sum[:]))
		if !strings.Contains(allowed, want) {
			t.Errorf("the policy %s does not have %s", allowed, want)
		}
	}
	if !strings.HasPrefix(allowed, "default-src 'none'") || strings.Contains(allowed, "unsafe") {
		t.Errorf("the policy lets more in: %s", allowed)
	}
}

// TestLongListsInACell: the page folds the rest away, and JSON holds every name.
func TestLongListsInACell(t *testing.T) {
	t.Parallel()
	names := strings.Split("a_b <c> d e f g h i j k", " ")
	c := Phrase(Piece{Words: "kind is", Names: names}, Piece{Words: "or 5 %"}, Piece{Names: names[:2]})
	want := `kind is a_<wbr>b, &lt;c&gt;, d, e, f <details class="rest"><summary>and 5 more</summary>g, h, i, j, k` +
		`</details> or 5` + "\u00a0" + `% a_<wbr>b, &lt;c&gt;`
	if got := c.show(""); string(got) != want {
		t.Errorf("on the page:\n%s, want\n%s", got, want)
	}
	if got := c.Text(); got != "kind is a_b, <c>, d, e, f, g, h, i, j, k or 5 % a_b, <c>" {
		t.Errorf("the text is %q", got)
	}
}

// TestNumbersAsJSON: they are read back as they were, to the last bit; what is not
// finite is null; texts are UTF-8, and the same report has the same bytes.
func TestNumbersAsJSON(t *testing.T) {
	t.Parallel()
	numbers := []float64{0, 0.1, 1.0 / 3, -2.5, 1e-300, 5e-324, math.MaxFloat64, 1e21, 123456789}
	table := Table{Title: "bad \xff & <b>", Columns: []Column{{Name: "x"}},
		Rows: [][]Cell{{Value(math.Inf(1))}, {Value(math.NaN())}}}
	for _, x := range numbers {
		table.Rows = append(table.Rows, []Cell{Value(x)})
	}
	r := &Report{Schema: Schema, Sections: []Section{{ID: "s"}}}
	r.Sections[0].AddTable(table)
	var a, b bytes.Buffer
	if err := r.WriteJSON(&a); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("two writings differ, or %v", err)
	}
	var got struct {
		Schema   string
		Sections []struct {
			Blocks []struct {
				Table struct {
					Title string
					Rows  [][]*float64
				}
			}
		}
	}
	if err := json.Unmarshal(a.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	read := got.Sections[0].Blocks[0].Table
	if got.Schema != "assay/report/v2" || read.Title != "bad \ufffd & <b>" || read.Rows[0][0] != nil ||
		read.Rows[1][0] != nil {
		t.Errorf("read %+v", got)
	}
	for k, want := range numbers {
		if v := read.Rows[k+2][0]; v == nil || *v != want {
			t.Errorf("%v is read as %v", want, v)
		}
	}
}

// TestEmptyReport: a report of nothing is written in every form.
func TestEmptyReport(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Report, *bytes.Buffer) error{
		"json": func(r *Report, b *bytes.Buffer) error { return r.WriteJSON(b) },
		"html": func(r *Report, b *bytes.Buffer) error { return r.WriteHTML(b) },
		"xlsx": func(r *Report, b *bytes.Buffer) error { return r.WriteXLSX(b) },
	} {
		empty := Section{ID: "s", Title: "S"}
		empty.AddTable(Table{Title: "No columns"})
		empty.AddTable(Table{Title: "No rows", Columns: []Column{{Name: "a"}}})
		empty.AddFigure(chart.Figure{ID: "f"})
		for _, r := range []*Report{{}, {Sections: []Section{empty}}} {
			var b bytes.Buffer
			if err := write(r, &b); err != nil || b.Len() == 0 || strings.Contains(b.String(), "NaN") {
				t.Errorf("%s: %d bytes, %v", name, b.Len(), err)
			}
		}
	}
}
