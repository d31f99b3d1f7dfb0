// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/assayrisk/assay"
)

// Plan is a fitted, frozen plan. It is immutable and safe for concurrent use;
// the windows that it reads live in a State.
type Plan struct {
	frozen *frozenPlan
	bytes  []byte
	digest assay.Digest
	spec   *Spec

	fields     []field
	byName     map[string]int // field name -> index
	kinds      kinds
	required   []int         // by kind: fields that an event must name
	slots      int           // columns of scratch space: fields, event time, features
	steps      []step        // in an order that reads only what stands
	keys       []keyed       // kinds of key that windows are kept under
	feeds      []feed        // by window
	reads      []windowState // by window
	zones      map[string]*zone
	derivation derivation
	counting   bool  // a replay notes how many events windows held
	visible    []int // slot of each feature of the vector
	info       []FeatureInfo
	// readsFields: some feature reads a field of the scored event.
	readsFields bool
	scratch     sync.Pool // *scratch of one row
}

// field is a compiled FieldSpec.
type field struct {
	spec     *FieldSpec
	kind     assay.ValueKind
	missing  bool
	marks    marks // values that mean it is missing
	required bool
	min, max float64
	times    timeRange          // of a time
	codes    map[string]float64 // text -> raw code, nil if no kernel wants it
	values   map[string]bool    // allowed texts, nil if any
	numbers  []float64          // allowed numbers, nil if any
	spelled  map[string]string  // canonical text -> the plan's own spelling, where they differ
	read     bool               // a feature reads it of the scored event
	on       kindSet            // kinds of event that carry it
	plain    bool               // the scored kind carries it, under a name that an event may have
}

// step computes one feature's slot.
type step struct {
	kernel  *kernel
	learned *learned
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
	Sensitive   bool     // it, or a field it reads, is a protected characteristic
	Required    bool     // it is never missing: it is made of one value that the plan requires
}

// FieldInfo describes one field of events: what Validate holds them to.
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
func (p *Plan) Spec() *Spec { return p.spec }

// Event returns the kind of event that the plan scores.
func (p *Plan) Event() string { return p.spec.event() }

// Features describes the vector's values, in order.
func (p *Plan) Features() []FeatureInfo { return slices.Clone(p.info) }

// Fields describes what events carry, in plan order.
func (p *Plan) Fields() []FieldInfo {
	out := make([]FieldInfo, len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		out[i] = FieldInfo{
			Name: f.spec.Name, Kind: f.kind, On: slices.Clone(f.spec.On), Required: f.required, AllowMissing: f.missing,
			Min: f.min, Max: f.max, Outside: f.spec.Outside, Values: slices.Clone(f.spec.Values),
			Unit: f.spec.Unit, Text: f.spec.Text, Sensitive: f.spec.Sensitive,
		}
		if len(out[i].On) == 0 {
			out[i].On = []string{p.spec.event()}
		}
		if out[i].Outside == "" {
			out[i].Outside = "reject"
		}
		if f.kind == assay.Instant {
			out[i].Earliest, out[i].Latest = f.times.bounds()
		}
		for _, t := range p.frozen.Texts {
			if t.Field == f.spec.Name {
				out[i].Categories = slices.Clone(t.Texts)
			}
		}
	}
	return out
}

// newPlan compiles what was fitted; b are its frozen bytes, nil to make them.
func newPlan(f *frozenPlan, b []byte) (*Plan, error) {
	if b == nil {
		var err error
		if b, err = f.bytes(); err != nil {
			return nil, err
		}
	}
	p := &Plan{frozen: f, bytes: bytes.Clone(b), digest: assay.Sum(planTag, b), spec: f.Spec, byName: map[string]int{}}
	if len(f.Learned) != len(f.Spec.Features) {
		return nil, fmt.Errorf("%d features were learned, %d are declared", len(f.Learned), len(f.Spec.Features))
	}
	if err := p.compileZones(); err != nil {
		return nil, err
	}
	if err := p.compileFields(); err != nil {
		return nil, err
	}
	p.compileDerived()
	if err := p.compileSteps(); err != nil {
		return nil, err
	}
	p.required = make([]int, len(p.kinds))
	for i := range p.fields {
		for kind := range p.kinds {
			if p.fields[i].required && p.fields[i].on.has(kind) {
				p.required[kind]++
			}
		}
	}
	p.scratch.New = func() any { return p.newScratch(1) }
	return p, nil
}

// units are those whose name says between which bounds a number lies. A plan
// may narrow them.
var units = map[string]struct{ min, max float64 }{
	"share":   {0, 1},
	"percent": {0, 100},
	"count":   {0, math.Inf(1)},
}

