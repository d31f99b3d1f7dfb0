// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// classes are grounds of so many rows of each class, of the evaluated rows.
func (b *builder) classes(least int) document.Grounds {
	g := groundsOf(b.curve, "")
	g.LeastOfClass = least
	return g
}

// rows are grounds of so many evaluated rows.
func (b *builder) rows(least int) document.Grounds {
	g := groundsOf(b.curve, "")
	g.LeastRows = least
	return g
}

// grounds are a curve's rows; where rows have weights, the rows of equal weight
// that say as much.
func groundsOf(c *eval.Curve, of string) document.Grounds {
	if !c.Weighted() {
		return document.Grounds{Rows: c.Rows(), Bad: c.Bad, Of: of}
	}
	bad, good := c.BadTally.WholeRows(), c.GoodTally.WholeRows()
	return document.Grounds{Rows: bad + good, Bad: bad, Of: strings.TrimPrefix(of+", ", ", ") +
		fmt.Sprintf("which %s rows of unequal weight are worth", numfmt.Count.Print(float64(c.Rows())))}
}

// notGiven are the grounds of a question whose input is not there: no row was
// looked at.
func notGiven() document.Grounds { return document.Grounds{LeastRows: 1} }

// verdict enters a line. On too few rows it is "cannot tell", whatever was
// found, but for a failure that is certain.
func (b *builder) verdict(question string, light document.Light, section, finding,
	threshold string, g document.Grounds) {
	if !g.Enough() && !(light == document.Fail && g.Certain) {
		light = document.CannotTell
		if g.Rows > 0 {
			finding = "too few rows: " + finding
		}
	}
	b.report.Verdicts = append(b.report.Verdicts, document.Verdict{Question: question, Light: light,
		Finding: finding, Threshold: threshold, Section: section, Grounds: g})
}

// notAsked enters lines of questions whose input was not given: what is not known
// has its line, too.
func (b *builder) notAsked(section, why string, questions ...string) {
	for _, q := range questions {
		b.verdict(q, document.CannotTell, section, why, "–", notGiven())
	}
}

// countLights sums the verdicts up in a sentence, the worst first.
func countLights(verdicts []document.Verdict) string {
	n := map[document.Light]int{}
	for _, v := range verdicts {
		n[v.Light]++
	}
	var out []string
	for _, l := range []document.Light{document.Fail, document.CannotTell, document.Look, document.Pass} {
		if n[l] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[l], l))
		}
	}
	return fmt.Sprintf("Of %d questions: %s.", len(verdicts), strings.Join(out, ", "))
}

// judge turns a value into a light: a failure past fail, a look past look. What
// is not defined cannot be told. rising says that larger is better.
func judge(x, look, fail float64, rising bool) document.Light {
	if rising {
		x, look, fail = -x, -look, -fail
	}
	switch {
	case math.IsNaN(x):
		return document.CannotTell
	case x > fail:
		return document.Fail
	case x > look:
		return document.Look
	}
	return document.Pass
}

// judgeInterval judges a value, of which less is better, by itself and by its
// interval. It passes up to look when the interval ends by fail; it fails past
// fail when the interval begins past look; an interval from within look to past
// fail says nothing.
func judgeInterval(e eval.Estimate, look, fail float64) document.Light {
	x, low, high := float64(e.Value), float64(e.Low), float64(e.High)
	switch {
	case math.IsNaN(x) || math.IsNaN(low) || math.IsNaN(high):
		return document.CannotTell
	case x > fail && low > look:
		return document.Fail
	case x <= look && high <= fail:
		return document.Pass
	case low <= look && high > fail:
		return document.CannotTell
	}
	return document.Look
}

// judgeWords says what judgeInterval does, for a verdict's thresholds.
func judgeWords(look, fail string) string {
	return fmt.Sprintf("pass up to %s with the interval up to %s; fail past %s with the whole interval past %s; "+
		"cannot tell when the interval reaches from within %s to past %s", look, fail, fail, look, look, fail)
}
