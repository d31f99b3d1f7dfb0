// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
)

// DerivedSpec declares a value that is computed from one event's own fields, of
// whatever kind the event is, for windows to aggregate or to choose by: days
// late, or an amount in the company's currency.
type DerivedSpec struct {
	Name string `yaml:"name" json:"name"`
	// one that learns nothing: ratio, days_between, ...
	Kernel string `yaml:"kernel" json:"kernel"`
	// fields, event.time, or derived values declared before
	Of     Names     `yaml:"of" json:"of"`
	Bounds []float64 `yaml:"bounds,omitempty" json:"bounds,omitempty"` // clip, outside
	Edges  []float64 `yaml:"edges,omitempty" json:"edges,omitempty"`   // bucket
	Step   float64   `yaml:"step,omitempty" json:"step,omitempty"`     // round_amount
	Part   string    `yaml:"part,omitempty" json:"part,omitempty"`     // date_part
	Zone   string    `yaml:"zone,omitempty" json:"zone,omitempty"`     // date_part
}

// feature is the feature that computes the same of a scored event.
func (d *DerivedSpec) feature() *FeatureSpec {
	return &FeatureSpec{
		Name: d.Name, Kernel: d.Kernel, Of: d.Of,
		Bounds: d.Bounds, Edges: d.Edges, Step: d.Step, Part: d.Part, Zone: d.Zone,
	}
}

func (s *Spec) derivedOf(name string) int {
	return slices.IndexFunc(s.Derived, func(d DerivedSpec) bool { return d.Name == name })
}

// derivedFields are the fields that a derived value reads, directly or not.
func (s *Spec) derivedFields(name string) []string {
	i := s.derivedOf(name)
	if i < 0 {
		return nil
	}
	var out []string
	for _, n := range s.Derived[i].Of {
		if s.fieldOf(n) >= 0 {
			out = append(out, n)
		} else {
			out = append(out, s.derivedFields(n)...)
		}
	}
	return out
}

// MaxDerived bounds the derived values of a plan.
const MaxDerived = 256

// stateless reports whether a kernel computes a number from one event alone.
func (k *kernel) stateless() bool {
	return !k.window && !k.text && !k.lookup && (k.fit == nil || k.name == "clip")
}

func (c checker) derived() error {
	s := c.s
	if len(s.Derived) > MaxDerived {
		return c.fail("$.derived", "", "%d derived values, at most %d are allowed", len(s.Derived), MaxDerived)
	}
	for i := range s.Derived {
		d, at := &s.Derived[i], fmt.Sprintf("$.derived[%d]", i)
		if !nameOK(d.Name) || d.Name == EventTime {
			return c.fail(at+".name", "", "a derived value wants a name of 1 to %d bytes without spaces around it",
				assay.MaxNameBytes)
		}
		if s.fieldOf(d.Name) >= 0 || s.derivedOf(d.Name) < i {
			return c.fail(at+".name", "give each a name of its own", "%q is declared twice", d.Name)
		}
		k, ok := kernelOf(d.Kernel)
		if !ok || !k.stateless() {
			return c.fail(at+".kernel", "the kernels are "+strings.Join(statelessNames(), ", "),
				"%q is no kernel that computes a number from one event alone%s", d.Kernel,
				nearest.Hint(d.Kernel, statelessNames()))
		}
		if len(d.Of) < k.min || len(d.Of) > k.max {
			return c.fail(at+".of", "", "kernel %s wants %s, %d are given", d.Kernel, arity(&k), len(d.Of))
		}
		for j, n := range d.Of {
			if err := c.derivedInput(&k, n, i, fmt.Sprintf("%s.of[%d]", at, j)); err != nil {
				return err
			}
		}
		if err := c.zone(d.Zone, at+".zone"); err != nil {
			return err
		}
		if len(d.Bounds) == 0 && k.name == "clip" {
			return c.fail(at+".bounds", "a derived value learns nothing",
				"clip wants bounds: two numbers, low and high")
		}
		if k.check != nil {
			if p := k.check(d.feature()); p != "" {
				return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
			}
		}
	}
	return nil
}

