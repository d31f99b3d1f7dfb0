// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"math"
	"slices"

	"github.com/assayrisk/assay/features"
)

// onlyMended returns the features in which a vector differs from the one in the
// record, if an earlier version of the window kernels made that one and each of
// these features was corrected since; nil otherwise.
func onlyMended(p *features.Plan, kernels int, again, then []float64) []features.CorrectedFeature {
	mended := p.CorrectedSince(kernels)
	if len(mended) == 0 || len(again) != len(then) {
		return nil
	}
	var out []features.CorrectedFeature
	for i, f := range p.Features() {
		if !bitsDiffer(again[i], then[i]) {
			continue
		}
		k := slices.IndexFunc(mended, func(m features.CorrectedFeature) bool { return m.Feature == f.Name })
		if k < 0 {
			return nil
		}
		out = append(out, mended[k])
	}
	return out
}

// bitsDiffer reports whether two values differ; all missing values are equal.
func bitsDiffer(x, y float64) bool {
	return math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y)
}
