// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// TestHistogramProperties: a histogram does not depend on the order of rows,
// those of two parts add up to that of the whole, taking one from the whole
// leaves the other, and each feature's cells add up to the rows' sum.
func TestHistogramProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for trial := range 100 {
		g, packed := randomGroup(rng, 2+2*(trial%8), 700)
		g.hi = g.width * histogramBins
		rows := make([]uint32, 0, 700)
		var total cell
		for r := range uint32(700) {
			if rng.IntN(3) > 0 {
				rows = append(rows, r)
				total += packed[r]
			}
		}
		of := func(rows []uint32) []cell {
			h := make([]cell, g.hi)
			g.fillHistogram(h, rows, packed)
			return h
		}
		whole := of(rows)
		shuffled := slices.Clone(rows)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if !slices.Equal(of(shuffled), whole) {
			t.Fatalf("trial %d: the order of rows shows", trial)
		}
		cut := rng.IntN(len(rows) + 1)
		left, right := of(rows[:cut]), of(rows[cut:])
		rest := slices.Clone(whole)
		subtractCells(rest, left)
		if !slices.Equal(rest, right) {
			t.Fatalf("trial %d: the whole without one part is not the other", trial)
		}
		addCells(left, right)
		if !slices.Equal(left, whole) {
			t.Fatalf("trial %d: two parts do not add up", trial)
		}
		for k := range g.width {
			var sum cell
			for _, c := range whole[k*histogramBins : (k+1)*histogramBins] {
				sum += c
			}
			if sum != total {
				t.Fatalf("trial %d: the cells of feature %d do not add up to the rows", trial, k)
			}
		}
	}
}

// TestPartitionProperties: both sides hold the rows in their order, each row
// is on the side that its bin is routed to, and dividing twice by the same
// bins moves nothing.
func TestPartitionProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	team := workers.New(2)
	defer team.Close()
	for trial := range 60 {
		c := column{make([]uint8, 9000<<(trial%5)), trial % 5}
		for i := range c.cells {
			c.cells[i] = uint8(rng.IntN(1 + trial*4))
		}
		var r router
		for b := range r {
			r[b] = uint8(rng.IntN(2))
		}
		var all []uint32
		for i := range uint32(9000) {
			if rng.IntN(4) > 0 {
				all = append(all, i)
			}
		}
		rows, spare := slices.Clone(all), make([]uint32, len(all))
		n := partition(rows, spare, c, &r, team)
		for i, row := range rows {
			if left := r[c.cells[int(row)<<c.shift]] == 1; left != (i < n) {
				t.Fatalf("trial %d: row %d is on the wrong side", trial, row)
			}
		}
		if !slices.IsSorted(rows[:n]) || !slices.IsSorted(rows[n:]) {
			t.Fatalf("trial %d: a side is out of order", trial)
		}
		again := slices.Clone(rows)
		if m := partition(again, spare, c, &r, team); m != n || !slices.Equal(again, rows) {
			t.Fatalf("trial %d: dividing again moves rows", trial)
		}
		slices.Sort(again)
		if !slices.Equal(again, all) {
			t.Fatalf("trial %d: rows were lost", trial)
		}
	}
}

// TestSplitProperties: the best gain does not depend on the direction in which
// bins are numbered nor on empty bins between them, is not below that of any
// single threshold, and both children have the rows that were asked for.
func TestSplitProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 36))
	for trial := range 300 {
		p := DefaultParams()
		p.MinDataInLeaf, p.MinSumHessianInLeaf, p.LambdaL2 = 1+trial%20, 0, float64(trial%3)
		bins := 2 + rng.IntN(60)
		h := make([]cell, bins)
		l := &leaf{bound: unbounded}
		for b := range h {
			n := 1 + rng.IntN(9)
			l.n += n
			h[b] = int64(rng.IntN(4000)-2000)<<32 + int64(n)*256
			l.total += h[b]
		}
		gr := newGradients(l.n)
		gr.units = units{1.0 / 1024, 1.0 / 1024}
		f := newSplitFinder(&p, gr, l, false)
		best := func(h []cell) split {
			return f.findNumericSplit(h, &feature{binner: &binner{bins: len(h), upper: make([]float64, len(h))}}, 0, 0)
		}
		got := best(h)
		back := slices.Clone(h)
		slices.Reverse(back)
		spread := make([]cell, 3*bins)
		for b, c := range h {
			spread[3*b+1] = c
		}
		near := func(a, b float64) bool { return a == b || a-b < 1e-9*a && b-a < 1e-9*a }
		if g := best(back).gain; !near(got.gain, g) {
			t.Fatalf("trial %d: gain %v, with bins in reverse %v", trial, got.gain, g)
		}
		if g := best(spread); g.gain != got.gain || g.sum != got.sum {
			t.Fatalf("trial %d: gain %v, with empty bins %v", trial, got.gain, g.gain)
		}
		if got.gain < 0 {
			continue // no threshold leaves enough rows
		}
		if n := f.rowsOf(hessOf(got.sum)); n < p.MinDataInLeaf || l.n-n < p.MinDataInLeaf {
			t.Fatalf("trial %d: children of %d and %d rows, at least %d were asked for", trial, n,
				l.n-n, p.MinDataInLeaf)
		}
		var acc cell
		for b := range bins - 1 {
			acc += h[b]
			if n := f.rowsOf(hessOf(acc)); n >= p.MinDataInLeaf && l.n-n >= p.MinDataInLeaf &&
				f.splitGain(acc, p.LambdaL2, 0) > got.gain*(1+1e-9) {
				t.Fatalf("trial %d: threshold %d gains more than the best", trial, b)
			}
		}
	}
}
