// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"time"
)

// Periods numbers the calendar months (UTC) that the times span, the first 0;
// months without rows between them are kept, so that a gap shows. A span of more
// than five years is cut into quarters, one of more than fifteen into years.
func Periods(at []time.Time) (names []string, code []int32) {
	code = make([]int32, len(at))
	lo, hi := 0, -1
	for i, t := range at {
		t = t.UTC()
		m := t.Year()*12 + int(t.Month()) - 1
		if i == 0 || m < lo {
			lo = m
		}
		if i == 0 || m > hi {
			hi = m
		}
		code[i] = int32(m)
	}
	width := 1
	switch span := hi - lo + 1; {
	case span > 15*12:
		width = 12
	case span > 5*12:
		width = 3
	}
	lo -= lo % width
	for m := lo; m <= hi; m += width {
		switch width {
		case 1:
			names = append(names, fmt.Sprintf("%04d-%02d", m/12, m%12+1))
		case 3:
			names = append(names, fmt.Sprintf("%04d-Q%d", m/12, m%12/3+1))
		default:
			names = append(names, fmt.Sprintf("%04d", m/12))
		}
	}
	for i := range code {
		code[i] = (code[i] - int32(lo)) / int32(width)
	}
	return names, code
}

// RateBy returns the bad rate of each code in 0..k-1, with its interval.
func RateBy(label, weight []float64, code []int32, k int) []Estimate {
	bad, all := make([]Tally, k), make([]Tally, k)
	for i, c := range code {
		if c < 0 {
			continue
		}
		w := WeightAt(weight, i)
		all[c].Add(w)
		if label[i] == 1 {
			bad[c].Add(w)
		}
	}
	out := make([]Estimate, k)
	for c := range out {
		out[c] = all[c].Rate(bad[c])
	}
	return out
}
