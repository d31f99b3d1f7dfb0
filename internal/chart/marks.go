// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// strokes are the colours and dashes of the series, in their order; after the
// last, they start again.
var strokes = [...]struct{ colour, dash string }{
	{"#000000", ""},
	{"#0072B2", "9 5"},
	{"#D55E00", "2 4"},
	{"#009E73", "12 4 2 4"},
	{"#CC79A7", "6 3"},
	{"#8A6D00", "1 6"},
}

const referenceStroke = `stroke="#666" stroke-width="1.2" stroke-dasharray="3 3"`

// pointRadius is that of points and of their samples in the legend; where there
// are many, they are smaller.
const pointRadius, manyPoints, smallRadius = 4.2, 150, 2.0

// hasPoints reports whether points are drawn.
func (f *Figure) hasPoints() bool {
	return slices.ContainsFunc(f.Series, func(s Series) bool { return s.Mark == Dots || s.Mark == LinePoints })
}

// drawSeries draws references first, below the others.
func (f *Figure) drawSeries(b *strings.Builder, p plotArea) {
	bars := 0
	for _, s := range f.Series {
		switch s.Mark {
		case Reference:
			s.line(b, p, referenceStroke)
		case Bars, HBars:
			bars++
		}
	}
	style, bar := 0, 0
	for _, s := range f.Series {
		st := strokes[style%len(strokes)]
		stroke := fmt.Sprintf(`stroke="%s" stroke-width="2.2" stroke-linejoin="round" stroke-dasharray="%s"`,
			st.colour, st.dash)
		switch s.Mark {
		case Reference:
			continue
		case Line:
			s.line(b, p, stroke)
		case Dots:
			s.points(b, p, style)
		case LinePoints:
			s.line(b, p, stroke)
			s.points(b, p, style)
		case Bars:
			f.bars(b, p, s, bar)
			bar++
		case HBars:
			f.horizontalBars(b, p, s, bar, bars)
			bar++
		}
		style++
	}
}

// drawn reports whether point i has a place in the plot.
func (s *Series) drawn(p plotArea, i int) bool {
	return p.xScale.has(s.X[i]) && p.yScale.has(s.Y[i])
}

// line connects the points; where one is missing, the line is broken.
func (s *Series) line(b *strings.Builder, p plotArea, attributes string) {
	fmt.Fprintf(b, `<path fill="none" %s d="`, attributes)
	pen := "M"
	for i := range s.Y {
		if !s.drawn(p, i) {
			pen = "M"
			continue
		}
		fmt.Fprintf(b, "%s%s %s", pen, px(p.x(float64(s.X[i]))), px(p.y(float64(s.Y[i]))))
		pen = "L"
	}
	b.WriteString(`"/>`)
}

func (s *Series) points(b *strings.Builder, p plotArea, style int) {
	colour := strokes[style%len(strokes)].colour
	radius := pointRadius
	if len(s.Y) > manyPoints {
		radius = smallRadius
	}
	for i := range s.Y {
		if !s.drawn(p, i) {
			continue
		}
		x, y := p.x(float64(s.X[i])), p.y(float64(s.Y[i]))
		if i < len(s.Low) && p.yScale.has(s.Low[i]) && p.yScale.has(s.High[i]) {
			lo, hi := p.y(float64(s.Low[i])), p.y(float64(s.High[i]))
			fmt.Fprintf(b, `<path stroke="%s" stroke-width="1.3" fill="none" d="M%s %sV%sM%s %sH%sM%s %sH%s"/>`, colour,
				px(x), px(lo), px(hi), px(x-4), px(lo), px(x+4), px(x-4), px(hi), px(x+4))
		}
		b.WriteString(point(style, x, y, radius))
	}
}

// point draws one point of a series: disc, hollow square, triangle, diamond.
func point(style int, x, y, r float64) string {
	colour := strokes[style%len(strokes)].colour
	switch style % 4 {
	case 0:
		return fmt.Sprintf(`<circle cx="%s" cy="%s" r="%s" fill="%s"/>`, px(x), px(y), px(r), colour)
	case 1:
		return fmt.Sprintf(`<rect x="%s" y="%s" width="%s" height="%s" fill="#fff" stroke="%s" stroke-width="1.6"/>`,
			px(x-r), px(y-r), px(2*r), px(2*r), colour)
	case 2:
		return fmt.Sprintf(`<path d="M%s %sl%s %sh%sz" fill="%s"/>`, px(x), px(y-r*1.2), px(r*1.15),
			px(r*2), px(-r*2.3), colour)
	}
	return fmt.Sprintf(`<path d="M%s %sl%s %sl%s %sl%s %sz" fill="#fff" stroke="%s" stroke-width="1.6"/>`, px(x),
		px(y-r*1.3), px(r*1.3), px(r*1.3), px(-r*1.3), px(r*1.3), px(-r*1.3), px(-r*1.3), colour)
}

// fill is that of the first, second, ... set of bars: grey and hatched in turn.
func (f *Figure) fill(bar int) string {
	if bar%2 == 0 {
		return `fill="#8f8f8f" stroke="#444" stroke-width="0.8"`
	}
	return fmt.Sprintf(`fill="url(#%s-h)" stroke="#0072B2" stroke-width="0.8" fill-opacity="0.75"`, f.ID)
}

// barWidth is the distance of the centres, so that bars touch.
func (s *Series) barWidth() float64 {
	if len(s.X) > 1 {
		return float64(s.X[1] - s.X[0])
	}
	return 1
}

func (f *Figure) bars(b *strings.Builder, p plotArea, s Series, bar int) {
	width := s.barWidth()
	for i := range s.Y {
		if !s.Y[i].Defined() || s.Y[i] == 0 {
			continue
		}
		x, w := p.x(float64(s.X[i])-width/2), p.x(float64(s.X[i])+width/2)
		y, zero := p.y(float64(s.Y[i])), p.y(math.Max(0, p.yScale.lo))
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`, px(x), px(min(y, zero)), px(w-x),
			px(math.Abs(zero-y)), f.fill(bar))
	}
}

// horizontalBars draws set number bar of bars, with whiskers where Low and High
// are given.
func (f *Figure) horizontalBars(b *strings.Builder, p plotArea, s Series, bar, bars int) {
	row := (p.bottom - p.top) / float64(max(1, len(f.Y.Labels)))
	h := row * 0.68 / float64(max(1, bars))
	for i := range s.X {
		if !s.X[i].Defined() {
			continue
		}
		top := p.top + row*float64(i) + row*0.16 + h*float64(bar)
		x, zero := p.x(float64(s.X[i])), p.x(math.Min(math.Max(0, p.xScale.lo), p.xScale.hi))
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`, px(min(x, zero)), px(top),
			px(math.Max(0.8, math.Abs(x-zero))), px(h), f.fill(bar))
		if i < len(s.Low) && s.Low[i].Defined() && s.High[i].Defined() {
			lo, hi, mid := p.x(float64(s.Low[i])), p.x(float64(s.High[i])), top+h/2
			fmt.Fprintf(b, `<path stroke="#000" stroke-width="1.3" fill="none" d="M%s %sH%sM%s %sV%sM%s %sV%s"/>`,
				px(lo), px(mid), px(hi), px(lo), px(mid-4), px(mid+4), px(hi), px(mid-4), px(mid+4))
		}
	}
}