func (p *Plan) compileFields() error {
	p.kinds = kinds{scored: p.spec.event()}
	for i := range p.spec.Fields {
		s := &p.spec.Fields[i]
		f := field{spec: s, kind: s.kind(), missing: s.allowMissing(), marks: s.marks(), required: s.Required ||
			!s.allowMissing(), min: math.Inf(-1), max: math.Inf(1)}
		f.times, _, _ = s.timeRange() // the spec is checked
		if u, ok := units[s.Unit]; ok && f.kind == assay.Number {
			f.min, f.max = u.min, u.max
		}
		if s.Min != nil {
			f.min = *s.Min
		}
		if s.Max != nil {
			f.max = *s.Max
		}
		for _, v := range s.Values {
			if f.kind == assay.Number {
				x, _ := levelOf(assay.Number, v) // the spec is checked
				f.numbers = append(f.numbers, x)
				continue
			}
			if f.values == nil {
				f.values = map[string]bool{}
			}
			f.values[v] = true
		}
		f.on = p.kinds.number(s.On...)
		if len(s.On) == 0 {
			f.on = kindSet{scored: true}
		}
		f.plain = f.on.has(scored) && plainName(s.Name)
		p.byName[s.Name] = i
		p.fields = append(p.fields, f)
	}
	if p.labelledByEvent() { // known, and so can always be recorded
		p.kinds.number(p.spec.Label.Event)
	}
	for _, t := range p.frozen.Texts {
		i, ok := p.byName[t.Field]
		if !ok || p.fields[i].kind != assay.Text || p.fields[i].codes != nil {
			return fmt.Errorf("a dictionary for %q, which is no text field or has one", t.Field)
		}
		codes := make(map[string]float64, len(t.Texts))
		for c, s := range t.Texts {
			if c > 0 && s <= t.Texts[c-1] {
				return fmt.Errorf("the dictionary of %q is not sorted", t.Field)
			}
			codes[s] = float64(c)
		}
		p.fields[i].codes = codes
	}
	p.compileSpellings()
	return nil
}

// eventTimeSlot is the scratch column of the event's time.
func (p *Plan) eventTimeSlot() int { return len(p.fields) }

func (p *Plan) featureSlot(i int) int { return len(p.fields) + 1 + i }

func (p *Plan) compileSteps() error {
	s := p.spec
	order, err := checker{s: s}.order()
	if err != nil {
		return err
	}
	p.slots = len(p.fields) + 1 + len(s.Features)
	for _, i := range order {
		st, err := p.compileStep(i)
		if err != nil {
			return fmt.Errorf("feature %q: %w", s.Features[i].Name, err)
		}
		p.steps = append(p.steps, st)
	}
	for _, st := range p.steps {
		for _, slot := range st.in {
			if slot < len(p.fields) {
				p.fields[slot].read, p.readsFields = true, true
			}
		}
	}
	p.compileWindows()
	sensitive := p.sensitive(order)
	for i := range s.Features {
		f := &s.Features[i]
		if f.Hidden {
			continue
		}
		p.visible = append(p.visible, p.featureSlot(i))
		name := s.kernelName(f)
		fi := FeatureInfo{
			Name: f.Name, Monotone: f.monotone(), Group: f.Group, Sensitive: sensitive[i], Required: p.neverMissing(i),
			ReasonCode: f.Name, ReasonText: fmt.Sprintf("The value of %s raised the risk.", f.Name),
		}
		if k, _ := kernelOf(name); k.categorical() {
			fi.Categorical = true
			fi.Categories = append(slices.Clone(p.frozen.Learned[i].Categories), OtherCategory)
		}
		for _, g := range s.Groups {
			if g.Name == f.Group {
				fi.ReasonCode, fi.ReasonText = g.Code, g.Text
			}
		}
		p.info = append(p.info, fi)
	}
	return nil
}

// compileStep resolves one feature's inputs, and checks that what was learned
// is what its kernel needs.
func (p *Plan) compileStep(i int) (step, error) {
	s := p.spec
	f := &s.Features[i]
	k, _ := kernelOf(s.kernelName(f))
	st := step{kernel: &k, learned: &p.frozen.Learned[i], fill: f.Fill, out: p.featureSlot(i)}
	st.learned.spec, st.learned.zone = f, p.zones[f.Zone]
	st.learned.bindIs()
	for _, n := range s.inputs(f) {
		st.in = append(st.in, p.slotOf(n))
	}
	p.bindLevels(&st)
	p.bindLookup(&st)
	if k.verify != nil {
		if err := k.verify(st.learned, p.dictSizes(st.in)); err != nil {
			return st, err
		}
	}
	return st, nil
}

// slotOf is the scratch column of a field, feature, or the event's time.
func (p *Plan) slotOf(name string) int {
	if i, ok := p.byName[name]; ok {
		return i
	}
	if name == EventTime {
		return p.eventTimeSlot()
	}
	return p.featureSlot(p.spec.featureOf(name))
}

// dictSizes returns the number of raw codes of each input that is a text.
func (p *Plan) dictSizes(in []int) []int {
	out := make([]int, len(in))
	for i, slot := range in {
		if slot < len(p.fields) {
			out[i] = len(p.fields[slot].codes)
		} else if slot >= p.featureSlot(0) {
			out[i] = len(p.frozen.Learned[slot-p.featureSlot(0)].Categories) + 1
		}
	}
	return out
}

// sensitive marks the features that are, or read something that is, sensitive.
func (p *Plan) sensitive(order []int) []bool {
	slot := make([]bool, p.slots)
	for i := range p.fields {
		slot[i] = p.fields[i].spec.Sensitive
	}
	out := make([]bool, len(order))
	for n, i := range order {
		s := p.spec.Features[i].Sensitive
		for _, in := range p.steps[n].in {
			s = s || slot[in]
		}
		if p.steps[n].kernel.window {
			for _, name := range p.spec.windowFields(p.spec.windowOf(p.spec.Features[i].Window)) {
				if f, ok := p.byName[name]; ok {
					s = s || slot[f]
				}
			}
		}
		slot[p.featureSlot(i)], out[i] = s, s
	}
	return out
}
