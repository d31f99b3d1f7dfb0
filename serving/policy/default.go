// SPDX-License-Identifier: Apache-2.0

package policy

import (
	_ "embed"
	"fmt"
	"strconv"
)

//go:embed default.yaml
var defaultYAML string

// Default returns the YAML of the policy that decides when none was chosen and
// the base rate is not known. It has cut-offs on the PD and fits any plan.
func Default() []byte { return []byte(defaultYAML) }

// baseRateTemplate is the default policy with verbs for the cut-offs.
const baseRateTemplate = `# Decides by the calibrated probability of default alone, and fits any plan. The cut-offs follow the base rate:
# of the training rows, %s %% were bad. They are a place to begin, not a credit policy: edit them.
name: default
description: Approve below %s %%, half the base rate; review below %s %%, one and a half times it; decline from there on.
cutoffs:
  review_from: %s
  decline_from: %s
rules:
  - name: extreme-margin
    description: A margin this high comes from values far outside what the model was trained on.
    when: margin > 12.0
    outcome: decline
`

// DefaultFor returns the default policy for a model whose training rows were bad
// at the given rate: where one loan in a hundred goes bad, cut-offs of 10 and 30
// per cent would approve them all.
func DefaultFor(rate float64) []byte {
	if !(rate > 0 && rate < 1) {
		return Default()
	}
	review, decline := roundTwoDigits(min(rate/2, 0.5)), roundTwoDigits(min(1.5*rate, 0.9))
	return fmt.Appendf(nil, baseRateTemplate, formatDecimal(roundTwoDigits(100*rate)),
		formatDecimal(roundTwoDigits(100*review)), formatDecimal(roundTwoDigits(100*decline)),
		formatDecimal(review), formatDecimal(decline))
}

// roundTwoDigits rounds to two significant digits.
func roundTwoDigits(x float64) float64 {
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 1, 64), 64)
	return y
}

func formatDecimal(x float64) string {
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 4, 64), 64) // 14 for 100 * 0.14
	return strconv.FormatFloat(y, 'f', -1, 64)
}
