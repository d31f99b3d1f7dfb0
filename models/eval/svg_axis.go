// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// bounds returns the range of an axis: as declared, or of the data widened to
// round numbers. It never returns an empty range.
func (f *Figure) bounds(a Axis, horizontal bool) (lo, hi float64) {
	if n := len(a.Labels); n > 0 {
		return -0.5, float64(n) - 0.5
	}
	if a.Min != a.Max && a.Min.Defined() && a.Max.Defined() {
		return float64(a.Min), float64(a.Max)
	}
	lo, hi = math.Inf(1), math.Inf(-1)
	see := func(vs []Number) {
		for _, v := range vs {
			if v.Defined() {
				lo, hi = math.Min(lo, float64(v)), math.Max(hi, float64(v))
			}
		}
	}
	for _, s := range f.Series {
		values := s.Y
		if horizontal {
			values = s.X
		}
		see(values)
		if horizontal == (s.Mark == HBars) {
			see(s.Low)
			see(s.High)
		}
		if s.Mark == Bars && !horizontal || s.Mark == HBars && horizontal {
			lo, hi = math.Min(lo, 0), math.Max(hi, 0)
		}
	}
	if lo > hi {
		return 0, 1
	}
	if hi-lo <= 1e-12*math.Max(1, math.Abs(hi)) {
		pad := math.Max(0.5, math.Abs(hi)*0.05)
		return lo - pad, hi + pad
	}
	// Widening can call for a longer step; the bounds must be ticks of the last.
	l, h := lo, hi
	for range 3 {
		step := tickStep(l, h)
		l, h = math.Floor(lo/step+1e-9)*step, math.Ceil(hi/step-1e-9)*step
	}
	if f.marked() { // no mark lies on an axis
		pad := 0.02 * (h - l)
		if lo < l+pad {
			l -= pad
		}
		if hi > h-pad {
			h += pad
		}
	}
	return l, h
}

// tickStep returns 1, 2 or 5 times a power of ten that gives 4 to 8 steps.
func tickStep(lo, hi float64) float64 {
	raw := hi/5 - lo/5
	if !(raw > 1e-300 && raw < 1e300) {
		return math.Max(raw, 1e-300)
	}
	mag := 1.0
	for mag > raw {
		mag /= 10
	}
	for mag*10 <= raw {
		mag *= 10
	}
	switch r := raw / mag; {
	case r < 1.5:
		return mag
	case r < 3.5:
		return 2 * mag
	case r < 7.5:
		return 5 * mag
	}
	return 10 * mag
}

func ticks(lo, hi float64) []float64 {
	step := tickStep(lo, hi)
	var out []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step; k++ {
		out = append(out, k*step)
	}
	return out
}

// tickText prints a tick with as many decimals as the step needs.
func tickText(v float64, f Format, lo, hi float64) string {
	step := tickStep(lo, hi)
	if f == Percent {
		v, step = 100*v, 100*step
	}
	s := ""
	switch {
	case f == Code && v == math.Trunc(v):
		s = code(v)
	case math.Abs(hi) >= 1e6 || step < 1e-6:
		s = fmt.Sprintf("%.3g", v)
	case math.Abs(v) >= 1000:
		s = thousands(fmt.Sprintf("%.0f", v))
	default:
		d := 0
		for x := step; x < 1-1e-9; x *= 10 {
			d++
		}
		s = fmt.Sprintf("%.*f", d, v)
	}
	if zeroText(s) {
		s = strings.TrimLeft(s, "-")
	}
	s = minus(s)
	if f == Percent {
		s += " %"
	}
	return s
}

// turnLabels reports whether the labels of the X axis would overlap.
func turnLabels(labels []string, p plotArea) bool {
	w := 0.0
	for _, l := range labels {
		w = math.Max(w, textWidth(l)+10)
	}
	return w*float64(len(labels)) > p.right-p.left
}

// tickEvery returns 1, or 2, 3, ... where the texts of neighbouring ticks would
// touch and only every second, third, ... can be printed.
func tickEvery(at []float64, format Format, p plotArea) int {
	w := 0.0
	for _, v := range at {
		w = math.Max(w, textWidth(tickText(v, format, p.x0, p.x1))+8)
	}
	if len(at) < 2 {
		return 1
	}
	return max(1, int(math.Ceil(w/(p.x(at[1])-p.x(at[0])))))
}

// zeroTick returns the place of the tick at zero, which is always printed, or
// of the first.
func zeroTick(at []float64) int {
	for k, v := range at {
		if math.Abs(v) < 1e-12 {
			return k
		}
	}
	return 0
}

