// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Light is the word of a verdict.
type Light string

// The lights, from best to worst.
const (
	Pass       Light = "pass"
	Look       Light = "look"
	CannotTell Light = "cannot tell" // too few rows, an interval too wide, or an input that was not given
	Fail       Light = "fail"
)

var severity = map[Light]int{Pass: 0, Look: 1, CannotTell: 2, Fail: 3}

// worse reports whether a counts before than among findings under one
// question.
func worse(a, than Light) bool { return severity[a] > severity[than] }

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

// Grounds are the rows that a verdict rests on, and the least that it takes.
type Grounds struct {
	Rows         int    `json:"rows"` // 0 = nothing was measured: the finding names what was not given
	Bad          int    `json:"bad"`
	LeastRows    int    `json:"least_rows"`
	LeastOfClass int    `json:"least_of_class"` // bad rows, and good rows; 0 = the classes do not matter
	Of           string `json:"of,omitempty"`   // what the rows are, where not all evaluated ones
	certain      bool   // a failure holds whatever the number of rows
}

// Enough reports whether the rows suffice.
func (g Grounds) Enough() bool {
	return g.Rows >= g.LeastRows && g.Bad >= g.LeastOfClass && g.Rows-g.Bad >= g.LeastOfClass
}

// String words the grounds.
func (g Grounds) String() string {
	if g.Rows == 0 && g.LeastOfClass == 0 && g.LeastRows <= 1 {
		return "nothing was measured, as the input was not given"
	}
	count := func(n int) string { return numfmt.Count.Print(float64(n)) }
	s := fmt.Sprintf("rests on %s rows", count(g.Rows))
	if g.Of != "" {
		s += " (" + g.Of + ")"
	}
	if g.LeastOfClass > 0 {
		return s + fmt.Sprintf(", %s of them bad; takes %s bad and %s good", count(g.Bad),
			count(g.LeastOfClass), count(g.LeastOfClass))
	}
	return s + "; takes at least " + count(max(1, g.LeastRows))
}

// classes are grounds of so many rows of each class, of the evaluated rows.
func (b *builder) classes(least int) Grounds {
	g := b.curve.grounds("")
	g.LeastOfClass = least
	return g
}

// rows are grounds of so many evaluated rows.
func (b *builder) rows(least int) Grounds {
	g := b.curve.grounds("")
	g.LeastRows = least
	return g
}

// grounds are a curve's rows; where rows have weights, the rows of equal weight
// that say as much.
func (c *Curve) grounds(of string) Grounds {
	if c.weight == nil {
		return Grounds{Rows: c.Rows(), Bad: c.Bad, Of: of}
	}
	bad, good := c.badMass.worth(), c.goodMass.worth()
	return Grounds{Rows: bad + good, Bad: bad, Of: strings.TrimPrefix(of+", ", ", ") +
		fmt.Sprintf("which %s rows of unequal weight are worth", numfmt.Count.Print(float64(c.Rows())))}
}

// notGiven are the grounds of a question whose input is not there: no row was
// looked at.
func notGiven() Grounds { return Grounds{LeastRows: 1} }

// verdict enters a line. On too few rows it is "cannot tell", whatever was
// found, but for a failure that is certain.
func (b *builder) verdict(question string, light Light, section, finding, threshold string, g Grounds) {
	if !g.Enough() && !(light == Fail && g.certain) {
		light = CannotTell
		if g.Rows > 0 {
			finding = "too few rows: " + finding
		}
	}
	b.rep.Verdicts = append(b.rep.Verdicts, Verdict{question, light, finding, threshold, section, g})
}

// notAsked enters lines of questions whose input was not given: what is not known
// has its line, too.
func (b *builder) notAsked(section, why string, questions ...string) {
	for _, q := range questions {
		b.verdict(q, CannotTell, section, why, "–", notGiven())
	}
}

// countLights sums the verdicts up in a sentence, the worst first.
func countLights(verdicts []Verdict) string {
	n := map[Light]int{}
	for _, v := range verdicts {
		n[v.Light]++
	}
	var out []string
	for _, l := range []Light{Fail, CannotTell, Look, Pass} {
		if n[l] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[l], l))
		}
	}
	return fmt.Sprintf("Of %d questions: %s.", len(verdicts), strings.Join(out, ", "))
}

// judge turns a value into a light: a failure past fail, a look past look. What
// is not defined cannot be told. rising says that larger is better.
func judge(x, look, fail float64, rising bool) Light {
	if rising {
		x, look, fail = -x, -look, -fail
	}
	switch {
	case math.IsNaN(x):
		return CannotTell
	case x > fail:
		return Fail
	case x > look:
		return Look
	}
	return Pass
}

// judgeInterval judges a value, of which less is better, by itself and by its
// interval. It passes up to look when the interval ends by fail; it fails past
// fail when the interval begins past look; an interval from within look to past
// fail says nothing.
func judgeInterval(e Estimate, look, fail float64) Light {
	x, low, high := float64(e.Value), float64(e.Low), float64(e.High)
	switch {
	case math.IsNaN(x) || math.IsNaN(low) || math.IsNaN(high):
		return CannotTell
	case x > fail && low > look:
		return Fail
	case x <= look && high <= fail:
		return Pass
	case low <= look && high > fail:
		return CannotTell
	}
	return Look
}

// judgeWords says what judgeInterval does, for a verdict's thresholds.
func judgeWords(look, fail string) string {
	return fmt.Sprintf("pass up to %s with the interval up to %s; fail past %s with the whole interval past %s; "+
		"cannot tell when the interval reaches from within %s to past %s", look, fail, fail, look, look, fail)
}
