// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// compileSpellings learns how the plan itself spells texts: first in its
// dictionaries, then in its categories, allowed values and conditions.
func (p *Plan) compileSpellings() {
	learn := func(name string, texts []string) {
		if i, ok := p.byName[name]; ok && p.fields[i].Kind == assay.Text {
			p.fields[i].LearnSpellings(texts)
		}
	}
	for _, t := range p.frozen.Texts {
		learn(t.Field, t.Texts)
	}
	for i := range p.spec.Features {
		f := &p.spec.Features[i]
		if in := p.spec.Inputs(f); len(in) == 1 {
			learn(in[0], f.Categories)
		}
	}
	for i := range p.spec.Fields {
		learn(p.spec.Fields[i].Name, p.spec.Fields[i].Values)
	}
	for i := range p.spec.Windows {
		for _, w := range p.spec.Windows[i].Where {
			learn(w.Field, w.Is)
			learn(w.Field, w.Not)
		}
	}
	for i := range p.spec.Features {
		if f := &p.spec.Features[i]; f.Window != "" {
			learn(p.spec.Windows[p.spec.WindowIndex(f.Window)].Member, f.Is)
		}
	}
}

// newPlan compiles a fitted plan; b are its frozen bytes, nil to compute them.
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

func (p *Plan) compileFields() error {
	p.kinds = kinds{scored: p.spec.ScoredKind()}
	for i := range p.spec.Fields {
		s := &p.spec.Fields[i]
		f := field{Field: fieldvalue.NewField(s), required: s.Required || !s.AllowsMissing()}
		f.on = p.kinds.intern(s.On...)
		if len(s.On) == 0 {
			f.on = kindSet{scored: true}
		}
		f.plain = f.on.has(scored) && plainName(s.Name)
		p.byName[s.Name] = i
		p.fields = append(p.fields, f)
	}
	if p.labelledByEvent() { // a known kind, so that it can always be recorded
		p.kinds.intern(p.spec.Label.Event)
	}
	for _, t := range p.frozen.Texts {
		i, ok := p.byName[t.Field]
		if !ok || p.fields[i].Kind != assay.Text || p.fields[i].Codes != nil {
			return fmt.Errorf("a dictionary for %q, which is not a text field or already has one", t.Field)
		}
		codes := make(map[string]float64, len(t.Texts))
		for c, s := range t.Texts {
			if c > 0 && s <= t.Texts[c-1] {
				return fmt.Errorf("the dictionary of %q is not sorted", t.Field)
			}
			codes[s] = float64(c)
		}
		p.fields[i].Codes = codes
	}
	p.compileSpellings()
	return nil
}

