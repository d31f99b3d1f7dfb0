// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// leastOfClass is how many bad, and how many good, rows an AUC of a part of the
// sample needs. With fewer, its interval spans most of the scale and DeLong's
// normal approximation does not hold.
const leastOfClass = 10

// fewRowsNote is part of the caption of each table that leaves such AUCs out.
var fewRowsNote = fmt.Sprintf("AUC needs at least %d bad and %d good rows; with fewer a dash is shown.",
	leastOfClass, leastOfClass)

// reliableAUC returns DeLong's estimate, undefined where a class has too few rows.
func reliableAUC(c *eval.Curve) eval.Estimate {
	e := c.Area()
	if c.BadTally.WholeRows() < leastOfClass || c.GoodTally.WholeRows() < leastOfClass {
		e.Value, e.Low, e.High = numfmt.NaN(), numfmt.NaN(), numfmt.NaN()
	}
	return e
}

// tieNote is part of the caption of each table that cuts through ties.
const tieNote = "Rows of equal score are treated alike, whatever their order in the file: where a cut falls among " +
	"them, each counts in proportion, so that counts can be fractions."

// countCell shows a count that ties may have made a fraction.
func countCell(x float64) document.Cell {
	if whole := math.Round(x); math.Abs(x-whole) < 1e-9 {
		return document.Value(whole)
	}
	return document.Value(x).As(numfmt.Fixed1)
}

// text, number and count are cells.
func text(s string) document.Cell    { return document.Words(s) }
func number(x float64) document.Cell { return document.Value(x) }
func count(n int) document.Cell      { return document.Count(n) }
