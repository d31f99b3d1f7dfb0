// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// Plan is a fitted, frozen plan. It is immutable and safe for concurrent use;
// the windows that it reads live in a State.
type Plan struct {
	frozen *frozenPlan
	bytes  []byte
	digest assay.Digest
	spec   *plantext.Spec

	fields     []field
	byName     map[string]int // field name -> index
	kinds      kinds
	required   []int         // by kind: fields that an event must name
	slots      int           // columns of scratch space: fields, event time, features
	steps      []step        // each reads only fields and earlier steps
	keys       []keyKind     // the distinct keys of windows
	feeds      []feed        // by window
	reads      []windowState // by window
	zones      map[string]*eventtime.Zone
	derivation derivation
	counting   bool  // a replay records how many events windows held
	visible    []int // slot of each feature of the vector
	info       []FeatureInfo
	// readsFields reports whether some feature reads a field of the scored event.
	readsFields bool
	scratch     sync.Pool // *scratch of one row
}

// field is a field of the plan, and what the plan does with it.
type field struct {
	fieldvalue.Field
	required bool
	read     bool    // a feature reads it from the scored event
	on       kindSet // kinds of event that carry it
	plain    bool    // the scored kind carries it, under a name that an event may have
}

// step computes one feature's slot.
type step struct {
	kernel  *kernels.Kernel
	learned *kernels.Learned
	fill    *float64
	in      []int
	out     int
}

// FeatureInfo describes one value of the vector.
type FeatureInfo struct {
	Name        string
	Categorical bool     // the value is a category's code
	Categories  []string // code -> name, the last is OtherCategory
	Monotone    int8     // +1: risk may only rise with the feature; -1: only fall; 0: either
	Group       string   // reason group, "" if it has none
	ReasonCode  string   // of the group, or the feature's name
	ReasonText  string   // of the group, or a sentence that names the feature
	Sensitive   bool     // the feature, or a field that it reads, is a protected characteristic
	Required    bool     // never missing, being computed from one value that the plan requires
}

// FieldInfo describes one field of events, and the rules that Validate checks.
type FieldInfo struct {
	Name         string
	Kind         assay.ValueKind
	On           []string // kinds of event that carry it
	Required     bool
	AllowMissing bool
	Min, Max     float64   // -Inf and +Inf where there is no bound
	Earliest     time.Time // of a time: 1900 to 2200 unless the plan narrows them
	Latest       time.Time
	Outside      string   // reject, missing, clip or flag
	Values       []string // the only texts allowed, nil if any
	Categories   []string // texts that training knew, nil if no feature reads them
	Unit, Text   string
	Sensitive    bool
}

// Frozen returns the canonical bytes of the plan.
func (p *Plan) Frozen() []byte { return bytes.Clone(p.bytes) }

// Digest is SHA-256("assay/plan/v1\n" || frozen bytes).
func (p *Plan) Digest() assay.Digest { return p.digest }

// Spec returns the spec that the plan was fitted from. It must not be changed.
func (p *Plan) Spec() *plantext.Spec { return p.spec }

// Personal reports whether a field's values are kept with the person whom an event is about and lost with that
// person: a field that says `personal: true`, or a text that is neither of a closed list nor read by a window. All
// other fields feed windows also after an erasure.
func (p *Plan) Personal(field string) bool { return p.spec.IsPersonal(field) }

// Event returns the kind of event that the plan scores.
func (p *Plan) Event() string { return p.spec.ScoredKind() }

// Features describes the vector's values, in order.
func (p *Plan) Features() []FeatureInfo { return slices.Clone(p.info) }

// Fields describes what events carry, in plan order.
func (p *Plan) Fields() []FieldInfo {
	out := make([]FieldInfo, len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		out[i] = FieldInfo{
			Name: f.Spec.Name, Kind: f.Kind, On: slices.Clone(f.Spec.On), Required: f.required,
			AllowMissing: f.MayBeMissing,
			Min:          f.Min, Max: f.Max, Outside: f.Spec.Outside, Values: slices.Clone(f.Spec.Values),
			Unit: f.Spec.Unit, Text: f.Spec.Text, Sensitive: f.Spec.Sensitive,
		}
		if len(out[i].On) == 0 {
			out[i].On = []string{p.spec.ScoredKind()}
		}
		if out[i].Outside == "" {
			out[i].Outside = "reject"
		}
		if f.Kind == assay.Instant {
			out[i].Earliest, out[i].Latest = f.Times.Bounds()
		}
		for _, t := range p.frozen.Texts {
			if t.Field == f.Spec.Name {
				out[i].Categories = slices.Clone(t.Texts)
			}
		}
	}
	return out
}

// ParseSpec reads a plan's YAML. It is strict: an unknown key, a wrong type, a
// name that is not declared or a cycle is a *plantext.SpecError with line and
// column. FuzzParseSpec checks that it never panics.
func ParseSpec(b []byte) (*plantext.Spec, error) {
	s, err := plantext.Decode(b)
	if err != nil {
		return nil, err
	}
	if err := plancheck.Check(s); err != nil {
		return nil, err
	}
	return s, nil
}
