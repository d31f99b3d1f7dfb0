// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestRows lays out random rows: nothing overlaps anything else, and no block
// crosses a cache line's boundary.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var space exitRows
	owner := map[int]int{} // of each 8 bytes
	for row := range 5000 {
		n := 1 + r.IntN(blockNodes+1)
		open := uint16(r.Uint32()) & (1<<n - 1)
		open &= uint16(r.Uint32()) // a block in every fourth exit
		if row%3 == 0 {
			open = 0
		}
		at := space.takeRow(open, n)
		for k := range n {
			from, size := at+slotSize*k, leafSize
			if open>>k&1 != 0 {
				size = blockSize
			}
			if from%leafSize != 0 || from/64 != (from+size-1)/64 || from+size > len(space.data) {
				t.Fatalf("row %d, exit %d: %d bytes at %d of %d", row, k, size, from, len(space.data))
			}
			for b := from; b < from+size; b += leafSize {
				if other, ok := owner[b]; ok {
					t.Fatalf("rows %d and %d both take the 8 bytes at %d", other, row, b)
				}
				owner[b] = row
			}
		}
	}
	if used := leafSize * len(owner); used < len(space.data)*8/10 {
		t.Errorf("the rows use %d bytes of %d: want four fifths", used, len(space.data))
	}
}

// TestCovers: how many rows came to a leaf in training shapes the blocks, and
// changes no margin, whatever a model says it was.
func TestCovers(t *testing.T) {
	for name, cover := range map[string]func(t *models.Tree, r *rand.Rand){
		"none":     func(t *models.Tree, _ *rand.Rand) { t.LeafCount, t.LeafHess = nil, nil },
		"hessians": func(t *models.Tree, _ *rand.Rand) { t.LeafCount = nil },
		"zero":     func(t *models.Tree, _ *rand.Rand) { clear(t.LeafCount) },
		"few": func(t *models.Tree, r *rand.Rand) {
			for i := range t.LeafCount {
				t.LeafCount[i] = int64(r.IntN(2))
			}
		},
		"steep": func(t *models.Tree, r *rand.Rand) {
			for i := range t.LeafCount {
				t.LeafCount[i] = 1 << r.IntN(63)
			}
		},
		"negative": func(t *models.Tree, _ *rand.Rand) {
			for i := range t.LeafCount {
				t.LeafCount[i] = math.MinInt64
			}
		},
		"not finite": func(t *models.Tree, _ *rand.Rand) {
			t.LeafCount = nil
			for i := range t.LeafHess {
				t.LeafHess[i] = []float64{math.NaN(), math.Inf(1), math.MaxFloat64, 1e-300}[i%4]
			}
		},
	} {
		m := foresttest.Model(3, foresttest.Shape{Trees: 150, Leaves: 100, Features: 20, Missing: 0.5})
		r := rand.New(rand.NewPCG(3, 4))
		for i := range m.Trees {
			cover(&m.Trees[i], r)
		}
		f, err := Compile(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if kernelLevel > levelGo && f.blocks == nil {
			t.Errorf("%s: no blocks", name)
		}
		rows := foresttest.Rows(3, m, 300)
		for i := 0; i < len(rows); i += 20 {
			x := rows[i : i+20]
			if got, want := f.Margin(x), m.Margin(x); math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%s: row %d: %v, want %v", name, i/20, got, want)
			}
		}
	}
}
