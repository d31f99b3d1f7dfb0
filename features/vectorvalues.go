// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"
	"slices"

	"github.com/assayrisk/assay"
)

// keepsValue lists the kernels that make a value of every value.
var keepsValue = []string{"passthrough", "clip", "bucket", "outside", "round_amount", "frequency", "woe", "target_mean"}

// neverMissing reports whether a feature has a value for every event that the
// plan admits: it is made of one field that may not be missing.
func (p *Plan) neverMissing(i int) bool {
	s := &p.spec.Features[i]
	in, name := p.spec.inputs(s), p.spec.kernelName(s)
	if len(in) != 1 || !slices.Contains(keepsValue, name) && (name != "category" || s.Unknown == "missing") {
		return false
	}
	n, ok := p.byName[in[0]]
	return ok && p.fields[n].required && !p.fields[n].missing && p.fields[n].spec.Outside != "missing"
}

// CategoryCode is the code that a categorical feature of the vector gives a text,
// in any spelling of its field, and value what Read gives for the text; NaN for
// the empty text. ok is false for a feature that is no category of one field, and
// for a text that the field cannot be.
func (p *Plan) CategoryCode(feature int, text string) (code, value float64, ok bool) {
	st := p.categoryStep(feature)
	if st == nil {
		return 0, 0, false
	}
	f := &p.fields[st.in[0]]
	v, ok := f.canonical(assay.TextValue(text))
	if !ok {
		return 0, 0, false
	}
	x := math.NaN()
	if v.Kind != assay.Missing {
		x = f.value(v)
	}
	dst := []float64{0}
	applyCategory(dst, [][]float64{{x}}, st.learned)
	if st.fill != nil && dst[0] != dst[0] {
		dst[0] = *st.fill
	}
	return dst[0], x, true
}

// categoryStep is the step that makes a feature of the vector a category of one
// field, nil for another feature.
func (p *Plan) categoryStep(feature int) *step {
	slot := p.visible[feature]
	for i := range p.steps {
		st := &p.steps[i]
		if st.out == slot && st.kernel.name == "category" && st.in[0] < len(p.fields) {
			return st
		}
	}
	return nil
}
