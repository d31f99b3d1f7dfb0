// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"slices"
)

// Sorting dominates the time of a report of a million rows, so columns are sorted by
// their bits (radix sort): eleven bits at a time, the least significant first,
// skipping passes in which all keys agree. The sort is stable: rows of equal score
// keep their order.

const (
	radixBits = 11
	radixSize = 1 << radixBits
	// below this many values comparing is faster
	radixMin = 2048
)

// ascendingBits maps floats to integers of the same order; -0 and +0 are one
// value, as they are to the comparison operators.
func ascendingBits(v float64) uint64 {
	b := math.Float64bits(v + 0) // -0 + 0 is +0
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// FallingOrder returns the rows in order of falling score, equal scores in the
// order of rows. Scores are not NaN.
func FallingOrder(score []float64) []int32 {
	n := len(score)
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	if n < radixMin {
		slices.SortStableFunc(order, func(a, b int32) int {
			switch {
			case score[a] > score[b]:
				return -1
			case score[a] < score[b]:
				return 1
			}
			return 0
		})
		return order
	}
	keys, swap, orderSwap := make([]uint64, n), make([]uint64, n), make([]int32, n)
	for i, v := range score {
		keys[i] = ^ascendingBits(v)
	}
	for shift := 0; shift < 64; shift += radixBits {
		starts, ok := radixStarts(keys, shift)
		if !ok {
			continue
		}
		for i, k := range keys {
			d := k >> shift & (radixSize - 1)
			at := starts[d]
			starts[d]++
			swap[at], orderSwap[at] = k, order[i]
		}
		keys, swap, order, orderSwap = swap, keys, orderSwap, order
	}
	return order
}

// radixStarts returns where each digit's run begins; false when all keys share
// the digit.
func radixStarts(keys []uint64, shift int) (starts [radixSize]int32, ok bool) {
	for _, k := range keys {
		starts[k>>shift&(radixSize-1)]++
	}
	if starts[keys[0]>>shift&(radixSize-1)] == int32(len(keys)) {
		return starts, false
	}
	sum := int32(0)
	for d, n := range starts {
		starts[d] = sum
		sum += n
	}
	return starts, true
}

// SortedValues returns the values of x that are not NaN, rising.
func SortedValues(x []float64) []float64 {
	out := make([]float64, 0, len(x))
	for _, v := range x {
		if v == v {
			out = append(out, v)
		}
	}
	sortLabelled(out, nil)
	return out
}

// sortLabelled sorts values, none of them NaN, in rising order, and moves the
// labels with them; nil for none. Equal values keep the order of their labels.
func sortLabelled(x []float64, label []uint8) {
	if len(x) < radixMin {
		if label == nil {
			slices.Sort(x)
			return
		}
		order := FallingOrder(negated(x))
		v, l := slices.Clone(x), slices.Clone(label)
		for k, i := range order {
			x[k], label[k] = v[i], l[i]
		}
		return
	}
	keys, swap := make([]uint64, len(x)), make([]uint64, len(x))
	for i, v := range x {
		keys[i] = ascendingBits(v)
	}
	from, to := label, make([]uint8, len(label))
	for shift := 0; shift < 64; shift += radixBits {
		starts, ok := radixStarts(keys, shift)
		if !ok {
			continue
		}
		if label == nil {
			for _, k := range keys {
				d := k >> shift & (radixSize - 1)
				swap[starts[d]] = k
				starts[d]++
			}
		} else {
			for i, k := range keys {
				d := k >> shift & (radixSize - 1)
				swap[starts[d]], to[starts[d]] = k, from[i]
				starts[d]++
			}
		}
		keys, swap, from, to = swap, keys, to, from
	}
	for i, k := range keys {
		if k>>63 == 1 {
			k &^= 1 << 63
		} else {
			k = ^k
		}
		x[i] = math.Float64frombits(k)
	}
	copy(label, from)
}

func negated(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -v
	}
	return out
}
