// SPDX-License-Identifier: Apache-2.0

// Package figure is the one form in which benchmarks print what they measured,
// and reads it back, one line per figure:
//
//	KIND name value [low high runs]
//
// KIND is in capitals (RATIO, NS, MB, ...); value is the median of the runs, low
// and high are the least and the greatest. A line of another form is meant for
// people and is not a figure. TestLines is the proof.
package figure

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Figure is one measured value.
type Figure struct {
	Kind  string  `json:"kind"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Low and High are the least and the greatest run, equal to Value if Runs is 0 or 1.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Runs int     `json:"runs,omitempty"`
}

// One is a figure that was measured once.
func One(kind, name string, value float64) Figure {
	return Figure{Kind: kind, Name: name, Value: value, Low: value, High: value, Runs: 1}
}

// Of is the median of the runs, with their least and greatest.
func Of(kind, name string, runs []float64) Figure {
	if len(runs) == 0 {
		return Figure{Kind: kind, Name: name}
	}
	return Figure{kind, name, Median(runs), slices.Min(runs), slices.Max(runs), len(runs)}
}

// Over is the ratio of two medians. Its least and greatest are those of the
// ratios of pairs of runs that were made in turn, above[i] with below[i].
func Over(name string, above, below []float64) Figure {
	var each []float64
	for i := range min(len(above), len(below)) {
		each = append(each, above[i]/below[i])
	}
	f := Of("RATIO", name, each)
	f.Value = Median(above) / Median(below)
	// The ratio of medians may lie outside the ratios of pairs.
	f.Low, f.High = min(f.Low, f.Value), max(f.High, f.Value)
	return f
}

// String is the line that Parse reads.
func (f Figure) String() string {
	s := fmt.Sprintf("%s %s %s", f.Kind, f.Name, number(f.Value))
	if f.Runs > 1 {
		s += fmt.Sprintf(" %s %s %d", number(f.Low), number(f.High), f.Runs)
	}
	return s
}

// number writes six significant digits, and all digits of a whole number.
func number(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// Read returns the figures among the lines of r.
func Read(r io.Reader) ([]Figure, error) {
	var out []Figure
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if f, ok := Parse(s.Text()); ok {
			out = append(out, f)
		}
	}
	return out, s.Err()
}

// Parse reads one line; ok is false if it is not a figure.
func Parse(line string) (f Figure, ok bool) {
	w := strings.Fields(line)
	if len(w) != 3 && len(w) != 6 {
		return f, false
	}
	if strings.Trim(w[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || strings.ContainsAny(w[1], "=|") {
		return f, false
	}
	v, err := strconv.ParseFloat(w[2], 64)
	if err != nil {
		return f, false
	}
	f = Figure{Kind: w[0], Name: w[1], Value: v, Low: v, High: v}
	if len(w) == 3 {
		return f, true
	}
	var e1, e2, e3 error
	f.Low, e1 = strconv.ParseFloat(w[3], 64)
	f.High, e2 = strconv.ParseFloat(w[4], 64)
	f.Runs, e3 = strconv.Atoi(w[5])
	return f, e1 == nil && e2 == nil && e3 == nil
}

// Milliseconds is a duration as a number of milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Median returns the middle value of x, the mean of the two middle ones when
// their number is even, and 0 for none. x keeps its order.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	y := slices.Sorted(slices.Values(x))
	if n := len(y); n%2 == 0 {
		return (y[n/2-1] + y[n/2]) / 2
	}
	return y[len(y)/2]
}
