// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
)

// Vector computes the features of one event. It reads the windows of st, which do
// not contain the event yet; Observe then applies the event to them. The values
// are appended to dst[:0]; if dst has the capacity for all of them, nothing is
// allocated. st may be nil if the plan has no windows.
//
// The event must have passed Validate, and be of the kind that the plan scores.
func (p *Plan) Vector(dst []float64, ev *assay.Event, st *State) (assay.Vector, error) {
	return p.VectorByParties(dst, ev, nil, st)
}

// VectorByParties is Vector for a State that was fed by ObserveParties. Without parties (nil) it is Vector.
func (p *Plan) VectorByParties(dst []float64, ev *assay.Event, parties []Party, st *State) (assay.Vector, error) {
	if ev.Kind != p.spec.ScoredKind() {
		return assay.Vector{}, p.otherKind()
	}
	if err := checkParties(ev, parties); err != nil {
		return assay.Vector{}, err
	}
	sc := p.scratch.Get().(*scratch)
	defer p.scratch.Put(sc)
	for i := range p.fields {
		sc.cols[i][0] = math.NaN()
	}
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); n < 0 {
			return assay.Vector{}, p.unknownField(ev.Fields[i].Name)
		}
		f := &p.fields[n]
		v := ev.Fields[i].Value
		if v.Kind == assay.Missing {
			continue
		}
		if v.Kind != f.Kind {
			return assay.Vector{}, f.WrongKind(v.Kind)
		}
		sc.cols[n][0] = f.Value(v)
	}
	return p.vector(dst, sc, ev, parties, st)
}

// VectorOf is Vector for an event whose field values Read returned.
func (p *Plan) VectorOf(dst, fields []float64, ev *assay.Event, st *State) (assay.Vector, error) {
	return p.VectorOfParties(dst, fields, ev, nil, st)
}

func (p *Plan) otherKind() error {
	return &assay.FieldError{Field: "kind",
		Problem: fmt.Sprintf("this plan scores events of kind %q", p.spec.ScoredKind())}
}

// vector computes the features; the field values are already in sc.
func (p *Plan) vector(dst []float64, sc *scratch, ev *assay.Event, parties []Party, st *State) (assay.Vector, error) {
	sc.cols[p.eventTimeSlot()][0] = float64(ev.Time.UnixMicro())
	if err := p.readWindows(sc, ev, parties, st); err != nil {
		return assay.Vector{}, err
	}
	p.run(sc)
	dst = dst[:0]
	for _, slot := range p.visible {
		dst = append(dst, sc.cols[slot][0])
	}
	return assay.Vector{Plan: p.digest, Values: dst}, nil
}

// neverMissingKernels lists the kernels that return a value whenever their input has one.
var neverMissingKernels = []string{"passthrough", "clip", "bucket", "outside", "round_amount",
	"frequency", "woe", "target_mean"}

// neverMissing reports whether a feature has a value for every event that the
// plan admits, because it is computed from one field that may not be missing.
func (p *Plan) neverMissing(i int) bool {
	s := &p.spec.Features[i]
	in, name := p.spec.Inputs(s), p.spec.KernelName(s)
	if len(in) != 1 || !slices.Contains(neverMissingKernels, name) && (name != "category" || s.Unknown == "missing") {
		return false
	}
	n, ok := p.byName[in[0]]
	return ok && p.fields[n].required && !p.fields[n].MayBeMissing && p.fields[n].Spec.Outside != "missing"
}

// CategoryCode returns the code that a categorical feature of the vector gives a
// text, in any spelling that its field accepts, and the value that Read returns
// for the text, NaN if it is empty. ok is false for a feature that is no category
// of one field, and for a text that the field refuses.
func (p *Plan) CategoryCode(feature int, text string) (code, value float64, ok bool) {
	st := p.categoryStep(feature)
	if st == nil {
		return 0, 0, false
	}
	f := &p.fields[st.in[0]]
	v, ok := f.Canonical(assay.TextValue(text))
	if !ok {
		return 0, 0, false
	}
	x := math.NaN()
	if v.Kind != assay.Missing {
		x = f.Value(v)
	}
	dst := []float64{0}
	st.kernel.Apply(dst, [][]float64{{x}}, st.learned)
	if st.fill != nil && dst[0] != dst[0] {
		dst[0] = *st.fill
	}
	return dst[0], x, true
}

// categoryStep returns the step of a feature of the vector that is the category of
// one field, nil for any other feature.
func (p *Plan) categoryStep(feature int) *step {
	slot := p.visible[feature]
	for i := range p.steps {
		st := &p.steps[i]
		if st.out == slot && st.kernel.Name == "category" && st.in[0] < len(p.fields) {
			return st
		}
	}
	return nil
}
