// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/bits"
	"slices"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// fitBinners finds the bins of every column from a hashed sample of rows.
func fitBinners(d *Dataset, p *Params, team *workers.Team) []*binner {
	rows := sampleRows(d.Rows(), p.BinConstructSample, uint64(p.Seed))
	return fitColumns(len(d.Columns), p, team, d.categorical, func(j int, s *scratch) []float64 {
		s.sample = slices.Grow(s.sample[:0], len(rows))[:len(rows)]
		for i, r := range rows {
			s.sample[i] = d.Columns[j][r]
		}
		return s.sample
	})
}

func fitColumns(columns int, p *Params, team *workers.Team, categorical func(int) bool,
	sample func(int, *scratch) []float64) []*binner {
	binners := make([]*binner, columns)
	space := make([]scratch, team.Size())
	team.RunInPlaces(columns, func(member, j int) {
		s := &space[member]
		maxBin := p.MaxBin
		if len(p.MaxBinByFeature) > 0 {
			maxBin = p.MaxBinByFeature[j]
		}
		if categorical(j) {
			binners[j] = fitCategorical(sample(j, s), maxBin, p)
		} else {
			binners[j] = fitNumeric(sample(j, s), maxBin, p, s)
		}
	})
	return binners
}

// sampleRows draws at most k of n rows, each the one of its stratum that the
// seed's hash points at, in ascending order.
func sampleRows(n, k int, seed uint64) []uint32 {
	if n <= k {
		rows := make([]uint32, n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		return rows
	}
	rows := make([]uint32, k)
	for i := range rows {
		lo, hi := i*n/k, (i+1)*n/k
		rows[i] = uint32(lo + int(hash(seed, drawSample, uint64(i))%uint64(hi-lo)))
	}
	return rows
}

// binAll bins values one after another.
func (b *binner) binAll(dst []uint8, src []float64) {
	if b.categorical || len(b.upper) == 0 {
		for i, v := range src {
			dst[i] = b.bin(v)
		}
		return
	}
	// A value's bin is the number of bounds below it. The bounds that fill the
	// array up are never below a value.
	var bound [256]float64
	n := copy(bound[:], b.upper[:len(b.upper)-1])
	for i := n; i < len(bound); i++ {
		bound[i] = math.Inf(1)
	}
	countBelow(dst[:len(src)], src, &bound)
	missing := uint8(b.zero)
	if b.missing == models.MissingNaN {
		missing = uint8(b.bins - 1)
	}
	for i, v := range src {
		if v != v {
			dst[i] = missing
		}
	}
}

// countBelowGo counts the bounds below each value; for NaN, the count has no
// meaning. Values and bounds are compared as integers: the borrow of a
// subtraction is the outcome, without a branch.
func countBelowGo(dst []uint8, src []float64, bounds *[256]float64) {
	var bound [256]uint64
	for i, u := range bounds {
		bound[i] = orderKey(u)
	}
	for len(src) >= 4 { // four searches at once: while one waits for memory, another goes on
		x := (*[4]float64)(src)
		k0, k1, k2, k3 := orderKey(x[0]), orderKey(x[1]), orderKey(x[2]), orderKey(x[3])
		var i0, i1, i2, i3 uint64
		for s := 7; s >= 0; s-- {
			half := uint64(1)<<(s&7) - 1
			_, c0 := bits.Sub64(bound[(i0+half)&255], k0, 0)
			_, c1 := bits.Sub64(bound[(i1+half)&255], k1, 0)
			_, c2 := bits.Sub64(bound[(i2+half)&255], k2, 0)
			_, c3 := bits.Sub64(bound[(i3+half)&255], k3, 0)
			i0 += c0 << (s & 7)
			i1 += c1 << (s & 7)
			i2 += c2 << (s & 7)
			i3 += c3 << (s & 7)
		}
		*(*[4]uint8)(dst) = [4]uint8{uint8(i0), uint8(i1), uint8(i2), uint8(i3)}
		src, dst = src[4:], dst[4:]
	}
	for i, v := range src {
		k, at := orderKey(v), uint64(0)
		for s := 7; s >= 0; s-- {
			_, c := bits.Sub64(bound[(at+uint64(1)<<s-1)&255], k, 0)
			at += c << s
		}
		dst[i] = uint8(at)
	}
}
