// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"slices"
)

// orderKey maps a float64 that is not NaN to an integer of the same order.
func orderKey(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// fromKey undoes orderKey.
func fromKey(k uint64) float64 {
	return math.Float64frombits(k ^ (^uint64(int64(k)>>63) | 1<<63))
}

// scratch is the memory that fitting the bins of one column needs. The next
// column uses it again.
type scratch struct {
	sample, values  []float64
	keys, otherKeys []uint64
	distinct        []distinct
	counts          [histogramBins]int
}

// sort sorts numbers without NaN in place: a radix sort by their order keys,
// eleven bits a pass from the lowest, without the passes in which all keys are
// equal.
func (s *scratch) sort(v []float64) {
	if len(v) < 1024 {
		slices.Sort(v)
		return
	}
	const digit, passes = 11, 6
	a, b := slices.Grow(s.keys[:0], len(v))[:len(v)], slices.Grow(s.otherKeys[:0], len(v))[:len(v)]
	s.keys, s.otherKeys = a, b
	var counts [passes][1 << digit]uint32
	for i, x := range v {
		k := orderKey(x)
		a[i] = k
		for p := range passes {
			counts[p][k>>(p*digit)&(1<<digit-1)]++
		}
	}
	for p := range passes {
		c := &counts[p]
		if c[a[0]>>(p*digit)&(1<<digit-1)] == uint32(len(a)) {
			continue
		}
		at := uint32(0)
		for d := range c {
			c[d], at = at, at+c[d]
		}
		for _, k := range a {
			d := k >> (p * digit) & (1<<digit - 1)
			b[c[d]] = k
			c[d]++
		}
		a, b = b, a
	}
	for i, k := range a {
		v[i] = fromKey(k)
	}
}