// derivedInput checks one input of derived value i.
func (c checker) derivedInput(k *kernel, n string, i int, at string) error {
	s := c.s
	kind := assay.Number
	if f := s.fieldOf(n); f >= 0 {
		kind = s.Fields[f].kind()
	} else if n == EventTime {
		kind = assay.Instant
	} else if d := s.derivedOf(n); d < 0 || d >= i {
		return c.fail(at, "the fields are "+s.fieldNames(),
			"%q names no field, and no derived value that is declared before%s", n, nearest.Hint(n, c.s.inputNames()))
	}
	if !k.any && (kind == assay.Text || k.times != (kind == assay.Instant)) {
		return c.fail(at, "a date is read by days_between or date_part",
			"kernel %s does not take %q, which is a %s", k.name, n, kind)
	}
	return nil
}

func statelessNames() []string {
	var out []string
	for _, k := range kernels() {
		if k.stateless() {
			out = append(out, k.name)
		}
	}
	return out
}

// derivation computes the derived values of an event. Its slots are the plan's
// fields, the event's time, and the derived values in the plan's order.
type derivation struct {
	fields []int // those that are read
	steps  []step
	slots  int
}

// derivedRow is room for the derived values of one event.
type derivedRow struct {
	cols [][]float64
	in   [][][]float64 // by step
}

func (p *Plan) compileDerived() {
	s := p.spec
	d := &p.derivation
	d.slots = len(p.fields) + 1 + len(s.Derived)
	read := make([]bool, len(p.fields))
	for i := range s.Derived {
		f := s.Derived[i].feature()
		k, _ := kernelOf(f.Kernel)
		st := step{kernel: &k, learned: &learned{spec: f, zone: p.zones[f.Zone]}, out: p.derivedSlot(i)}
		if len(f.Bounds) == 2 {
			st.learned.Low, st.learned.High = &f.Bounds[0], &f.Bounds[1]
		}
		for _, n := range f.Of {
			slot := p.eventTimeSlot()
			if j, ok := p.byName[n]; ok {
				slot, read[j] = j, true
			} else if n != EventTime {
				slot = p.derivedSlot(s.derivedOf(n))
			}
			st.in = append(st.in, slot)
		}
		d.steps = append(d.steps, st)
	}
	for i, r := range read {
		if r {
			d.fields = append(d.fields, i)
		}
	}
}

func (p *Plan) derivedSlot(i int) int { return len(p.fields) + 1 + i }

func (d *derivation) newRow() *derivedRow {
	if len(d.steps) == 0 {
		return nil
	}
	r := &derivedRow{cols: make([][]float64, d.slots), in: make([][][]float64, len(d.steps))}
	room := make([]float64, d.slots)
	for i := range r.cols {
		r.cols[i] = room[i : i+1 : i+1]
	}
	for i := range d.steps {
		for _, slot := range d.steps[i].in {
			r.in[i] = append(r.in[i], r.cols[slot])
		}
	}
	return r
}

// derive computes the derived values of one event into a row.
func (p *Plan) derive(ev *assay.Event, r *derivedRow) {
	d := &p.derivation
	for _, i := range d.fields {
		v, _ := ev.Field(p.fields[i].spec.Name)
		r.cols[i][0] = p.fields[i].numberOf(v)
	}
	r.cols[p.eventTimeSlot()][0] = float64(ev.Time.UnixMicro())
	for i := range d.steps {
		st := &d.steps[i]
		out := r.cols[st.out]
		st.kernel.apply(out, r.in[i], st.learned)
		out[0] = finite(out[0])
	}
}

// numberOf is value, or NaN where the event has none.
func (f *field) numberOf(v assay.Value) float64 {
	if v.Kind == assay.Missing {
		return math.NaN()
	}
	return f.value(v)
}