func (p *Plan) compileSteps() error {
	s := p.spec
	order, err := plancheck.FeatureOrder(s)
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
		name := s.KernelName(f)
		fi := FeatureInfo{
			Name: f.Name, Monotone: f.MonotoneSign(), Group: f.Group, Sensitive: sensitive[i],
			Required:   p.neverMissing(i),
			ReasonCode: f.Name, ReasonText: fmt.Sprintf("The value of %s raised the risk.", f.Name),
		}
		if k, _ := kernels.Named(name); k.Categorical() {
			fi.Categorical = true
			fi.Categories = append(slices.Clone(p.frozen.Learned[i].Categories), plantext.OtherCategory)
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
	k, _ := kernels.Named(s.KernelName(f))
	st := step{kernel: &k, learned: &p.frozen.Learned[i], fill: f.Fill, out: p.featureSlot(i)}
	st.learned.Spec, st.learned.Zone = f, p.zones[f.Zone]
	st.learned.BindCountedMembers()
	for _, n := range s.Inputs(f) {
		st.in = append(st.in, p.slotOf(n))
	}
	p.bindLevels(&st)
	p.bindLookup(&st)
	if k.Verify != nil {
		if err := k.Verify(st.learned, p.dictSizes(st.in)); err != nil {
			return st, err
		}
	}
	return st, nil
}

// slotOf returns the scratch column of a field, a feature or the event's time.
func (p *Plan) slotOf(name string) int {
	if i, ok := p.byName[name]; ok {
		return i
	}
	if name == plantext.EventTime {
		return p.eventTimeSlot()
	}
	return p.featureSlot(p.spec.FeatureIndex(name))
}

// dictSizes returns the number of raw codes of each input that is a text.
func (p *Plan) dictSizes(in []int) []int {
	out := make([]int, len(in))
	for i, slot := range in {
		if slot < len(p.fields) {
			out[i] = len(p.fields[slot].Codes)
		} else if slot >= p.featureSlot(0) {
			out[i] = len(p.frozen.Learned[slot-p.featureSlot(0)].Categories) + 1
		}
	}
	return out
}

// sensitive marks the features that are declared sensitive, or read something that is.
func (p *Plan) sensitive(order []int) []bool {
	slot := make([]bool, p.slots)
	for i := range p.fields {
		slot[i] = p.fields[i].Spec.Sensitive
	}
	out := make([]bool, len(order))
	for n, i := range order {
		s := p.spec.Features[i].Sensitive
		for _, in := range p.steps[n].in {
			s = s || slot[in]
		}
		if p.steps[n].kernel.Window {
			for _, name := range p.spec.WindowReads(p.spec.WindowIndex(p.spec.Features[i].Window)) {
				if f, ok := p.byName[name]; ok {
					s = s || slot[f]
				}
			}
		}
		slot[p.featureSlot(i)], out[i] = s, s
	}
	return out
}

// eventTimeSlot is the scratch column of the event's time.
func (p *Plan) eventTimeSlot() int { return len(p.fields) }

func (p *Plan) featureSlot(i int) int { return len(p.fields) + 1 + i }

// bindLevels gives a category over a number or a flag its levels.
func (p *Plan) bindLevels(st *step) {
	if st.kernel.Name != "category" || len(st.in) != 1 || st.in[0] >= len(p.fields) ||
		p.fields[st.in[0]].Kind == assay.Text {
		return
	}
	st.learned.Levels = kernels.NewLevels(p.fields[st.in[0]].Kind, st.learned.Spec.Categories)
}

// bindLookup gives the feature its table, indexed by the raw codes of the field
// that is the key.
func (p *Plan) bindLookup(st *step) {
	if st.kernel.Name != "lookup" {
		return
	}
	l := &p.spec.Lookups[p.spec.LookupIndex(st.learned.Spec.Table)]
	t := &kernels.LookupTable{Keyed: l.HasKeys(), Dated: l.HasDates()}
	byKey := map[string][2]int32{}
	for i, e := range lookupEntries(l) {
		t.From, t.Values = append(t.From, e.from), append(t.Values, e.value)
		span, ok := byKey[e.key]
		if !ok {
			span[0] = int32(i)
		}
		span[1] = int32(i) + 1
		byKey[e.key] = span
	}
	if t.Keyed {
		f := &p.fields[st.in[0]]
		t.ByCode = make([][2]int32, len(f.Codes))
		for key, span := range byKey {
			if code, ok := f.Codes[f.CanonicalText(key)]; ok {
				t.ByCode[int(code)] = span
			}
		}
	}
	st.learned.Lookup = t
}

// freezeZones copies the rules of the time zones that the spec names.
func freezeZones(s *plantext.Spec) ([]eventtime.FrozenZone, error) {
	var out []eventtime.FrozenZone
	for _, name := range s.ZoneNames() {
		z, err := eventtime.Freeze(name)
		if err != nil {
			return nil, err
		}
		out = append(out, z)
	}
	return out, nil
}

func (p *Plan) compileZones() error {
	p.zones = map[string]*eventtime.Zone{}
	names := p.spec.ZoneNames()
	for i, f := range p.frozen.Zones {
		if i >= len(names) || f.Zone != names[i] {
			return fmt.Errorf("time zone %q is not one that the plan names", f.Zone)
		}
		z, err := f.Thaw()
		if err != nil {
			return err
		}
		p.zones[f.Zone] = z
	}
	if len(p.frozen.Zones) != len(names) {
		return fmt.Errorf("%d time zones for the %d that the plan names", len(p.frozen.Zones), len(names))
	}
	return nil
}
