// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"

	"github.com/assayrisk/assay/internal/numfmt"
)

// leastOfClass is how many bad and how many good rows an AUC of a part of the
// sample takes. With fewer its interval spans most of the scale, and DeLong's
// normal approximation does not hold.
const leastOfClass = 10

// fewWords stands in the caption of each table that leaves such AUCs out.
var fewWords = fmt.Sprintf("AUC takes %d bad and %d good rows; with fewer there is a dash.", leastOfClass, leastOfClass)

// enough returns DeLong's estimate, undefined where a class has too few rows.
func (c *Curve) enough() Estimate {
	e := c.Area()
	if c.badMass.worth() < leastOfClass || c.goodMass.worth() < leastOfClass {
		e.Value, e.Low, e.High = numfmt.NaN(), numfmt.NaN(), numfmt.NaN()
	}
	return e
}
