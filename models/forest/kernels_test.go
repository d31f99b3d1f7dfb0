// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/assayrisk/assay/models/forest/foresttest"
)

// Each kernel is held to its slow twin, bit for bit. On other architectures,
// and with -tags purego, the two are one.

func TestRankKernel(t *testing.T) { eachLevel(t, rankKernel) }

func rankKernel(t *testing.T) {
	var all [3]int // marked sources, others of few thresholds, others of more
	for _, shape := range []foresttest.Shape{
		{Trees: 50, Leaves: 31, Features: 30, MixedMissing: true},
		{Trees: 30, Leaves: 31, Features: 30, Missing: 0.3},
		{Trees: 300, Leaves: 31, Features: 30, Thresholds: 75},
	} {
		for i, n := range rankShape(t, shape) {
			all[i] += n
		}
	}
	if slices.Min(all[:]) == 0 {
		t.Errorf("%v sources of the three kinds: want some of each", all)
	}
}

func rankShape(t *testing.T, shape foresttest.Shape) (kinds [3]int) {
	m := foresttest.Model(1, shape)
	c, err := columnize(m)
	if err != nil {
		t.Fatal(err)
	}
	e := newEncoder(c)
	rows := foresttest.Rows(1, m, 2000)
	n := len(e.tables)
	got, want := make([]uint8, n+1), make([]uint8, n+1)
	gotMissing, wantMissing := make([]uint8, n), make([]uint8, n)
	for i := 0; i < len(rows); i += 30 {
		x := unsafe.Pointer(&rows[i])
		rank(got, gotMissing, x, 0, e.tables, 1, n)
		rankGeneric(want, wantMissing, x, 0, e.tables, 1, n)
		if !slices.Equal(got, want) || !slices.Equal(gotMissing, wantMissing) {
			t.Fatalf("row %d: ranks %v, want %v; missing %v, want %v", i/30, got, want, gotMissing, wantMissing)
		}
		clear(got)
		rankFew(got[e.marked:], x, e.tables[e.marked:e.fewEnd])
		rankUnmarked(got[e.fewEnd:], x, e.tables[e.fewEnd:])
		rankUnmarkedGeneric(want[e.marked:], x, e.tables[e.marked:])
		if !slices.Equal(got[e.marked:], want[e.marked:]) {
			t.Fatalf("row %d: unmarked ranks %v, want %v", i/30, got[e.marked:], want[e.marked:])
		}
	}
	many := len(rows) / 30
	column, wantColumn, marks := make([]uint8, many), make([]uint8, many), make([]uint8, many)
	for k := e.marked; k < e.short; k++ {
		rankColumn(column, marks, unsafe.Pointer(&rows[0]), 30*8, &e.tables[k], many)
		rankGeneric(wantColumn, marks, unsafe.Pointer(&rows[0]), 30*8, e.tables[k:], 0, many)
		if !slices.Equal(column, wantColumn) {
			t.Fatalf("source %d: the ranks of its column are %v, want %v", k, column, wantColumn)
		}
	}
	for k := range e.tables { // the same ranks by the binary search over any number of thresholds
		s := &e.sources[k]
		v := s.value(rows[len(rows)-30+int(s.feature)])
		if r := s.rank(v); v == v && r != int32(want[k]) {
			t.Fatalf("source %d: rank %d, want %d", k, want[k], r)
		}
	}
	return [3]int{e.marked, e.fewEnd - e.marked, e.short - e.fewEnd}
}

func TestShapKernels(t *testing.T) {
	widths := map[int]bool{} // of the rules that were run: one for each kernel
	for _, shape := range []foresttest.Shape{
		{Trees: 20, Leaves: 60, Features: 12, Missing: 0.5, Categories: 9, Categorical: 0.2},
		{Trees: 9, Leaves: 20, Features: 30, Chain: true},
		{Trees: 9, Leaves: 70, Features: 60, Chain: true},
		{Trees: 9, Leaves: 2, Features: 3},
	} {
		shapKernels(t, shape, widths)
	}
	if !widths[4] || !widths[8] || len(widths) < 3 {
		t.Errorf("the rules of %v nodes were run: want 4, 8 and a longer one", widths)
	}
}

