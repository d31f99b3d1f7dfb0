// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// sparseMatrix draws columns with a common bin each and seals them.
func sparseMatrix(rng *rand.Rand, features, rows, bins, parallel int, density float64) *matrix {
	binners := make([]*binner, features)
	for j := range binners {
		k := 2 + rng.IntN(bins-1)
		binners[j] = &binner{bins: k, common: uint8(rng.IntN(k)), commonShare: 1 - density}
	}
	m := newMatrix(nil, binners, rows, parallel, false)
	for f := range m.columns {
		c := m.columns[f].cells
		for i := range c {
			c[i] = m.features[f].common
			if rng.Float64() < density {
				c[i] = uint8(rng.IntN(m.features[f].bins))
			}
		}
	}
	team := workers.New(parallel)
	defer team.Close()
	m.buildSparse(team)
	return m
}

// TestSparseHistogram: the cells of sparse groups are those that a loop over
// rows and columns gives, for lists that fit and lists that do not.
func TestSparseHistogram(t *testing.T) {
	trials := 60
	if testing.Short() {
		trials = 20
	}
	rng := rand.New(rand.NewPCG(21, 22))
	long := 0
	for trial := range trials {
		density := []float64{0, 0.01, 0.1, 0.29, 0.3}[trial%5]
		features, rows := 8+rng.IntN(300), 1+rng.IntN(2*binBlock)
		m := sparseMatrix(rng, features, rows, 2+rng.IntN(254), 1+trial%4, density)
		packed := make([]cell, rows)
		for i := range packed {
			packed[i] = int64(rng.IntN(2001)-1000)<<32 + int64(rng.IntN(1000))
		}
		some := randomRows(rng, rows, rng.IntN(rows+1))
		var total cell
		for _, r := range some {
			total += packed[r]
		}
		for gi := range m.groups {
			g := &m.groups[gi]
			if !g.sparse {
				t.Fatalf("density %v: a dense group", density)
			}
			long += len(g.overflow)
			h := make([]cell, m.cells)
			twin := make([]cell, m.cells)
			g.fillHistogram(h, some, packed)
			addListsGo(twin[g.lo:g.hi], g, some, packed)
			for _, f := range g.members {
				ft := &m.features[f]
				want := make([]cell, ft.bins)
				for _, r := range some {
					want[m.columns[f].cells[r]] += packed[r]
				}
				setCommon(h[ft.offset:ft.offset+ft.bins], ft.common, total)
				setCommon(twin[ft.offset:ft.offset+ft.bins], ft.common, total)
				for b, c := range want {
					if got := h[ft.offset+b]; got != c || twin[ft.offset+b] != c {
						t.Fatalf("density %v, %d features, %d rows, %d places: feature %d bin %d: %x and %x, want %x",
							density, features, rows, g.places, f, b, got, twin[ft.offset+b], c)
					}
				}
			}
		}
	}
	if long == 0 {
		t.Error("no list was longer than its record")
	}
}

// sparseTable draws columns that are mostly zero, some with missing values,
// among dense ones.
func sparseTable(n int, seed uint64) *Dataset {
	d := synthetic(n, seed)
	for j := range 24 {
		c := make([]float64, n)
		for i := range c {
			u := unit(hash(seed, uint64(i), 1000, uint64(j)))
			if u < 0.2 {
				c[i] = float64(int(u * 5 * float64(1+j*j)))
			}
			if j%6 == 5 && u > 0.95 {
				c[i] = math.NaN()
			}
			if u < 0.02*float64(j%4) {
				d.Label[i] = float64(j & 4 >> 2)
			}
		}
		d.Columns, d.Categorical = append(d.Columns, c), append(d.Categorical, j%8 == 7)
	}
	return d
}

// TestSparseLayout: how columns are laid out does not show in the model.
func TestSparseLayout(t *testing.T) {
	d := sparseTable(9000, 5)
	for name, set := range map[string]func(*Params){
		"plain":    func(*Params) {},
		"sampled":  func(p *Params) { p.BaggingFreq, p.BaggingFraction, p.FeatureFraction = 1, 0.6, 0.7 },
		"monotone": func(p *Params) { p.MonotoneConstraints = make([]int8, 36); p.MonotoneConstraints[14] = 1 },
	} {
		for _, threads := range []int{1, 3} {
			p := DefaultParams()
			p.NumIterations, p.NumThreads = 8, threads
			set(&p)
			b, err := Bin(context.Background(), d, p)
			if err != nil {
				t.Fatal(err)
			}
			sparse := 0
			for _, g := range b.m.groups {
				if g.sparse {
					sparse += len(g.members)
				}
			}
			if sparse < 24 {
				t.Fatalf("%d features are sparse, want 24 or more", sparse)
			}
			got, err := b.Train(context.Background(), p, Options{})
			if err != nil {
				t.Fatal(err)
			}
			lay := func(what string, lean bool) {
				team := workers.New(threads)
				b.m = newMatrix(b.m.names, b.m.binners, d.Rows(), threads, lean)
				b.m.fill(d, 0, team)
				b.m.buildSparse(team)
				team.Close()
				other, err := b.Train(context.Background(), p, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if digest(got.Model) != digest(other.Model) {
					t.Errorf("%s, %d threads: sparse groups give another model than %s", name, threads, what)
				}
			}
			lay("the same with records only", true)
			for _, bn := range b.m.binners {
				bn.commonShare = 0
			}
			lay("dense ones", false)
			lay("records alone", true)
			bytes := 0
			for _, g := range b.m.groups {
				bytes += len(g.records) - recordPad
			}
			if n := len(b.m.features); bytes > (n+1)*d.Rows() {
				t.Errorf("%d threads: %d features of %d rows take %d bytes", threads, n, d.Rows(), bytes)
			}
		}
	}
}

func BenchmarkAddLists(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 1 << 19
	for _, parallel := range []int{2, 4, 8} {
		m := sparseMatrix(rng, 100, rows, 256, parallel, 0.19)
		g := &m.groups[0]
		packed := make([]cell, rows)
		h := make([]cell, g.hi-g.lo)
		for _, share := range []int{1, 8, 64} {
			some := randomRows(rng, rows, rows/share)
			for name, add := range map[string]func([]cell, *group, []uint32,
				[]cell){"asm": addLists, "go": addListsGo} {
				b.Run(fmt.Sprintf("groups%d/share%d/%s", parallel, share, name), func(b *testing.B) {
					for range b.N {
						add(h, g, some, packed)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(some)), "ns/row")
					b.ReportMetric(float64(g.places), "places")
				})
			}
		}
	}
}
