// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
)

var update = flag.Bool("update", false, "write testdata/*.svg again")

func values(v ...float64) []numfmt.Number { return numfmt.Numbers(v) }

// samples are figures with every mark, axis and layout.
func samples() map[string]Figure {
	nan := math.NaN()
	return map[string]Figure{
		"log": {ID: "log", Title: "Cost & size", Alt: "Cost against size.", X: Axis{Label: "rows", Log: true},
			Y: Axis{Label: "seconds", Log: true}, Series: []Series{
				{Name: "one", Mark: LinePoints, X: values(1e3, 1e4, 1e5, 1e6), Y: values(0.002, 0.02, 0.3, 4)},
				{Name: "two", Mark: LinePoints, X: values(1e3, 1e4, 1e5), Y: values(0.004, 0.01, 0.04),
					Low: values(0.003, 0.009, 0.03), High: values(0.005, 0.011, 0.05)}}},
		"short-log": {ID: "short-log", Title: "Within a decade", X: Axis{Label: "callers", Log: true},
			Y:      Axis{Label: "share", Log: true, Format: numfmt.Percent},
			Series: []Series{{Mark: LinePoints, X: values(1, 2, 4), Y: values(0.2, 0.3, 0.31)}}},
		"lines": {ID: "lines", Title: "Lines", X: Axis{Label: "x", Min: 0, Max: 1, Format: numfmt.Percent},
			Y: Axis{Label: "y"}, Series: []Series{
				{Name: "broken", Mark: Line, X: values(0, 0.2, 0.4, 0.6, 1), Y: values(-1, 2, nan, 4, 3)},
				{Name: "by chance", Mark: Reference, X: values(0, 1), Y: values(0, 4)}}},
		"dots": {ID: "dots", Title: "Dots", X: Axis{Label: "month", Labels: []string{"January", "February", "March",
			"April", "May", "June", "July"}}, Y: Axis{Label: "rate", Format: numfmt.Percent}, Series: []Series{
			{Name: "a", Mark: Dots, X: Positions(7), Y: values(0.1, 0.2, 0.15, 0.2, 0.22, 0.19, 0.1)},
			{Name: "b", Mark: Dots, X: Positions(7), Y: values(0.2, 0.2, 0.18, 0.2, 0.25, 0.15, 0.2),
				Low:  values(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, nan),
				High: values(0.3, 0.3, 0.3, 0.3, 0.3, 0.3, nan)}}},
		"bars": {ID: "bars", Title: "Bars", X: Axis{Label: "score"}, Y: Axis{Label: "rows", Format: numfmt.Count},
			Series: []Series{{Name: "good", Mark: Bars, X: values(100, 200, 300), Y: values(1500, 3000, 0)},
				{Name: "bad", Mark: Bars, X: values(100, 200, 300), Y: values(300, 200, 100)}}},
		"rows": {ID: "rows", Title: "Rows", X: Axis{Label: "effect"},
			Y: Axis{Labels: []string{"income", "<age>", "a variable with a very long name indeed"}},
			Series: []Series{{Mark: HBars, X: values(-1, 2, 0.5), Low: values(-2, 1, nan),
				High: values(0, 3, nan)}}},
		"empty": {ID: "empty", Title: "Empty", X: Axis{Label: "x"}, Y: Axis{Label: "y", Log: true},
			Series: []Series{{Mark: Line, X: values(nan), Y: values(nan)}}},
	}
}

// TestGolden: the bytes of each figure are those in testdata, which somebody
// has looked at; -update writes them again.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, f := range samples() {
		path, got := filepath.Join("testdata", name+".svg"), f.Document()
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s.svg is drawn otherwise than in testdata: look at it, then run with -update", name)
		}
	}
}

var coordinate = regexp.MustCompile(`\b(?:x|y|cx|cy)="(-?[0-9.]+)"`)

// TestWellFormed: every figure is XML, and no coordinate lies outside of it.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for name, f := range samples() {
		for _, svg := range []string{f.SVG(), string(f.Document())} {
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v in %s", name, err, svg)
				}
			}
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "%!") {
				t.Errorf("%s: a number that is not defined is drawn: %s", name, svg)
			}
			for _, m := range coordinate.FindAllStringSubmatch(svg, -1) {
				if v, err := strconv.ParseFloat(m[1], 64); err != nil || v < 0 || v > 600 {
					t.Errorf("%s: coordinate %s", name, m[0])
				}
			}
		}
	}
}

