// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/internal/numfmt"
)

// scale maps the values of an axis from lo to hi onto 0 to 1. lo may be above
// hi, for an axis that runs the other way.
type scale struct {
	lo, hi float64
	log    bool
	format numfmt.Format
}

// fraction is 0 at lo and 1 at hi.
func (s scale) fraction(v float64) float64 {
	if s.log {
		return math.Log(v/s.lo) / math.Log(s.hi/s.lo)
	}
	return (v - s.lo) / (s.hi - s.lo)
}

// has reports whether a value has a place on the axis.
func (s scale) has(v numfmt.Number) bool { return v.Defined() && (!s.log || v > 0) }

// scale returns that of an axis: over the range that is declared or that of the
// data, widened to round numbers. The range is never empty.
func (f *Figure) scale(a Axis, horizontal bool) scale {
	s := scale{log: a.Log, format: a.Format}
	switch n := len(a.Labels); {
	case n > 0:
		s.lo, s.hi = -0.5, float64(n)-0.5
	case a.Min != a.Max && s.has(a.Min) && s.has(a.Max):
		s.lo, s.hi = float64(a.Min), float64(a.Max)
	case a.Log:
		s.lo, s.hi = widenLog(f.dataRange(s, horizontal))
	default:
		s.lo, s.hi = f.widen(f.dataRange(s, horizontal))
	}
	return s
}

// dataRange is that of the values along an axis, and of zero, where bars start
// from it. It is lo > hi where there are none.
func (f *Figure) dataRange(sc scale, horizontal bool) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	include := func(vs []numfmt.Number) {
		for _, v := range vs {
			if sc.has(v) {
				lo, hi = math.Min(lo, float64(v)), math.Max(hi, float64(v))
			}
		}
	}
	for _, s := range f.Series {
		if horizontal {
			include(s.X)
		} else {
			include(s.Y)
		}
		if horizontal == (s.Mark == HBars) {
			include(s.Low)
			include(s.High)
		}
		if s.Mark == Bars && horizontal && len(s.X) > 0 {
			half := numfmt.Number(s.barWidth() / 2)
			include([]numfmt.Number{s.X[0] - half, s.X[len(s.X)-1] + half})
		}
		if s.Mark == Bars && !horizontal || s.Mark == HBars && horizontal {
			lo, hi = math.Min(lo, 0), math.Max(hi, 0)
		}
	}
	return lo, hi
}

// widen takes the bounds of a linear axis out to its next ticks, and further
// where a point would lie on the frame.
func (f *Figure) widen(lo, hi float64) (float64, float64) {
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
	if f.hasPoints() {
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

// widenLog takes the bounds of a logarithmic axis a tenth of a decade out, and
// to at least a decade before that.
func widenLog(lo, hi float64) (float64, float64) {
	if lo > hi {
		return 1, 10
	}
	if hi/lo < 10 {
		middle := math.Sqrt(lo) * math.Sqrt(hi)
		lo, hi = middle/math.Sqrt(10), middle*math.Sqrt(10)
	}
	return lo / 1.25, hi * 1.25
}

// ticks are the values at which an axis has lines, in rising order.
func (s scale) ticks() []float64 {
	if s.log {
		return logTicks(s.lo, s.hi)
	}
	return ticks(s.lo, s.hi)
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

// logTicks are 1, 2 and 5 times the powers of ten; where more than eight
// decades are shown, the powers of ten alone.
func logTicks(lo, hi float64) []float64 {
	steps := []float64{1, 2, 5}
	if hi/lo > 1e8 {
		steps = steps[:1]
	}
	var out []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				out = append(out, v)
			}
		}
	}
	return out
}

// tickText prints a tick: with as many decimals as the step needs, or none at
// all between the powers of ten of a long logarithmic axis.
func (s scale) tickText(v float64) string {
	switch {
	case s.log && s.hi/s.lo >= 200 && !powerOfTen(v):
		return ""
	case s.log && s.format == numfmt.Plain:
		return shortNumber(v)
	case s.log:
		return s.format.Print(v)
	}
	return tickText(v, s.format, s.lo, s.hi)
}

func powerOfTen(v float64) bool {
	e := math.Log10(v)
	return math.Abs(e-math.Round(e)) < 1e-9
}

// shortNumber prints a tick of a logarithmic axis: 0.01, 5, 2k, 10M.
func shortNumber(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size*0.999 {
			return strconv.FormatFloat(v/unit.size, 'g', 3, 64) + unit.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// tickText prints a tick of a linear axis with as many decimals as the step
// needs.
func tickText(v float64, f numfmt.Format, lo, hi float64) string {
	step := tickStep(lo, hi)
	if f == numfmt.Percent {
		v, step = 100*v, 100*step
	}
	s := ""
	switch {
	case f == numfmt.Code && v == math.Trunc(v):
		return numfmt.Code.Print(v)
	case math.Abs(hi) >= 1e6 || step < 1e-6:
		s = fmt.Sprintf("%.3g", v)
	case math.Abs(v) >= 1000:
		s = numfmt.Thousands(fmt.Sprintf("%.0f", v))
	default:
		d := 0
		for x := step; x < 1-1e-9; x *= 10 {
			d++
		}
		s = fmt.Sprintf("%.*f", d, v)
	}
	if numfmt.IsZero(s) {
		s = strings.TrimLeft(s, "-")
	}
	s = numfmt.Minus(s)
	if f == numfmt.Percent {
		s += " %"
	}
	return s
}
