// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// randomGroup draws a group of the given width over rows, and gradients.
func randomGroup(rng *rand.Rand, width, rows int) (*group, []cell) {
	g := &group{width: width}
	for 1<<g.shift < width {
		g.shift++
	}
	g.records = make([]uint8, rows<<g.shift+recordPad)
	for i := range g.records {
		g.records[i] = uint8(rng.Uint32())
	}
	packed := make([]cell, rows)
	for i := range packed {
		packed[i] = int64(rng.IntN(2001)-1000)<<32 + int64(rng.IntN(1000))
	}
	return g, packed
}

func randomRows(rng *rand.Rand, rows, n int) []uint32 {
	r := make([]uint32, n)
	for i := range r {
		r[i] = uint32(rng.IntN(rows))
	}
	slices.Sort(r)
	return r
}

// TestKernels: the histogram kernel of every width and many lengths gives the
// cells that a loop over rows and features gives.
func TestKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for width := 2; width <= maxGroup; width += 2 {
		g, packed := randomGroup(rng, width, 1000)
		for _, n := range []int{0, 1, 2, 19, 20, 21, 22, 40, 333, 1000} {
			rows := randomRows(rng, 1000, n)
			want := make([]cell, width*histogramBins)
			for _, r := range rows {
				for k := range width {
					want[k*histogramBins+int(g.records[int(r)<<g.shift+k])] += packed[r]
				}
			}
			for name, add := range map[string]func([]cell, *group, []uint32, []cell){"addRows": addRows,
				"addRowsGo": addRowsGo} {
				got := make([]cell, width*histogramBins)
				add(got, g, rows, packed)
				if !slices.Equal(got, want) {
					t.Errorf("%s, width %d, %d rows: wrong cells", name, width, n)
				}
			}
		}
	}
}

func BenchmarkAddRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const total = 1 << 20
	for _, width := range []int{8, 14, 16} {
		g, packed := randomGroup(rng, width, total)
		for _, share := range []int{1, 8, 64} {
			rows := randomRows(rng, total, total/share)
			h := make([]cell, width*histogramBins)
			for name, add := range map[string]func([]cell, *group, []uint32, []cell){"asm": addRows, "go": addRowsGo} {
				b.Run(fmt.Sprintf("width%d/share%d/%s", width, share, name), func(b *testing.B) {
					for range b.N {
						add(h, g, rows, packed)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
				})
			}
		}
	}
}

// TestGradientKernels: the kernels over runs of rows agree with their twins in
// every bit, at every length.
func TestGradientKernels(t *testing.T) { eachLevel(t, testGradientKernels) }

func testGradientKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 70 {
		score, label := make([]float64, n), make([]float64, n)
		for i := range score {
			score[i] = rng.NormFloat64() * []float64{0, 1, 30, 1e3}[rng.IntN(4)]
			label[i] = float64(rng.IntN(2))
		}
		got, want := make([]pair, n), make([]pair, n)
		logisticPairs(score, label, got)
		logisticPairsGo(score, label, want)
		if !slices.Equal(got, want) {
			t.Fatalf("%d rows: derivatives %v, want %v", n, got, want)
		}
		var a, b [8]float64
		sumPairs(&a, got)
		sumPairsGo(&b, got)
		if a != b {
			t.Fatalf("%d rows: sums %v, want %v", n, a, b)
		}
		c, d := make([]cell, n), make([]cell, n)
		key, row := rng.Uint32(), rng.Uint32()>>4
		gScale, hScale := rng.Float64()*1e6, rng.Float64()*1e6
		if x, y := roundPairs(c, got, row, key, gScale, hScale), roundPairsGo(d, got, row, key, gScale, hScale); x !=
			y || !slices.Equal(c, d) {
			t.Fatalf("%d rows: cells %v of sum %v, want %v of sum %v", n, c, x, d, y)
		}
	}
}

func BenchmarkGradients(b *testing.B) {
	const n = 8192
	score, label, out, packed := make([]float64, n), make([]float64, n), make([]pair, n), make([]cell, n)
	per := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
	}
	b.Run("logistic", func(b *testing.B) {
		for range b.N {
			logisticPairs(score, label, out)
		}
		per(b)
	})
	b.Run("sum", func(b *testing.B) {
		var lanes [8]float64
		for range b.N {
			sumPairs(&lanes, out)
		}
		per(b)
	})
	b.Run("round", func(b *testing.B) {
		for range b.N {
			roundPairs(packed, out, 0, 1, 100, 100)
		}
		per(b)
	})
}

// TestDivide: rows keep their order on both sides, whatever the length, and
// nothing is written past the end.
func TestDivide(t *testing.T) { eachLevel(t, testDivide) }

func testDivide(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	team := workers.New(3)
	defer team.Close()
	for trial := range 200 {
		n := []int{0, 1, 15, 16, 17, 31, 32, 33, 47, 1000, 40000}[trial%11]
		places := max(n, 1) * 2
		c := column{make([]uint8, places<<(trial%6)), trial % 6}
		for i := range c.cells {
			c.cells[i] = uint8(rng.Uint32())
		}
		var r router
		for b := range r {
			r[b] = uint8(rng.IntN(2))
		}
		switch trial % 13 {
		case 0: // all go right
			r = router{}
		case 1: // all go left
			for b := range r {
				r[b] = 1
			}
		}
		all := randomRows(rng, places, n)
		var want [2][]uint32
		for _, i := range all {
			side := 1 - r[c.cells[int(i)<<c.shift]]
			want[side] = append(want[side], i)
		}
		for name, fn := range map[string]func(a, b []uint32) int{
			"partition": func(a, b []uint32) int { return partition(a, b, c, &r, team) },
			"divideGo":  func(a, b []uint32) int { k := divideGo(a, b, c, &r); copy(a[k:], b); return k },
		} {
			const guard = 0xFEEDFACE
			rows, spare := append(slices.Clone(all), guard), make([]uint32, n+1)
			spare[n] = guard
			k := fn(rows[:n], spare[:n])
			if rows[n] != guard || spare[n] != guard {
				t.Fatalf("%s of %d rows wrote past the end", name, n)
			}
			rows = rows[:n]
			if !slices.Equal(rows[:k], want[0]) || !slices.Equal(rows[k:], want[1]) {
				t.Fatalf("%s of %d rows: wrong order", name, n)
			}
		}
	}
}

func BenchmarkDivide(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	const places = 1 << 20
	var r router
	for i := range r {
		r[i] = uint8(rng.IntN(2))
	}
	all := randomRows(rng, places, 1<<18)
	for _, shift := range []int{0, 4} {
		c := column{make([]uint8, places<<shift), shift}
		for i := range c.cells {
			c.cells[i] = uint8(rng.Uint32())
		}
		for name, fn := range map[string]func(a, b []uint32, c column, r *router) int{"asm": divide, "go": divideGo} {
			b.Run(fmt.Sprintf("%s/apart%d", name, 1<<shift), func(b *testing.B) {
				spare := make([]uint32, len(all))
				for range b.N {
					rows := slices.Clone(all)
					fn(rows, spare, c, &r)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/row")
			})
		}
	}
}
