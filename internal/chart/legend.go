// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html"
	"strings"
)

// legend draws a row of samples above the plot, wrapped, when there is more
// than one named series. It returns its height.
func (f *Figure) legend() (string, float64) {
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
		own := style
		if s.Mark != Reference {
			style++
		}
		if s.Name == "" {
			continue
		}
		w := 44 + textWidth(s.Name)
		if x+w > canvasWidth-8 && x > 14 {
			x, y = 14, y+22
		}
		f.sample(&b, s.Mark, own, bar, x, y)
		if s.Mark == Bars || s.Mark == HBars {
			bar++
		}
		fmt.Fprintf(&b, `<text x="%s" y="%s">%s</text>`, px(x+33), px(y+5), html.EscapeString(s.Name))
		x += w + 6
	}
	return b.String(), y + 8
}

// sample shows at x and y how a series is drawn.
func (f *Figure) sample(b *strings.Builder, m Mark, style, bar int, x, y float64) {
	st := strokes[style%len(strokes)]
	switch m {
	case Reference:
		fmt.Fprintf(b, `<path %s d="M%s %sh28"/>`, referenceStroke, px(x), px(y))
	case Line, LinePoints:
		fmt.Fprintf(b, `<path stroke="%s" stroke-width="2.2" stroke-dasharray="%s" d="M%s %sh28"/>`,
			st.colour, st.dash, px(x), px(y))
	}
	switch m {
	case Dots, LinePoints:
		b.WriteString(point(style, x+14, y, pointRadius))
	case Bars, HBars:
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="22" height="12" %s/>`, px(x+4), px(y-6), f.fill(bar))
	}
}
