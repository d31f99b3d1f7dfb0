// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/page"
)

const plotDir = "docs/plots"

// chart is one plot of cost against size. Its curves are the figures whose
// names are scale_<chart>_<curve>@<x>.
type chart struct{ name, title, x, y, alt string }

var scaleCharts = []chart{
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
	{"log", "The ledger as its log grows", "leaves in the log", "microseconds",
		"Microseconds to verify an inclusion proof and to make one against the size of the log."},
	{"receipt", "Size of what proves one decision", "leaves in the log", "bytes",
		"Bytes of an inclusion proof and of a consistency proof against the size of the log."},
	{"journal", "The journal as it grows", "records in the journal", "milliseconds",
		"Milliseconds to open a journal against its records."},
}

// point is one measured size.
type point struct{ x, y, low, high float64 }

// curves collects the points of a chart, by curve.
func (c chart) curves(figures []figure.Figure) map[string][]point {
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

// slope is that of a straight line through the logarithms of two points: 1 is
// proportional, 0 does not depend on the size.
func slope(a, b point) float64 { return math.Log(b.y/a.y) / math.Log(b.x/a.x) }

// largestBend returns the place where the slope changes most, if it changes by more
// than 0.3.
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

// scaleTables is a plot and the slopes of each of its curves.
func scaleTables(figures []figure.Figure) []byte {
	var b bytes.Buffer
	for _, c := range scaleCharts {
		curves := c.curves(figures)
		if len(curves) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n![%s](plots/%s.svg)\n\n| %s | from | to | slope | bends |\n|---|---|---|---|---|\n", c.alt,
			c.name, c.y)
		for _, name := range sorted(curves) {
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

func sorted(m map[string][]point) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// drawPlots draws every chart that has points, by file name.
func drawPlots(r *results) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, o := range r.Areas {
		if o.Area != "scale" {
			continue
		}
		for _, c := range scaleCharts {
			curves := c.curves(o.Figures)
			if len(curves) == 0 {
				continue
			}
			svg, err := c.draw(curves)
			if err != nil {
				return nil, fmt.Errorf("plot %s: %w", c.name, err)
			}
			out[c.name+".svg"] = svg
		}
	}
	return out, nil
}

// The colours are legible to colour-blind readers and in grey; curves differ
// by dashes and marks as well.
var (
	colours = []color.Color{color.RGBA{0, 90, 160, 255}, color.RGBA{200, 80, 0, 255}, color.RGBA{20, 20, 20, 255},
		color.RGBA{110, 110, 110, 255}}
	marks  = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.CrossGlyph{}}
	dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)},
		{vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}}
)

// draw makes one SVG, both axes logarithmic.
func (c chart) draw(curves map[string][]point) ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	p.Title.Padding, p.X.Padding, p.Y.Padding = vg.Points(8), vg.Points(6), vg.Points(6)
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = vg.Points(8), vg.Points(-4), vg.Points(3)
	p.Add(plotter.NewGrid())
	for i, name := range sorted(curves) {
		var xy plotter.XYs
		for _, pt := range curves[name] {
			xy = append(xy, plotter.XY{X: pt.x, Y: pt.y})
		}
		line, dots, err := plotter.NewLinePoints(xy)
		if err != nil {
			return nil, err
		}
		k := i % len(colours)
		line.Color, line.Width, line.Dashes = colours[k], vg.Points(1.8), dashes[k]
		dots.Color, dots.Shape, dots.Radius = colours[k], marks[k], vg.Points(3)
		p.Add(line, dots)
		if len(curves) > 1 {
			p.Legend.Add(curveLabel(name), line, dots)
		}
	}
	widen(&p.X.Min, &p.X.Max)
	widen(&p.Y.Min, &p.Y.Max)
	if len(curves) > 1 {
		p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, 0.08*float64(1+len(curves))) // room for the legend
	}
	canvas := vgsvg.New(16*vg.Centimeter, 9*vg.Centimeter)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	const margin = 8 // points
	p.Draw(draw.Crop(page, margin, -margin, margin, -margin))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}

// widen puts the bounds of a logarithmic axis a tenth of a decade out, at least
// a decade apart.
func widen(lo, hi *float64) {
	if *hi / *lo < 10 {
		mid := math.Sqrt(*lo * *hi)
		*lo, *hi = mid/math.Sqrt(10), mid*math.Sqrt(10)
	}
	*lo, *hi = *lo/1.25, *hi*1.25
}

// decades ticks every power of ten with a label, and 2 and 5 of each without.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(lo, hi float64) []plot.Tick {
	var t []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if v < lo || v > hi {
				continue
			}
			label := ""
			if m == 1 {
				label = tickLabel(v)
			} else if hi/lo < 200 {
				label = tickLabel(v)
			}
			t = append(t, plot.Tick{Value: v, Label: label})
		}
	}
	return t
}

// tickLabel writes a tick: 0.01, 5, 2k, 10M.
func tickLabel(v float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.of*0.999 {
			return strconv.FormatFloat(v/u.of, 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
