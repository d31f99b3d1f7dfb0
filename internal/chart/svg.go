// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

const (
	canvasWidth = 520.0
	plotHeight  = 270.0
	rowHeight   = 25.0 // of one label of a vertical axis with labels
	titleHeight = 26.0 // of the title of a document
	fontSize    = 14.0

	maxXLabel, maxYLabel = 18, 26 // characters
)

// plotArea is the rectangle of the data and the scales onto it.
type plotArea struct {
	left, top, right, bottom float64
	xScale, yScale           scale
}

func (p plotArea) x(v float64) float64 {
	return p.left + p.xScale.fraction(v)*(p.right-p.left)
}

func (p plotArea) y(v float64) float64 {
	return p.bottom - p.yScale.fraction(v)*(p.bottom-p.top)
}

// SVG returns the figure as one svg element with a title and a description, to
// be put into a page whose font it takes.
func (f *Figure) SVG() string {
	body, height := f.draw()
	return f.open(height, "") + body + "</svg>"
}

// Document returns the figure as an SVG file of its own: with its title above
// it, on white, in a sans-serif face.
func (f *Figure) Document() []byte {
	body, height := f.draw()
	height += titleHeight
	var b strings.Builder
	b.WriteString(f.open(height, fmt.Sprintf(` width="%s" height="%s" font-family="Helvetica, Arial, sans-serif"`,
		px(canvasWidth), px(height))))
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>`)
	fmt.Fprintf(&b, `<text x="14" y="20" font-weight="bold">%s</text>`, html.EscapeString(f.Title))
	fmt.Fprintf(&b, `<g transform="translate(0 %s)">%s</g></svg>`, px(titleHeight), body)
	b.WriteString("\n")
	return []byte(b.String())
}

// open is the start tag with what a screen reader reads.
func (f *Figure) open(height float64, attributes string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" `+
		`aria-labelledby="%s-t %s-d" font-size="%s"%s><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		px(canvasWidth), px(height), f.ID, f.ID, px(fontSize), attributes,
		f.ID, html.EscapeString(f.Title), f.ID, html.EscapeString(f.Alt))
}

// draw returns what is inside the svg element, and its height.
func (f *Figure) draw() (string, float64) {
	p := plotArea{right: canvasWidth - 30, xScale: f.scale(f.X, true), yScale: f.scale(f.Y, false)}
	for _, v := range p.yScale.ticks() {
		p.left = math.Max(p.left, 34+textWidth(p.yScale.tickText(v)))
	}
	legend, legendHeight := f.legend()
	p.top = 14 + legendHeight
	p.bottom = p.top + plotHeight
	if rows := len(f.Y.Labels); rows > 0 {
		p.left = 14 + maxTextWidth(f.Y.Labels, maxYLabel)
		p.yScale = scale{lo: float64(rows) - 0.5, hi: -0.5} // first label on top
		p.bottom = p.top + rowHeight*float64(rows) + 8
	}
	height := p.bottom + 52
	slanted := labelsOverlap(f.X.Labels, p)
	if slanted {
		height += 0.77*maxTextWidth(f.X.Labels, maxXLabel) - 6
	}
	var b strings.Builder
	f.definitions(&b, p)
	b.WriteString(legend)
	f.axisX(&b, p, height, slanted)
	f.axisY(&b, p)
	fmt.Fprintf(&b, `<g clip-path="url(#%s-c)">`, f.ID)
	f.drawSeries(&b, p)
	b.WriteString(`</g>`)
	return b.String(), height
}

// definitions are the hatching of bars and the rectangle outside of which
// nothing is drawn.
func (f *Figure) definitions(b *strings.Builder, p plotArea) {
	edge := 1.0 // beyond the axes, that lines at a bound show; marks are larger
	if f.hasPoints() {
		edge = 6
	}
	fmt.Fprintf(b, `<defs><pattern id="%s-h" width="6" height="6" patternUnits="userSpaceOnUse" `+
		`patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>`+
		`<rect width="2.4" height="6" fill="#0072B2"/></pattern>`+
		`<clipPath id="%s-c"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath></defs>`,
		f.ID, f.ID, px(p.left-edge), px(p.top-edge), px(p.right-p.left+2*edge), px(p.bottom-p.top+2*edge))
}
