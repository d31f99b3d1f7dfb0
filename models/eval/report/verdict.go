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

// classes are the evaluated rows as grounds that need least rows of each class.
func (b *builder) classes(least int) document.Grounds {
	g := groundsOf(b.curve, "")
	g.LeastOfClass = least
	return g
}

// rows are the evaluated rows as grounds that need least rows in all.
func (b *builder) rows(least int) document.Grounds {
	g := groundsOf(b.curve, "")
	g.LeastRows = least
	return g
}

// groundsOf counts the rows of a curve; where rows have weights, the effective
// number of rows. of says which rows they are.
func groundsOf(c *eval.Curve, of string) document.Grounds {
	if !c.Weighted() {
		return document.Grounds{Rows: c.Rows(), Bad: c.Bad, Of: of}
	}
	bad, good := c.BadTally.WholeRows(), c.GoodTally.WholeRows()
	return document.Grounds{Rows: bad + good, Bad: bad, Of: strings.TrimPrefix(of+", ", ", ") +
		fmt.Sprintf("the effective number of %s weighted rows", numfmt.Count.Print(float64(c.Rows())))}
}

// notGiven are the grounds of a question whose input was not given: no rows.
func notGiven() document.Grounds { return document.Grounds{LeastRows: 1} }

// verdict adds a line to the summary. On too few rows the light is "cannot tell",
// whatever was found, unless the failure is certain.
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

// notAsked adds a line "cannot tell" for each question whose input was not given.
func (b *builder) notAsked(section, why string, questions ...string) {
	for _, q := range questions {
		b.verdict(q, document.CannotTell, section, why, "–", notGiven())
	}
}

// countLights is a sentence with the number of verdicts of each light, worst first.
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

// judge turns a value into a light: fail beyond the bound fail, look beyond the
// bound look, cannot tell for NaN. rising means that larger values are better.
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

// judgeInterval judges a value, of which less is better, together with its
// interval. A value up to look passes when the interval ends by fail; a value above
// fail fails when the whole interval lies above look; an interval that runs from
// look or less to above fail cannot tell.
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

// intervalRule describes the rule of judgeInterval in a verdict's thresholds.
func intervalRule(look, fail string) string {
	return fmt.Sprintf("pass up to %s if the interval ends by %s; fail above %s if the whole interval lies above %s; "+
		"cannot tell when the interval runs from %s or less to above %s", look, fail, fail, look, look, fail)
}
