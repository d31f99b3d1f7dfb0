// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The drawing is our own: gonum/plot writes text as paths of one font and has
// neither titles nor descriptions, so that a screen reader finds nothing and a
// reader can copy nothing. Series differ in dash and shape first and in colour
// second (Okabe and Ito's palette, which colour-blind readers tell apart).
const (
	canvasW  = 520.0
	fontSize = 14.0
)

// textWidth estimates the advance of a text in a wide sans-serif face.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r == ' ' || r == '.' || r == ',' || r == 'i' || r == 'l' || r == '\u202f' || r == '(' || r == ')':
			w += 4.8
		case r == 'm' || r == 'w' || r == 'M' || r == 'W':
			w += 12.5
		case r >= 'A' && r <= 'Z' || r == '%' || r == '≤' || r == '−':
			w += 10
		case r >= '0' && r <= '9' || r == '_':
			w += 8.8
		default:
			w += 8
		}
	}
	return w
}

func widest(labels []string, clipped int) float64 {
	w := 0.0
	for _, l := range labels {
		w = math.Max(w, textWidth(clip(l, clipped)))
	}
	return w
}

var strokes = [...]struct{ colour, dash string }{
	{"#000000", ""},
	{"#0072B2", "9 5"},
	{"#D55E00", "2 4"},
	{"#009E73", "12 4 2 4"},
	{"#CC79A7", "6 3"},
	{"#8A6D00", "1 6"},
}

// plotArea is the rectangle of the data and the scales onto it.
type plotArea struct {
	left, top, right, bottom float64
	x0, x1, y0, y1           float64
}

func (p plotArea) x(v float64) float64 {
	return p.left + (v-p.x0)/(p.x1-p.x0)*(p.right-p.left)
}

func (p plotArea) y(v float64) float64 {
	return p.bottom - (v-p.y0)/(p.y1-p.y0)*(p.bottom-p.top)
}

// SVG returns the figure as one svg element with a title and a description.
func (f *Figure) SVG() string {
	var b strings.Builder
	lying := len(f.Y.Labels) > 0
	p := plotArea{right: canvasW - 30}
	p.x0, p.x1 = f.bounds(f.X, true)
	p.y0, p.y1 = f.bounds(f.Y, false)
	for _, v := range ticks(p.y0, p.y1) {
		p.left = math.Max(p.left, 34+textWidth(tickText(v, f.Y.Format, p.y0, p.y1)))
	}
	legend, legendH := f.legend(p)
	p.top = 14 + legendH
	p.bottom = p.top + 270
	height := p.bottom + 52
	if lying {
		p.left = 14 + widest(f.Y.Labels, 26)
		p.y0, p.y1 = float64(len(f.Y.Labels))-0.5, -0.5 // first label on top
		p.bottom = p.top + 25*float64(len(f.Y.Labels)) + 8
		height = p.bottom + 52
	}
	turned := turnLabels(f.X.Labels, p)
	if turned {
		height += 0.77*widest(f.X.Labels, 18) - 6
	}
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d" font-size="%s">`,
		px(canvasW), px(height), f.ID, f.ID, px(fontSize))
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, f.ID, html.EscapeString(f.Title), f.ID,
		html.EscapeString(f.Alt))
	edge := 1.0 // beyond the axes, that lines at a bound show; marks are larger
	if f.marked() {
		edge = 6
	}
	fmt.Fprintf(&b,
		`<defs><pattern id="%s-h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="2.4" height="6" fill="#0072B2"/></pattern><clipPath id="%s-c"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath></defs>`,
		f.ID, f.ID, px(p.left-edge), px(p.top-edge), px(p.right-p.left+2*edge), px(p.bottom-p.top+2*edge))
	b.WriteString(legend)
	f.axisX(&b, p, height, turned)
	f.axisY(&b, p, lying)
	fmt.Fprintf(&b, `<g clip-path="url(#%s-c)">`, f.ID)
	style := 0
	for _, s := range f.Series {
		if s.Mark == Reference {
			f.line(&b, p, s, `stroke="#666" stroke-width="1.2" stroke-dasharray="3 3"`)
		}
	}
	bars := 0
	for _, s := range f.Series {
		if s.Mark == Bars || s.Mark == HBars {
			bars++
		}
	}
	bar := 0
	for _, s := range f.Series {
		st := strokes[style%len(strokes)]
		switch s.Mark {
		case Reference:
			continue
		case Line:
			f.line(&b, p, s,
				fmt.Sprintf(`stroke="%s" stroke-width="2.2" stroke-linejoin="round" stroke-dasharray="%s"`, st.colour,
					st.dash))
		case Dots:
			f.dots(&b, p, s, style)
		case Bars:
			f.bars(&b, p, s, bar)
			bar++
		case HBars:
			f.lyingBars(&b, p, s, bar, bars)
			bar++
		}
		style++
	}
	b.WriteString(`</g></svg>`)
	return b.String()
}

