// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/assayrisk/assay/features"
)

// onlyMended returns the features in which a vector differs from the one in the
// record, if it was made by an earlier version of window kernels and each of
// them was mended since; nil otherwise.
func onlyMended(p *features.Plan, kernels int, again, then []float64) []features.Mended {
	mended := p.MendedSince(kernels)
	if len(mended) == 0 || len(again) != len(then) {
		return nil
	}
	var out []features.Mended
	for i, f := range p.Features() {
		if !otherBits(again[i], then[i]) {
			continue
		}
		k := slices.IndexFunc(mended, func(m features.Mended) bool { return m.Feature == f.Name })
		if k < 0 {
			return nil
		}
		out = append(out, mended[k])
	}
	return out
}

// mended counts a decision that differs in features alone that were mended.
func (r *Report) mended(kernels int, of []features.Mended) {
	r.Mended++
	for _, m := range of {
		k := slices.IndexFunc(r.MendedFeatures, func(f MendedFeature) bool {
			return f.Mended == m && f.Kernels == kernels
		})
		if k < 0 {
			k, r.MendedFeatures = len(r.MendedFeatures),
				append(r.MendedFeatures, MendedFeature{Mended: m, Kernels: kernels})
		}
		r.MendedFeatures[k].Decisions++
	}
}
