// SPDX-License-Identifier: Apache-2.0

package features

import (
	"github.com/assayrisk/assay/features/window"
)

// scratch holds the columns of a block of rows while a plan runs: fields, event
// time and features, one after the other.
type scratch struct {
	cols [][]float64   // by slot, all of the same length
	in   [][][]float64 // by step: its input columns
	// reading is a field because kernels get a pointer to it, and it must not be
	// allocated for each event.
	reading window.Reading
	key     []byte
	found   []keyLookup // by kind of key
	counts  []float64   // by window: how many events it held, NaN without a key
	seen    []bool      // by window: it had an event of the key that was read last
	warm    uint64
}

func (p *Plan) newScratch(n int) *scratch {
	s := &scratch{cols: make([][]float64, p.slots), in: make([][][]float64, len(p.steps)),
		found: make([]keyLookup, len(p.keys)), seen: make([]bool, len(p.feeds)), counts: make([]float64, len(p.feeds))}
	values := make([]float64, n*p.slots)
	for i := range s.cols {
		s.cols[i] = values[i*n : (i+1)*n : (i+1)*n]
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

// run computes every step over the columns. Batches with many rows and single
// events run the same code.
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
