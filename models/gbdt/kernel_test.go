// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomGroup draws a group of the given width over rows, and gradients.
func randomGroup(rng *rand.Rand, width, rows int) (*group, []cell) {
	g := &group{n: width, width: width}
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
			want := make([]cell, width*histogram)
			for _, r := range rows {
				for k := range width {
					want[k*histogram+int(g.records[int(r)<<g.shift+k])] += packed[r]
				}
			}
			for name, add := range map[string]func([]cell, *group, []uint32, []cell){"addRows": addRows, "addRowsGo": addRowsGo} {
				got := make([]cell, width*histogram)
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
			h := make([]cell, width*histogram)
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
