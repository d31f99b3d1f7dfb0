// SPDX-License-Identifier: Apache-2.0

// Package chart draws figures as SVG: lines, points and bars over linear,
// logarithmic and named axes. It knows nothing of what the figures are about.
//
// A [Figure] is data, and has JSON; [Figure.SVG] draws it as an element inside
// a page, [Figure.Document] as a file of its own with its title above it. Its ID
// must be unique within the page, of letters, digits and hyphens: titles and
// patterns are found by it.
//
// The steps of a drawing, with their files:
//
//	chart.go   the data: Figure, Axis, Series, Mark
//	scale.go   the range of an axis, its ticks and their texts
//	svg.go     the layout: sizes, legend, axes and series in their order
//	axes.go    the axes with their labels
//	legend.go  the names of the series above the plot
//	marks.go   lines, points with whiskers, bars
//	text.go    estimates of text widths, shortened texts, coordinates
//
// Texts are text elements with a title and a description, so that a screen
// reader finds them and a reader can copy them; gonum/plot, the usual library,
// draws them as paths of one font. Series differ in dash and shape first and in
// colour second (the palette of Okabe and Ito, which colour-blind readers can
// tell apart). The same figure gives the same bytes.
package chart

import "github.com/assayrisk/assay/internal/numfmt"

// Mark is how a series is drawn.
type Mark string

// The marks.
const (
	Line       Mark = "line"
	Dots       Mark = "dots"       // points, with whiskers where Low and High are given
	Bars       Mark = "bars"       // upright bars that touch, X is the centre
	HBars      Mark = "hbars"      // horizontal bars, one per label of the Y axis
	Reference  Mark = "reference"  // a thin line to compare with
	LinePoints Mark = "linepoints" // a line through points, which have whiskers as dots have
)

// Figure is a plot as data; SVG draws it. Caption says how to read it, Alt
// what it shows, for readers who do not see it.
type Figure struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Caption string   `json:"caption"`
	Alt     string   `json:"alt"`
	X       Axis     `json:"x"`
	Y       Axis     `json:"y"`
	Series  []Series `json:"series"`
}

// Axis of a figure. Bounds that are equal are chosen from the data. With
// Labels, positions are 0, 1, ... and each has its name.
type Axis struct {
	Label  string        `json:"label"`
	Min    numfmt.Number `json:"min,omitempty"`
	Max    numfmt.Number `json:"max,omitempty"`
	Format numfmt.Format `json:"format,omitempty"`
	Labels []string      `json:"labels,omitempty"`
	// Log makes the axis logarithmic. Values that are not positive are not
	// drawn. The JSON of a report has no key for it: its figures are linear.
	Log bool `json:"-"`
}

// Series is one line, cloud or set of bars.
type Series struct {
	Name string          `json:"name"`
	Mark Mark            `json:"mark"`
	X    []numfmt.Number `json:"x,omitempty"`
	Y    []numfmt.Number `json:"y,omitempty"`
	Low  []numfmt.Number `json:"low,omitempty"`
	High []numfmt.Number `json:"high,omitempty"`
}

// Positions returns 0, 1, ... n-1, the places of an axis with labels.
func Positions(n int) []numfmt.Number {
	out := make([]numfmt.Number, n)
	for i := range out {
		out[i] = numfmt.Number(i)
	}
	return out
}