// marked reports whether points are drawn.
func (f *Figure) marked() bool {
	return slices.ContainsFunc(f.Series, func(s Series) bool { return s.Mark == Dots })
}

func (f *Figure) line(b *strings.Builder, p plotArea, s Series, attrs string) {
	fmt.Fprintf(b, `<path fill="none" %s d="`, attrs)
	pen := "M"
	for i := range s.Y {
		if !s.X[i].Defined() || !s.Y[i].Defined() {
			pen = "M"
			continue
		}
		fmt.Fprintf(b, "%s%s %s", pen, px(p.x(float64(s.X[i]))), px(p.y(float64(s.Y[i]))))
		pen = "L"
	}
	b.WriteString(`"/>`)
}

func (f *Figure) dots(b *strings.Builder, p plotArea, s Series, style int) {
	colour := strokes[style%len(strokes)].colour
	size := 4.2
	if len(s.Y) > 150 {
		size = 2
	}
	for i := range s.Y {
		if !s.X[i].Defined() || !s.Y[i].Defined() {
			continue
		}
		x, y := p.x(float64(s.X[i])), p.y(float64(s.Y[i]))
		if i < len(s.Low) && s.Low[i].Defined() && s.High[i].Defined() {
			lo, hi := p.y(float64(s.Low[i])), p.y(float64(s.High[i]))
			fmt.Fprintf(b, `<path stroke="%s" stroke-width="1.3" fill="none" d="M%s %sV%sM%s %sH%sM%s %sH%s"/>`, colour,
				px(x), px(lo), px(hi), px(x-4), px(lo), px(x+4), px(x-4), px(hi), px(x+4))
		}
		b.WriteString(shape(style, x, y, size))
	}
}

// shape draws a point of a series: disc, hollow square, triangle, diamond.
func shape(style int, x, y, r float64) string {
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

// fills of the first and second set of bars: grey and hatched.
func (f *Figure) fill(bar int) string {
	if bar%2 == 0 {
		return `fill="#8f8f8f" stroke="#444" stroke-width="0.8"`
	}
	return fmt.Sprintf(`fill="url(#%s-h)" stroke="#0072B2" stroke-width="0.8" fill-opacity="0.75"`, f.ID)
}

func (f *Figure) bars(b *strings.Builder, p plotArea, s Series, bar int) {
	width := 1.0
	if len(s.X) > 1 {
		width = float64(s.X[1] - s.X[0])
	}
	for i := range s.Y {
		if !s.Y[i].Defined() || s.Y[i] == 0 {
			continue
		}
		x, w := p.x(float64(s.X[i])-width/2), p.x(float64(s.X[i])+width/2)
		y, zero := p.y(float64(s.Y[i])), p.y(math.Max(0, p.y0))
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`, px(x), px(min(y, zero)), px(w-x),
			px(math.Abs(zero-y)), f.fill(bar))
	}
}

func (f *Figure) lyingBars(b *strings.Builder, p plotArea, s Series, bar, bars int) {
	row := (p.bottom - p.top) / float64(max(1, len(f.Y.Labels)))
	h := row * 0.68 / float64(max(1, bars))
	for i := range s.X {
		if !s.X[i].Defined() {
			continue
		}
		top := p.top + row*float64(i) + row*0.16 + h*float64(bar)
		x, zero := p.x(float64(s.X[i])), p.x(math.Min(math.Max(0, p.x0), p.x1))
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`, px(min(x, zero)), px(top),
			px(math.Max(0.8, math.Abs(x-zero))), px(h), f.fill(bar))
		if i < len(s.Low) && s.Low[i].Defined() && s.High[i].Defined() {
			lo, hi, mid := p.x(float64(s.Low[i])), p.x(float64(s.High[i])), top+h/2
			fmt.Fprintf(b, `<path stroke="#000" stroke-width="1.3" fill="none" d="M%s %sH%sM%s %sV%sM%s %sV%s"/>`,
				px(lo), px(mid), px(hi), px(lo), px(mid-4), px(mid+4), px(hi), px(mid-4), px(mid+4))
		}
	}
}

// px prints a coordinate to a tenth of a pixel.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0")
}

// clip shortens a label to n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
