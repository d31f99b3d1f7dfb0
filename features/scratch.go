// SPDX-License-Identifier: Apache-2.0

package features

import (
	"github.com/assayrisk/assay/features/window"
)

// scratch is room for the columns of up to n rows: fields, event time and
// features, one after the other.
type scratch struct {
	cols [][]float64   // by slot, all of the same length
	in   [][][]float64 // by step: its input columns
	// reading is here because what a kernel is given by pointer must not be
	// allocated for each event.
	reading window.Reading
	key     []byte
	found   []found   // by kind of key
	counts  []float64 // by window: how many it had, NaN without a key, where the window counts
	seen    []bool    // by window: it had an event of the key that was read last
	warm    uint64
}

func (p *Plan) newScratch(n int) *scratch {
	s := &scratch{cols: make([][]float64, p.slots), in: make([][][]float64, len(p.steps)),
		found: make([]found, len(p.keys)), seen: make([]bool, len(p.feeds)), counts: make([]float64, len(p.feeds))}
	back := make([]float64, n*p.slots)
	for i := range s.cols {
		s.cols[i] = back[i*n : (i+1)*n : (i+1)*n]
	}
	p.bind(s)
	return s
}

// bind points each step's inputs at the columns.
func (p *Plan) bind(s *scratch) {
	for i, st := range p.steps {
		if s.in[i] == nil {
			s.in[i] = make([][]float64, len(st.in))
		}
		for j, slot := range st.in {
			s.in[i][j] = s.cols[slot]
		}
	}
}

// run computes every step over the columns. It is the one execution of a plan:
// a batch calls it with many rows, an event with one.
func (p *Plan) run(s *scratch) {
	for i := range p.steps {
		p.runStep(s, i)
	}
}

func (p *Plan) runStep(s *scratch, i int) {
	st := &p.steps[i]
	dst := s.cols[st.out]
	if st.kernel.Apply != nil {
		st.kernel.Apply(dst, s.in[i], st.learned)
	}
	if st.fill != nil {
		for j, x := range dst {
			if x != x {
				dst[j] = *st.fill
			}
		}
	}
}
