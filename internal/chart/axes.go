// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// labelsOverlap reports whether the labels of the X axis would touch if they
// were not slanted.
func labelsOverlap(labels []string, p plotArea) bool {
	w := 0.0
	for _, l := range labels {
		w = math.Max(w, textWidth(l)+10)
	}
	return w*float64(len(labels)) > p.right-p.left
}

// tickEvery returns 1, or 2, 3, ... where the texts of neighbouring ticks would
// touch and only every second, third, ... can be printed.
func tickEvery(at []float64, p plotArea) int {
	if len(at) < 2 || p.xScale.log {
		return 1
	}
	w := 0.0
	for _, v := range at {
		w = math.Max(w, textWidth(p.xScale.tickText(v))+8)
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

func (f *Figure) axisX(b *strings.Builder, p plotArea, height float64, slanted bool) {
	if len(f.X.Labels) > 0 {
		f.labelsX(b, p, slanted)
	} else {
		f.ticksX(b, p)
	}
	fmt.Fprintf(b, `<path stroke="#333" d="M%s %sH%s"/>`, px(p.left), px(p.bottom), px(p.right))
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle" fill="#333">%s</text>`, px((p.left+p.right)/2),
		px(height-9), html.EscapeString(f.X.Label))
}

func (f *Figure) labelsX(b *strings.Builder, p plotArea, slanted bool) {
	n, every := len(f.X.Labels), 1
	if slanted {
		every = max(1, int(math.Ceil(float64(n)*18/(p.right-p.left))))
	}
	for i := 0; i < n; i += every {
		x := p.x(float64(i))
		if slanted {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end" transform="rotate(-50 %s %s)">%s</text>`,
				px(x+5), px(p.bottom+14), px(x+5), px(p.bottom+14), html.EscapeString(Clip(f.X.Labels[i], maxXLabel)))
		} else {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(x), px(p.bottom+19),
				html.EscapeString(f.X.Labels[i]))
		}
	}
}

func (f *Figure) ticksX(b *strings.Builder, p plotArea) {
	at := p.xScale.ticks()
	every, zero := tickEvery(at, p), zeroTick(at)
	for k, v := range at {
		x := p.x(v)
		fmt.Fprintf(b, `<path stroke="#e2e2e2" d="M%s %sV%s"/>`, px(x), px(p.top), px(p.bottom))
		if text := p.xScale.tickText(v); text != "" && k%every == zero%every {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(x), px(p.bottom+19), text)
		}
	}
	if p.xScale.lo < 0 && p.xScale.hi > 0 {
		fmt.Fprintf(b, `<path stroke="#888" d="M%s %sV%s"/>`, px(p.x(0)), px(p.top), px(p.bottom))
	}
}

func (f *Figure) axisY(b *strings.Builder, p plotArea) {
	if rows := len(f.Y.Labels); rows > 0 {
		row := (p.bottom - p.top) / float64(rows)
		for i, l := range f.Y.Labels {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end">%s</text>`, px(p.left-8),
				px(p.top+row*(float64(i)+0.5)+5), html.EscapeString(Clip(l, maxYLabel)))
		}
		fmt.Fprintf(b, `<path stroke="#333" d="M%s %sV%s"/>`, px(p.left), px(p.top), px(p.bottom))
		return
	}
	for _, v := range p.yScale.ticks() {
		y := p.y(v)
		fmt.Fprintf(b, `<path stroke="#e2e2e2" d="M%s %sH%s"/>`, px(p.left), px(y), px(p.right))
		if text := p.yScale.tickText(v); text != "" {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end">%s</text>`, px(p.left-7), px(y+5), text)
		}
	}
	fmt.Fprintf(b, `<path stroke="#333" d="M%s %sV%s"/>`, px(p.left), px(p.top), px(p.bottom))
	mid := (p.top + p.bottom) / 2
	fmt.Fprintf(b, `<text x="16" y="%s" text-anchor="middle" fill="#333" transform="rotate(-90 16 %s)">%s</text>`,
		px(mid), px(mid), html.EscapeString(f.Y.Label))
}
