// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"math"
	"strings"
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

// maxTextWidth is the width of the widest label, each shortened to n characters.
func maxTextWidth(labels []string, n int) float64 {
	w := 0.0
	for _, l := range labels {
		w = math.Max(w, textWidth(Clip(l, n)))
	}
	return w
}

// Clip shortens a label to n characters, the last of which is then an ellipsis.
func Clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// px prints a coordinate to a tenth of a pixel.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0")
}
