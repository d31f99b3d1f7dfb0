// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Light is the result of a verdict, printed as it is.
type Light string

// The lights, from best to worst.
const (
	Pass       Light = "pass"
	Look       Light = "look"
	CannotTell Light = "cannot tell" // too few rows, an interval too wide, or an input that was not given
	Fail       Light = "fail"
)

var severity = map[Light]int{Pass: 0, Look: 1, CannotTell: 2, Fail: 3}

// WorseThan reports whether the light is more severe than other: of several findings
// under one question the most severe decides.
func (l Light) WorseThan(other Light) bool { return severity[l] > severity[other] }

// Verdict is one line of the summary: what was asked, what came out, on how
// many rows, and where the light changes.
type Verdict struct {
	Question  string  `json:"question"`
	Light     Light   `json:"light"`
	Finding   string  `json:"finding"`
	Threshold string  `json:"threshold"`
	Section   string  `json:"section"` // id of the section that shows it
	Grounds   Grounds `json:"grounds"`
}

// Grounds are the rows that a verdict is based on, and the least that it needs.
type Grounds struct {
	Rows         int    `json:"rows"` // 0 = nothing was measured: the finding names what was not given
	Bad          int    `json:"bad"`
	LeastRows    int    `json:"least_rows"`
	LeastOfClass int    `json:"least_of_class"` // bad rows, and good rows; 0 = the classes do not matter
	Of           string `json:"of,omitempty"`   // which rows, where not all evaluated ones
	Certain      bool   `json:"-"`              // a failure counts whatever the number of rows
}

// Enough reports whether the rows suffice.
func (g Grounds) Enough() bool {
	return g.Rows >= g.LeastRows && g.Bad >= g.LeastOfClass && g.Rows-g.Bad >= g.LeastOfClass
}

// String describes the grounds in words.
func (g Grounds) String() string {
	if g.Rows == 0 && g.LeastOfClass == 0 && g.LeastRows <= 1 {
		return "nothing was measured, as the input was not given"
	}
	count := func(n int) string { return numfmt.Count.Print(float64(n)) }
	s := fmt.Sprintf("based on %s rows", count(g.Rows))
	if g.Of != "" {
		s += " (" + g.Of + ")"
	}
	if g.LeastOfClass > 0 {
		return s + fmt.Sprintf(", %s bad; needs %s bad and %s good", count(g.Bad),
			count(g.LeastOfClass), count(g.LeastOfClass))
	}
	return s + "; needs at least " + count(max(1, g.LeastRows))
}