func shapKernels(t *testing.T, shape foresttest.Shape, widths map[int]bool) {
	m := foresttest.Model(2, shape)
	f, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	n := len(m.Features)
	s := f.newScratch()
	a, b := f.explainer.newScratch(n), f.explainer.newScratch(n)
	rows := foresttest.Rows(2, m, 50)
	for i := 0; i < len(rows); i += n {
		x := rows[i : i+n]
		f.encoder.encode(s.codes, s.missing, x)
		f.encoder.encodeSets(s.codes, x)
		for _, r := range f.explainer.rules {
			widths[r.width] = true
			clear(a.shares)
			clear(b.shares)
			a.held[2*r.width], b.held[2*r.width] = uint32(8*r.width), uint32(8*r.width)
			for j := range r.trees {
				copy(a.product[r.width:], r.trees[j].factors[:r.width])
				copy(b.product[r.width:], r.trees[j].factors[:r.width])
				r.explain(&r.trees[j], a, s.codes)
				r.explainGeneric(&r.trees[j], b, s.codes)
			}
			for k := range a.shares {
				if math.Float64bits(a.shares[k]) != math.Float64bits(b.shares[k]) {
					t.Fatalf("row %d, rule of %d, share %d: %v, want %v", i/n, r.width, k, a.shares[k], b.shares[k])
				}
			}
		}
	}
}

func TestFitKernel(t *testing.T) {
	z := []float64{0, 1, 0.5, 1e-300, math.SmallestNonzeroFloat64, math.Nextafter(1, 0), 0.3, 1.0 / 3}
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		z = append(z, r.Float64())
	}
	for width := 4; width <= maxQuadrature; width += 4 {
		q := newQuadrature(width)
		got, want := make([]float64, len(z)*width+1), make([]float64, len(z)*width+1)
		got[len(z)*width], want[len(z)*width] = 7, 7
		fitFactors(got, z, &q)
		fitFactorsGeneric(want, z, &q)
		for i := range got {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Fatalf("rule of %d, number %d: %v, want %v", width, i, got[i], want[i])
			}
		}
	}
}

func TestWalkKernel(t *testing.T) {
	for _, shape := range []foresttest.Shape{
		{Trees: 23, Leaves: 60, Features: 12, Missing: 0.5, Categories: 300, Categorical: 0.3},
		{Trees: 81, Leaves: 30, Features: 400},
		{Trees: 9, Leaves: 300, Features: 20, Chain: true},
		{Trees: 150, Leaves: 2, Features: 3},
		{Trees: 12, Leaves: 1, Features: 3},
	} {
		m := foresttest.Model(4, shape)
		c, err := columnize(m)
		if err != nil {
			t.Fatal(err)
		}
		e := newEncoder(c)
		w := newWalker(m, c, e)
		codes, missing := make([]uint8, e.width+64), make([]uint8, e.short+64)
		rows := foresttest.Rows(4, m, 300)
		n := len(m.Features)
		for i := 0; i < len(rows); i += n {
			x := rows[i : i+n]
			e.encode(codes, missing, x)
			e.encodeSets(codes, x)
			for _, from := range []int{0, 1, 3} {
				got, want := sumLeaves(w, from, len(m.Trees), codes, 0.25), 0.25
				for k := from; k < len(m.Trees); k++ {
					want = sumLeaves(w, k, k+1, codes, want) // alone: without the kernel
				}
				if math.Float64bits(got) != math.Float64bits(want) {
					t.Fatalf("%d trees of %d leaves, from %d, row %d: %v, want %v", shape.Trees,
						shape.Leaves, from, i/n, got, want)
				}
			}
		}
	}
}

