// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay/models"
)

// awkward draws values of many scales, with ties, zeros, infinities and NaNs.
func awkward(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		switch rng.IntN(10) {
		case 0:
			v[i] = 0
		case 1:
			v[i] = math.Copysign(0, -1)
		case 2:
			v[i] = float64(rng.IntN(5) - 2)
		case 3:
			v[i] = math.Inf(rng.IntN(2)*2 - 1)
		case 4:
			v[i] = math.NaN()
		case 5:
			v[i] = rng.NormFloat64() * 1e-36
		case 6:
			v[i] = rng.NormFloat64() * 1e300
		default:
			v[i] = rng.NormFloat64()
		}
	}
	return v
}

func TestSortFloats(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 1023, 1024, 5000} {
		v := slices.DeleteFunc(awkward(rng, n), math.IsNaN)
		want := slices.Clone(v)
		slices.Sort(want)
		new(scratch).sort(v)
		for i := range v {
			if v[i] != want[i] {
				t.Fatalf("%d values: place %d holds %v, want %v", n, i, v[i], want[i])
			}
		}
	}
}

// TestBinAll: the fast search agrees with the definition of a bin, the first
// one whose upper bound is not below the value.
func TestBinAll(t *testing.T) { eachLevel(t, testBinAll) }

func testBinAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for trial := range 200 {
		p := DefaultParams()
		p.UseMissing, p.ZeroAsMissing, p.MinDataInBin = trial%3 > 0, trial%5 == 0, 1+trial%4
		src := awkward(rng, 1+rng.IntN(3000))
		b := fitNumeric(src[:1+rng.IntN(len(src))], 2+rng.IntN(254), &p, &scratch{})
		if !slices.IsSorted(b.upper) || !math.IsInf(b.upper[len(b.upper)-1], 1) || b.bins > 255 {
			t.Fatalf("bad bounds %v", b.upper)
		}
		got, twin := make([]uint8, len(src)), make([]uint8, len(src))
		b.binAll(got, src)
		var bound [256]float64
		for i := range bound {
			bound[i] = math.Inf(1)
		}
		copy(bound[:], b.upper)
		countBelowGo(twin, src, &bound)
		for i, v := range src {
			want := 0
			switch {
			case v != v && b.missing == models.MissingNaN:
				want = b.bins - 1
			case v != v:
				v = 0
				fallthrough
			default:
				for b.upper[want] < v {
					want++
				}
			}
			if int(got[i]) != want || int(b.bin(src[i])) != want {
				t.Fatalf("value %v: bin %d and %d, want %d of %v", src[i], got[i], b.bin(src[i]), want, b.upper)
			}
			if src[i] == src[i] && int(twin[i]) != want {
				t.Fatalf("value %v: the twin's bin %d, want %d of %v", src[i], twin[i], want, b.upper)
			}
		}
	}
}

// TestZeroBin: the bin of zero ends where LightGBM's does, at 1e-35 as a
// float32, on both sides.
func TestZeroBin(t *testing.T) {
	end := float64(float32(1e-35))
	var sample []float64
	for i := range 40 {
		sample = append(sample, 0, float64(i+1), -float64(i+1))
	}
	p := DefaultParams()
	b := fitNumeric(sample, 20, &p, &scratch{})
	for v, inside := range map[float64]bool{
		end: true, 1e-35: true, -1e-35: true, 0: true, math.Nextafter(-end, 0): true,
		math.Nextafter(end, 1): false, -end: false, 1: false, -1: false,
	} {
		if got := int(b.bin(v)) == b.zero; got != inside {
			t.Errorf("%g lies in the bin of zero: %v, want %v", v, got, inside)
		}
	}
}

func BenchmarkBinAll(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 1))
	src := make([]float64, 1<<16)
	for i := range src {
		src[i] = rng.NormFloat64()
	}
	p := DefaultParams()
	f := fitNumeric(src, 255, &p, &scratch{})
	dst := make([]uint8, len(src))
	for range b.N {
		f.binAll(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(src)), "ns/value")
}

func BenchmarkSortFloats(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 1))
	src, v := make([]float64, 200000), make([]float64, 200000)
	for i := range src {
		src[i] = rng.NormFloat64()
	}
	for range b.N {
		copy(v, src)
		new(scratch).sort(v)
	}
}
