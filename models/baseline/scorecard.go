// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Attribute is one line of the printed scorecard: a bin of a variable and the
// points that a row in it gets. A row's points are the sum over variables;
// Config.PDO more points double the odds of good to bad.
type Attribute struct {
	Variable string
	Bin      string
	Rows     int
	Bad      int
	WOE      float64 // above 0: riskier than the average
	Points   float64
}

// LeftOut names the variables that earn no points, because their coefficient had
// the wrong sign when it was fitted with the others.
func (l *Logistic) LeftOut() []string {
	var out []string
	for j, b := range l.bins {
		if l.margin[j] == nil {
			out = append(out, b.name)
		}
	}
	return out
}

// Attributes returns the scorecard in full, without the variables left out.
// categories names the codes of each column; nil, or nil for a column, prints the
// codes.
func (l *Logistic) Attributes(categories [][]string) []Attribute {
	factor := l.config.PDO / math.Ln2
	offset := l.config.Base - float64(factor*bitmath.Log(l.config.Odds))
	share := (offset - float64(factor*l.Intercept)) / float64(len(l.bins)-len(l.LeftOut()))
	var out []Attribute
	for j, b := range l.bins {
		if l.margin[j] == nil {
			continue
		}
		var names []string
		if j < len(categories) {
			names = categories[j]
		}
		for k, t := range l.tally[j] {
			if t.rows() == 0 {
				continue
			}
			out = append(out, Attribute{b.name, b.label(k, names), t.rows(), t.bad, l.woe[j][k],
				share - float64(factor*l.margin[j][k])})
		}
	}
	return out
}

// Points returns the points of a row: the sum of its attributes' points.
func (l *Logistic) Points(x []float64) float64 {
	factor := l.config.PDO / math.Ln2
	return l.config.Base - float64(factor*bitmath.Log(l.config.Odds)) - float64(factor*l.Score(x))
}

func (b *binning) label(k int, names []string) string {
	switch {
	case k == b.bins-1:
		return "missing"
	case b.categorical && k == b.bins-2:
		return "other"
	case b.categorical:
		for code, s := range b.slot {
			if int(s) != k {
				continue
			}
			if code < len(names) {
				return names[code]
			}
			return "code " + strconv.Itoa(code)
		}
	case len(b.cuts) == 0:
		return "any value"
	case k == 0:
		return "up to " + shortNumber(b.cuts[0])
	case k == len(b.cuts):
		return "above " + shortNumber(b.cuts[k-1])
	}
	return fmt.Sprintf("above %s, up to %s", shortNumber(b.cuts[k-1]), shortNumber(b.cuts[k]))
}

func shortNumber(v float64) string {
	s := strconv.FormatFloat(v, 'g', 5, 64)
	if strings.Contains(s, "e") && math.Abs(v) < 1e9 && math.Abs(v) >= 1 {
		s = strconv.FormatFloat(v, 'f', 0, 64)
	}
	return s
}