// TestQuadrature integrates all the powers that a rule promises to.
func TestQuadrature(t *testing.T) {
	for _, n := range []int{1, 4, 8, 12, 32, 64} {
		q := newQuadrature(n)
		for p := range 2 * n {
			sum := 0.0
			for k, x := range q.nodes {
				sum += q.weights[k] * math.Pow(x, float64(p))
			}
			if want := 1 / float64(p+1); math.Abs(sum-want) > 1e-14 {
				t.Fatalf("rule of %d nodes: the integral of t^%d is %v, want %v", n, p, sum, want)
			}
		}
	}
}

// TestKernelsReached asserts that the shapes of TestMargin reach each block
// kernel: which one is a matter of columns, categories and float32.
func TestKernelsReached(t *testing.T) {
	if kernelLevel == levelGo {
		t.Skip("this build has no kernels")
	}
	for name, c := range map[string]struct {
		shape     foresttest.Shape
		few, cats bool
	}{
		"plain31": {foresttest.Shape{Trees: 40, Leaves: 31, Features: 50}, true, false},
		"plain63": {foresttest.Shape{Trees: 40, Leaves: 63, Features: 50, Missing: 1}, false, false},
		"categories": {foresttest.Shape{Trees: 30, Leaves: 31, Features: 20, Categories: 40, Categorical: 0.5,
			Missing: 0.5}, true, true},
		"wide and cats": {foresttest.Shape{Trees: 30, Leaves: 31, Features: 80, Categories: 40, Categorical: 0.2,
			Missing: 0.5}, false, true},
	} {
		for seed := range uint64(3) {
			f, err := Compile(foresttest.Model(seed, c.shape))
			if err != nil {
				t.Fatal(err)
			}
			if f.blocks == nil || (f.encoder.numeric <= 64) != c.few || (f.blocks.places > 0) != c.cats {
				t.Errorf("%s: %d columns, blocks %v", name, f.encoder.numeric, f.blocks != nil)
			}
		}
	}
}

// TestForms asserts that the shapes of TestMargin reach every form.
func TestForms(t *testing.T) {
	if kernelLevel == levelGo {
		t.Skip("this build has no kernels")
	}
	for name, c := range map[string]struct {
		shape                 foresttest.Shape
		blocks, lanes, walker bool
	}{
		"blocks":      {foresttest.Shape{Trees: 9, Leaves: 31, Features: 50}, true, true, false},
		"large trees": {foresttest.Shape{Trees: 2, Leaves: 1000, Features: 20}, true, false, false},
		"chain":       {foresttest.Shape{Trees: 2, Leaves: 200, Features: 20, Chain: true}, false, true, true},
		"wide":        {foresttest.Shape{Trees: 60, Leaves: 31, Features: 200}, false, true, true},
		"both":        {foresttest.Shape{Trees: 6, Leaves: 1000, Features: 200}, false, true, true},
	} {
		f, err := Compile(foresttest.Model(1, c.shape))
		if err != nil {
			t.Fatal(err)
		}
		if b, l, w := f.blocks != nil, f.lanes != nil, f.walker != nil; b != c.blocks || l != c.lanes || w != c.walker {
			t.Errorf("%s: blocks %v, lanes %v, walker %v; want %v, %v, %v", name, b, l, w, c.blocks, c.lanes, c.walker)
		}
	}
}

// TestPlaces has more blocks that ask for category answers than the places of a
// chunk: chunks end early, and the sums are as ever.
func TestPlaces(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if kernelLevel == levelGo {
		t.Skip("this build has no kernels")
	}
	m := foresttest.Model(1, foresttest.Shape{Trees: 100, Leaves: 6000, Features: 6, Categories: 6, Categorical: 1})
	f, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.blocks.runs) < 2 || f.blocks.someWalked {
		t.Fatalf("%d runs, walk %v: want several runs of blocks", len(f.blocks.runs), f.blocks.someWalked)
	}
	rows := foresttest.Rows(1, m, 50)
	for i := 0; i < len(rows); i += 6 {
		x := rows[i : i+6]
		if got, want := f.Margin(x), m.Margin(x); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("row %d: %v, want %v", i/6, got, want)
		}
	}
}