func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	const hostile = `<script>alert("1")</script>`
	f := Figure{ID: "x", Title: hostile, Alt: hostile, X: Axis{Label: hostile, Labels: []string{hostile}},
		Y: Axis{Label: hostile}, Series: []Series{{Name: hostile, Mark: Dots, X: Positions(1), Y: values(1)},
			{Name: hostile, Mark: Line, X: Positions(1), Y: values(1)}}}
	if svg := f.SVG() + string(f.Document()); strings.Contains(svg, "<script") {
		t.Errorf("a text is markup: %s", svg)
	}
}

// TestLineIsBroken: a missing point lifts the pen.
func TestLineIsBroken(t *testing.T) {
	t.Parallel()
	f := samples()["lines"]
	p := plotArea{left: 0, right: 100, top: 0, bottom: 100, xScale: scale{lo: 0, hi: 1}, yScale: scale{lo: 0, hi: 4}}
	var b strings.Builder
	f.Series[0].line(&b, p, "")
	if want := `d="M0 125L20 50M60 0L100 25"`; !strings.Contains(b.String(), want) {
		t.Errorf("drawn as %s, want %s", b.String(), want)
	}
}

// TestYearsAreNotGrouped: the ticks of codes are written as codes are.
func TestYearsAreNotGrouped(t *testing.T) {
	t.Parallel()
	f := Figure{X: Axis{Label: "opened", Format: numfmt.Code}, Y: Axis{Label: "y"},
		Series: []Series{{Mark: Dots, X: values(1990, 2023), Y: values(0, 1)}}}
	if svg := f.SVG(); !strings.Contains(svg, ">2000<") || strings.Contains(svg, "\u202f") {
		t.Errorf("the axis of years: %s", svg)
	}
}

// TestLogAxis: places are proportional to logarithms, values without one are
// left out, and ticks are powers of ten with 2 and 5 between them.
func TestLogAxis(t *testing.T) {
	t.Parallel()
	s := scale{lo: 1, hi: 1000, log: true}
	for v, want := range map[float64]float64{1: 0, 10: 1.0 / 3, 100: 2.0 / 3, 1000: 1} {
		if got := s.fraction(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v lies at %v, want %v", v, got, want)
		}
	}
	for _, v := range values(0, -1, math.NaN(), math.Inf(1)) {
		if s.has(v) {
			t.Errorf("%v has a place on a logarithmic axis", float64(v))
		}
	}
	if got := fmt.Sprint(logTicks(0.9, 60)); got != "[1 2 5 10 20 50]" {
		t.Errorf("ticks %s", got)
	}
	if got := fmt.Sprint(logTicks(1, 1e10)); got != "[1 10 100 1000 10000 100000 1e+06 1e+07 1e+08 1e+09 1e+10]" {
		t.Errorf("ticks of ten decades: %s", got)
	}
	short, long := scale{lo: 1, hi: 150, log: true}, scale{lo: 1, hi: 1e6, log: true}
	if a, b, c := short.tickText(20), long.tickText(20), long.tickText(1e6); a != "20" || b != "" || c != "1M" {
		t.Errorf("ticks %q, %q, %q", a, b, c)
	}
	f := Figure{Y: Axis{Log: true}, Series: []Series{{Mark: LinePoints, X: values(1, 2, 3), Y: values(0, 10, -4)}}}
	if n := strings.Count(f.SVG(), "<circle"); n != 1 {
		t.Errorf("%d of the points 0, 10 and -4 are drawn, want 1", n)
	}
	if lo, hi := widenLog(math.Inf(1), math.Inf(-1)); lo != 1 || hi != 10 {
		t.Errorf("an axis without data runs from %v to %v", lo, hi)
	}
	if lo, hi := widenLog(5, 5); hi/lo < 10 || lo > 5 || hi < 5 {
		t.Errorf("an axis of one value runs from %v to %v", lo, hi)
	}
}

// TestTickStep: 3 to 9 steps of 1, 2 or 5 times a power of ten, whatever the range.
func TestTickStep(t *testing.T) {
	t.Parallel()
	for _, hi := range []float64{1e-12, 0.003, 0.7, 1, 3, 9.99, 12345, 7e20} {
		for _, lo := range []float64{0, -hi, hi / 2, hi * 0.9} {
			step := tickStep(lo, hi)
			digit, _, _ := strings.Cut(strconv.FormatFloat(step, 'e', 0, 64), "e")
			if n := (hi - lo) / step; n < 2.8 || n > 9 || digit != "1" && digit != "2" && digit != "5" {
				t.Errorf("from %v to %v in steps of %v", lo, hi, step)
			}
		}
	}
	if step := tickStep(1, 1); !(step > 0) {
		t.Errorf("no range has a step of %v", step)
	}
}

func TestTickTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		v, lo, hi float64
		format    numfmt.Format
		want      string
	}{
		{0.5, 0, 1, numfmt.Plain, "0.5"},
		{-0.25, -0.5, 0, numfmt.Plain, "−0.2"},
		{0, -1, 1, numfmt.Plain, "0.0"},
		{-1e-18, -1, 1, numfmt.Plain, "0.0"},
		{0.25, 0, 1, numfmt.Percent, "25 %"},
		{2000, 0, 9000, numfmt.Plain, "2\u202f000"},
		{2e6, 0, 9e6, numfmt.Plain, "2e+06"},
		{1999, 1990, 2023, numfmt.Code, "1999"},
	} {
		if got := tickText(tc.v, tc.format, tc.lo, tc.hi); got != tc.want {
			t.Errorf("%v from %v to %v is printed %q, want %q", tc.v, tc.lo, tc.hi, got, tc.want)
		}
	}
}

// TestRange: bounds that are declared hold; else those of the data, never empty.
func TestRange(t *testing.T) {
	t.Parallel()
	line := func(y ...float64) []Series {
		return []Series{{Mark: Line, X: Positions(len(y)), Y: values(y...)}}
	}
	for _, tc := range []struct {
		name   string
		f      Figure
		lo, hi float64
	}{
		{"declared", Figure{Y: Axis{Min: -3, Max: 7}, Series: line(0, 100)}, -3, 7},
		{"of data", Figure{Series: line(0.3, 9.7)}, 0, 10},
		{"of nothing", Figure{Series: line(math.NaN())}, 0, 1},
		{"of one value", Figure{Series: line(5)}, 4.5, 5.5},
		{"bars start from zero", Figure{Series: []Series{{Mark: Bars, X: Positions(2), Y: values(8, 10)}}}, 0, 10},
		{"labels", Figure{Y: Axis{Labels: []string{"a", "b"}}}, -0.5, 1.5},
		{"a bound that is not defined", Figure{Y: Axis{Min: numfmt.NaN(), Max: 7}, Series: line(0, 10)}, 0, 10},
		{"zero bounds a logarithm", Figure{Y: Axis{Min: 0, Max: 7, Log: true}, Series: line(1, 10)}, 0.8, 12.5},
	} {
		if s := tc.f.scale(tc.f.Y, false); math.Abs(s.lo-tc.lo) > 1e-12 || math.Abs(s.hi-tc.hi) > 1e-12 {
			t.Errorf("%s: from %v to %v, want %v to %v", tc.name, s.lo, s.hi, tc.lo, tc.hi)
		}
	}
	bars := Figure{Series: []Series{{Mark: Bars, X: values(10, 20, 30), Y: values(1, 1, 1)}}}
	if s := bars.scale(bars.X, true); s.lo > 5 || s.hi < 35 {
		t.Errorf("bars of width 10 at 10 to 30 are cut off: from %v to %v", s.lo, s.hi)
	}
	s := (&Figure{Series: []Series{{Mark: Dots, X: Positions(2), Y: values(0, 10)}}}).scale(Axis{}, false)
	if s.lo >= 0 || s.hi <= 10 {
		t.Errorf("points lie on the frame: from %v to %v", s.lo, s.hi)
	}
}

// TestLegend: one name needs none; many wrap.
func TestLegend(t *testing.T) {
	t.Parallel()
	f := Figure{Series: []Series{{Name: "alone", Mark: Line}, {Mark: Reference}}}
	if text, height := f.legend(); text != "" || height != 0 {
		t.Errorf("one name has the legend %s", text)
	}
	for i := range 9 {
		f.Series = append(f.Series, Series{Name: fmt.Sprintf("a series, number %d", i), Mark: LinePoints})
	}
	text, height := f.legend()
	if height < 60 || strings.Count(text, "<text") != 10 {
		t.Errorf("ten names are %v high: %s", height, text)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		n    int
		want string
	}{{"ägypten", 7, "ägypten"}, {"ägypten", 4, "ägy…"}, {"", 3, ""}} {
		if got := Clip(tc.in, tc.n); got != tc.want {
			t.Errorf("Clip(%q, %d) is %q, want %q", tc.in, tc.n, got, tc.want)
		}
	}
}