func (f *Figure) axisX(b *strings.Builder, p plotArea, height float64, turned bool) {
	if n := len(f.X.Labels); n > 0 {
		every := 1
		if turned {
			every = max(1, int(math.Ceil(float64(n)*18/(p.right-p.left))))
		}
		for i := 0; i < n; i += every {
			x := p.x(float64(i))
			if turned {
				fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end" transform="rotate(-50 %s %s)">%s</text>`,
					px(x+5), px(p.bottom+14), px(x+5), px(p.bottom+14), html.EscapeString(clip(f.X.Labels[i], 18)))
			} else {
				fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(x), px(p.bottom+19),
					html.EscapeString(f.X.Labels[i]))
			}
		}
	} else {
		at := ticks(p.x0, p.x1)
		every := tickEvery(at, f.X.Format, p)
		for k, v := range at {
			x := p.x(v)
			fmt.Fprintf(b, `<path stroke="#e2e2e2" d="M%s %sV%s"/>`, px(x), px(p.top), px(p.bottom))
			if k%every == zeroTick(at)%every {
				fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(x), px(p.bottom+19),
					tickText(v, f.X.Format, p.x0, p.x1))
			}
		}
		if p.x0 < 0 && p.x1 > 0 {
			fmt.Fprintf(b, `<path stroke="#888" d="M%s %sV%s"/>`, px(p.x(0)), px(p.top), px(p.bottom))
		}
	}
	fmt.Fprintf(b, `<path stroke="#333" d="M%s %sH%s"/>`, px(p.left), px(p.bottom), px(p.right))
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle" fill="#333">%s</text>`, px((p.left+p.right)/2),
		px(height-9), html.EscapeString(f.X.Label))
}

func (f *Figure) axisY(b *strings.Builder, p plotArea, lying bool) {
	if lying {
		row := (p.bottom - p.top) / float64(len(f.Y.Labels))
		for i, l := range f.Y.Labels {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end">%s</text>`, px(p.left-8),
				px(p.top+row*(float64(i)+0.5)+5), html.EscapeString(clip(l, 26)))
		}
		fmt.Fprintf(b, `<path stroke="#333" d="M%s %sV%s"/>`, px(p.left), px(p.top), px(p.bottom))
		return
	}
	for _, v := range ticks(p.y0, p.y1) {
		y := p.y(v)
		fmt.Fprintf(b, `<path stroke="#e2e2e2" d="M%s %sH%s"/>`, px(p.left), px(y), px(p.right))
		fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end">%s</text>`, px(p.left-7), px(y+5),
			tickText(v, f.Y.Format, p.y0, p.y1))
	}
	fmt.Fprintf(b, `<path stroke="#333" d="M%s %sV%s"/>`, px(p.left), px(p.top), px(p.bottom))
	mid := (p.top + p.bottom) / 2
	fmt.Fprintf(b, `<text x="16" y="%s" text-anchor="middle" fill="#333" transform="rotate(-90 16 %s)">%s</text>`,
		px(mid), px(mid), html.EscapeString(f.Y.Label))
}

// legend draws a row of samples above the plot, wrapped, when there is more
// than one named series. It returns its height.
func (f *Figure) legend(p plotArea) (string, float64) {
	named := 0
	for _, s := range f.Series {
		if s.Name != "" {
			named++
		}
	}
	if named < 2 {
		return "", 0
	}
	var b strings.Builder
	x, y, style, bar := 14.0, 16.0, 0, 0
	for _, s := range f.Series {
		st := strokes[style%len(strokes)]
		if s.Mark != Reference {
			style++
		}
		if s.Name == "" {
			continue
		}
		w := 44 + textWidth(s.Name)
		if x+w > canvasW-8 && x > 14 {
			x, y = 14, y+22
		}
		switch s.Mark {
		case Reference:
			fmt.Fprintf(&b, `<path stroke="#666" stroke-width="1.2" stroke-dasharray="3 3" d="M%s %sh28"/>`, px(x),
				px(y))
		case Line:
			fmt.Fprintf(&b, `<path stroke="%s" stroke-width="2.2" stroke-dasharray="%s" d="M%s %sh28"/>`,
				st.colour, st.dash, px(x), px(y))
		case Dots:
			b.WriteString(shape(style-1, x+14, y, 4.2))
		case Bars, HBars:
			fmt.Fprintf(&b, `<rect x="%s" y="%s" width="22" height="12" %s/>`, px(x+4), px(y-6), f.fill(bar))
			bar++
		}
		fmt.Fprintf(&b, `<text x="%s" y="%s">%s</text>`, px(x+33), px(y+5), html.EscapeString(s.Name))
		x += w + 6
	}
	return b.String(), y + 8
}
