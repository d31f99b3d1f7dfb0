// SPDX-License-Identifier: Apache-2.0

package features

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// derivation computes the derived values of an event. Its slots are the plan's
// fields, the event's time, and the derived values in the plan's order.
type derivation struct {
	fields []int // the fields that derived values read
	steps  []step
	slots  int
}

// derivedRow is a buffer for the derived values of one event.
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
		f := s.Derived[i].Feature()
		k, _ := kernels.Named(f.Kernel)
		st := step{kernel: &k, learned: &kernels.Learned{Spec: f, Zone: p.zones[f.Zone]}, out: p.derivedSlot(i)}
		if len(f.Bounds) == 2 {
			st.learned.Low, st.learned.High = &f.Bounds[0], &f.Bounds[1]
		}
		for _, n := range f.Of {
			slot := p.eventTimeSlot()
			if j, ok := p.byName[n]; ok {
				slot, read[j] = j, true
			} else if n != plantext.EventTime {
				slot = p.derivedSlot(s.DerivedIndex(n))
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
	values := make([]float64, d.slots)
	for i := range r.cols {
		r.cols[i] = values[i : i+1 : i+1]
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
		v, _ := ev.Field(p.fields[i].Spec.Name)
		r.cols[i][0] = p.fields[i].ValueOrNaN(v)
	}
	r.cols[p.eventTimeSlot()][0] = float64(ev.Time.UnixMicro())
	for i := range d.steps {
		st := &d.steps[i]
		out := r.cols[st.out]
		st.kernel.Apply(out, r.in[i], st.learned)
		out[0] = kernels.Finite(out[0])
	}
}
