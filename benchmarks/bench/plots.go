// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/page"
	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
)

const plotDir = "docs/plots"

// scaleChart is one plot of cost against size. Its curves are the figures whose
// names are scale_<chart>_<curve>@<x>.
type scaleChart struct{ name, title, x, y, alt string }

var scaleCharts = []scaleChart{
	{"train", "Training: 20 trees of 31 leaves, 20 columns", "rows", "seconds",
		"Seconds of training against rows, both axes logarithmic."},
	{"predict_rows", "Scoring a table: 100 trees, 20 columns, one thread", "rows", "seconds",
		"Seconds to score a table against its rows."},
	{"predict_trees", "One score: 31 leaves, 20 columns", "trees", "nanoseconds",
		"Nanoseconds for one score against the number of trees, one row at a time and in batches."},
	{"predict_features", "One score: 100 trees of 31 leaves", "columns", "nanoseconds",
		"Nanoseconds for one score against the number of columns."},
	{"serve", "Full decisions, each caller waiting for its reply", "callers at once", "decisions a second",
		"Decisions a second against callers at once."},
	{"log", "Proofs as the log grows", "leaves in the log", "microseconds",
		"Microseconds to make a consistency proof and to verify one against the size of the log."},
	{"receipt", "Size of a receipt and of a proof as the log grows", "leaves in the log", "bytes",
		"Bytes of a consistency proof and of a whole receipt against the size of the log."},
	{"journal", "The journal as it grows", "records in the journal", "milliseconds",
		"Milliseconds to open a journal, and to make and verify a receipt, against the journal's records."},
}

// point is one measured size.
type point struct{ x, y, low, high float64 }

// curves collects the points of a chart, by curve.
func (c scaleChart) curves(figures []figure.Figure) map[string][]point {
	m := map[string][]point{}
	for _, f := range figures {
		rest, ok := strings.CutPrefix(f.Name, "scale_"+c.name+"_")
		if !ok {
			continue
		}
		curve, at, ok := strings.Cut(rest, "@")
		x, err := strconv.ParseFloat(at, 64)
		if !ok || err != nil || x <= 0 || f.Value <= 0 {
			continue
		}
		m[curve] = append(m[curve], point{x, f.Value, f.Low, f.High})
	}
	for _, p := range m {
		slices.SortFunc(p, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	}
	return m
}

// slope is that of the line through the logarithms of two points: 1 means that the
// cost is proportional to the size, 0 that it does not depend on it.
func slope(a, b point) float64 { return math.Log(b.y/a.y) / math.Log(b.x/a.x) }

// largestBend returns the size at which the slope changes most, if it changes by
// more than 0.3.
func largestBend(p []point) (at, before, after float64, ok bool) {
	most := 0.3
	for i := 1; i+1 < len(p); i++ {
		a, b := slope(p[i-1], p[i]), slope(p[i], p[i+1])
		if d := math.Abs(b - a); d > most {
			most, at, before, after, ok = d, p[i].x, a, b, true
		}
	}
	return at, before, after, ok
}

// scaleTables is a plot and a table of the slopes of its curves, for each chart.
func scaleTables(figures []figure.Figure) []byte {
	var b bytes.Buffer
	b.WriteString("\n" +
		page.Wrap("Both axes are logarithmic. A point is the median of its runs, with whiskers from the "+
			"least to the greatest. A slope of 1 means that the cost is proportional to the size, 0 that it does "+
			"not depend on it."))
	for _, c := range scaleCharts {
		curves := c.curves(figures)
		if len(curves) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n![%s](plots/%s.svg)\n\n| %s | from | to | slope | bends |\n|---|---|---|---|---|\n", c.alt,
			c.name, c.y)
		for _, name := range slices.Sorted(maps.Keys(curves)) {
			p := curves[name]
			first, last := p[0], p[len(p)-1]
			if len(p) < 2 {
				fmt.Fprintf(&b, "| %s | %s at %s | | | |\n", curveLabel(name), threeDigits(first.y),
					page.Thousands(first.x))
				continue
			}
			bends := "nowhere by more than 0.3"
			if at, before, after, ok := largestBend(p); ok {
				bends = fmt.Sprintf("at %s, from %.2f to %.2f", page.Thousands(at), before, after)
			}
			fmt.Fprintf(&b, "| %s | %s at %s | %s at %s | %.2f | %s |\n", curveLabel(name), threeDigits(first.y),
				page.Thousands(first.x),
				threeDigits(last.y), page.Thousands(last.x), slope(first, last), bends)
		}
	}
	return b.Bytes()
}

func curveLabel(curve string) string { return strings.ReplaceAll(curve, "_", " ") }

// drawPlots draws every chart that has points, by file name.
func drawPlots(r *results) map[string][]byte {
	out := map[string][]byte{}
	for _, o := range r.Areas {
		if o.Area != "scale" {
			continue
		}
		for _, c := range scaleCharts {
			if curves := c.curves(o.Figures); len(curves) > 0 {
				out[c.name+".svg"] = c.figure(curves).Document()
			}
		}
	}
	return out
}

// figure is the plot of a chart, both axes logarithmic. A point has whiskers from
// the least to the greatest of its runs.
func (c scaleChart) figure(curves map[string][]point) *chart.Figure {
	f := &chart.Figure{ID: strings.ReplaceAll(c.name, "_", "-"), Title: c.title, Alt: c.alt,
		X: chart.Axis{Label: c.x, Log: true}, Y: chart.Axis{Label: c.y, Log: true}}
	for _, name := range slices.Sorted(maps.Keys(curves)) {
		s := chart.Series{Name: curveLabel(name), Mark: chart.LinePoints}
		for _, p := range curves[name] {
			low, high := numfmt.Number(p.low), numfmt.Number(p.high)
			if low >= high { // one run
				low, high = numfmt.NaN(), numfmt.NaN()
			}
			s.X, s.Y = append(s.X, numfmt.Number(p.x)), append(s.Y, numfmt.Number(p.y))
			s.Low, s.High = append(s.Low, low), append(s.High, high)
		}
		f.Series = append(f.Series, s)
	}
	return f
}
