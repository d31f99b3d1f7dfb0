// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestThresholds: the search over four thresholds at a time agrees with its
// twin in the gain's bits and in the place.
func TestThresholds(t *testing.T) { eachLevel(t, testThresholds) }

func testThresholds(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for trial := range 3000 {
		n := 1 + rng.IntN(255)
		var left [histogramBins + 4]cell
		var acc cell
		for b := range n {
			if rng.IntN(4) > 0 {
				acc += int64(rng.IntN(2001)-1000)<<32 + int64(rng.IntN(500))
			}
			left[b] = acc
		}
		total := acc + int64(rng.IntN(2001)-1000)<<32 + int64(rng.IntN(500))
		s := thresholdScan{gUnit: 1e-3, hUnit: 3e-4, l2: float64(trial % 3)}
		s.g, s.h = float64(gradOf(total))*s.gUnit, float64(hessOf(total))*s.hUnit
		s.least = float64(1 + rng.IntN(1000))
		s.most = float64(hessOf(total)) - s.least
		floor := math.Inf(-1)
		if trial%2 == 0 {
			floor = s.g * s.g / (s.h + s.l2)
		}
		twin := left
		gain, bin := bestThreshold(&left, n, &s, floor)
		wantGain, wantBin := bestThresholdGo(&twin, n, &s, floor)
		if gain != wantGain || bin != wantBin {
			t.Fatalf("trial %d: gain %v at %d, want %v at %d", trial, gain, bin, wantGain, wantBin)
		}
	}
}

// TestNumericSplit compares the search with one that sums the rows of each
// side anew for every threshold and both ways for missing values.
func TestNumericSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for trial := range 400 {
		p := DefaultParams()
		p.MinDataInLeaf, p.LambdaL2, p.MinSumHessianInLeaf = 1+trial%7, float64(trial%2), 0
		if trial%5 == 0 {
			p.LambdaL1 = 0.3 // the general path
		}
		values := make([]float64, 300)
		for i := range values {
			values[i] = math.Round(rng.NormFloat64() * 5)
			if trial%3 == 0 && rng.IntN(5) == 0 {
				values[i] = math.NaN()
			}
		}
		b := fitNumeric(values, 32, &p, &scratch{})
		ft := &feature{binner: b}
		gr := newGradients(len(values))
		gr.units = units{1.0 / 1024, 1.0 / 1024}
		h := make([]cell, b.bins)
		l := &leaf{n: len(values), bound: unbounded}
		side := make([]uint8, len(values))
		b.binAll(side, values)
		for i := range gr.packed {
			gr.packed[i] = int64(rng.IntN(2000)-1000+int(side[i])*30)<<32 + 256
			h[side[i]] += gr.packed[i]
			l.total += gr.packed[i]
		}
		f := newSplitFinder(&p, gr, l, false)
		got := f.findNumericSplit(h, ft, 0, 0)
		best := math.Inf(-1)
		for bin := range b.bins {
			for _, missingLeft := range []bool{false, true} {
				r := newRouter(&split{bin: bin, missingLeft: missingLeft}, ft)
				var left cell
				n := 0
				for i, s := range side {
					if r[s] != 0 {
						left += gr.packed[i]
						n++
					}
				}
				if n < p.MinDataInLeaf || len(values)-n < p.MinDataInLeaf {
					continue
				}
				gl, hl := f.unscale(left)
				side := func(g, h float64) float64 {
					g = max(0, math.Abs(g)-p.LambdaL1)
					return g * g / (h + p.LambdaL2)
				}
				best = max(best, side(gl, hl)+side(f.sumGrad-gl, f.sumHess-hl))
			}
		}
		if math.Abs(got.gain-best) > 1e-9*math.Abs(best) && got.gain != best {
			t.Fatalf("trial %d: gain %v, want %v", trial, got.gain, best)
		}
		// The split's sums are those of the rows that its router sends left.
		r := newRouter(&got, ft)
		var left cell
		for i, s := range side {
			if r[s] != 0 {
				left += gr.packed[i]
			}
		}
		if left != got.sum {
			t.Fatalf("trial %d: the split holds other sums than its rows", trial)
		}
	}
}

// TestCategorySplit compares one-against-rest with trying every category, and
// the sorted search with every prefix of the order by ratio, from both ends.
func TestCategorySplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for trial := range 300 {
		p := DefaultParams()
		p.MinDataInLeaf, p.MinDataPerGroup, p.CatSmooth, p.MaxCatThreshold = 5, 1, 2, 4+trial%30
		codes := 2 + trial%20
		n := 600
		ft := &feature{binner: &binner{categorical: true, bins: codes + 1}}
		gr := newGradients(n)
		gr.units = units{1.0 / 1024, 1.0 / 1024}
		h := make([]cell, codes+1)
		l := &leaf{n: n, bound: unbounded}
		bins := make([]uint8, n)
		for i := range bins {
			bins[i] = uint8(rng.IntN(codes + 1))
			c := int64(rng.IntN(2000)-1000+int(bins[i]*37%11)*90)<<32 + 256
			gr.packed[i] = c
			h[bins[i]] += c
			l.total += c
		}
		f := newSplitFinder(&p, gr, l, false)
		got := f.findCategorySplit(h, ft, 0)
		best := math.Inf(-1)
		try := func(set []int, l2 float64) {
			var left cell
			for _, b := range set {
				left += h[b]
			}
			if k := f.rowsOf(hessOf(left)); k < p.MinDataInLeaf || n-k < p.MinDataInLeaf {
				return
			}
			gl, hl := f.unscale(left)
			best = max(best, gl*gl/(hl+l2)+(f.sumGrad-gl)*(f.sumGrad-gl)/(f.sumHess-hl+l2))
		}
		if codes < p.MaxCatToOnehot {
			for b := 1; b <= codes; b++ {
				try([]int{b}, 0)
			}
		} else {
			order := rng.Perm(codes)
			for i := range order { // selection sort by ratio
				for j := i + 1; j < codes; j++ {
					ratio := func(k int) float64 { g, s := f.unscale(h[order[k]+1]); return g / (s + p.CatSmooth) }
					if ratio(j) < ratio(i) {
						order[i], order[j] = order[j], order[i]
					}
				}
			}
			var up, down []int
			for i := range min(p.MaxCatThreshold, (codes+1)/2) {
				up, down = append(up, order[i]+1), append(down, order[codes-1-i]+1)
				try(up, p.CatL2)
				try(down, p.CatL2)
			}
		}
		if math.Abs(got.gain-best) > 1e-9*math.Abs(best) && got.gain != best {
			t.Fatalf("trial %d, %d codes: gain %v, want %v", trial, codes, got.gain, best)
		}
		r := newRouter(&got, ft)
		var left cell
		for i, b := range bins {
			if r[b] != 0 {
				left += gr.packed[i]
			}
		}
		if left != got.sum || r[0] != 0 {
			t.Fatalf("trial %d: the split holds other sums than its rows, or sends rare codes left", trial)
		}
	}
}
