// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"sort"
)

// cutsOf is Cuts of sorted values without weights.
func cutsOf(sorted []float64, k int) []float64 {
	var cuts []float64
	for b := 1; b < k; b++ {
		i := b * len(sorted) / k
		if i == 0 || i >= len(sorted) {
			continue
		}
		cut := sorted[i-1]
		if cut < sorted[len(sorted)-1] && (len(cuts) == 0 || cut > cuts[len(cuts)-1]) {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}

// Bin returns the bin of v: bin b holds values above cuts[b-1] and up to
// cuts[b]; missing values have the last bin, len(cuts)+1.
func Bin(cuts []float64, v float64) int {
	if math.IsNaN(v) {
		return len(cuts) + 1
	}
	return sort.SearchFloat64s(cuts, v)
}

func CountBins(cuts, x, weight []float64) []float64 { return Bins{cuts: cuts}.count(x, weight) }

// Cuts returns at most k-1 upper bounds that cut x into k bins of nearly equal
// size; equal values stay together. NaNs are left out. A row of weight w counts
// as if it were there w times, except that a cut may lie one row higher; nil
// weights are 1 each.
func Cuts(x, weight []float64, k int) []float64 {
	if weight == nil {
		return cutsOf(SortedValues(x), k)
	}
	rows := known(x)
	total := 0.0
	for _, i := range rows {
		total += weight[i]
	}
	var cuts []float64
	below, b := 0.0, 1
	for at, i := range rows {
		below += weight[i]
		for b < k && below >= float64(b)*total/float64(k)*(1-1e-12) {
			cut, last := x[i], x[rows[len(rows)-1]]
			if b++; cut < last && (len(cuts) == 0 || cut > cuts[len(cuts)-1]) {
				cuts = append(cuts, cut)
			}
		}
		if b == k || at == len(rows)-1 {
			break
		}
	}
	return cuts
}

// Bins assigns values of a feature to bins that come from a reference sample: for a
// number the tenths of the reference and a bin for missing values, for a category
// one bin for each code, one for other codes and one for missing values.
type Bins struct {
	cuts  []float64
	codes int // of a category; 0 for a number
}

// Count is the number of bins.
func (b Bins) Count() int {
	if b.codes == 0 {
		return len(b.cuts) + 2
	}
	return b.codes + 2
}

func (b Bins) Of(v float64) int {
	switch {
	case b.codes == 0 && math.IsNaN(v):
		return len(b.cuts) + 1
	case b.codes == 0:
		k := 0
		for _, c := range b.cuts { // at most nine: counting beats searching
			if v > c {
				k++
			}
		}
		return k
	case math.IsNaN(v):
		return b.codes + 1
	case v >= 0 && v < float64(b.codes):
		return int(v)
	}
	return b.codes
}

// count adds up the rows by bin, by weight where they have weights.
func (b Bins) count(x, weight []float64) []float64 {
	n := make([]float64, b.Count())
	for i, v := range x {
		n[b.Of(v)] += WeightAt(weight, i)
	}
	return n
}

// countSorted counts values of a number, given in rising order, and the number of
// missing ones.
func (b Bins) countSorted(sorted []float64, missing int) []float64 {
	n := make([]float64, b.Count())
	at := 0
	for k, c := range b.cuts {
		next := at + sort.Search(len(sorted)-at, func(i int) bool { return sorted[at+i] > c })
		n[k], at = float64(next-at), next
	}
	n[len(b.cuts)], n[len(b.cuts)+1] = float64(len(sorted)-at), float64(missing)
	return n
}

// UsedBins counts the bins that either sample has rows in.
func UsedBins(expected, actual []float64) (n int) {
	for k := range expected {
		if expected[k]+actual[k] > 0 {
			n++
		}
	}
	return n
}

// known returns the rows that have a value, by rising value.
func known(x []float64) []int32 {
	var rows []int32
	var values []float64
	for i, v := range x {
		if v == v {
			rows, values = append(rows, int32(i)), append(values, v)
		}
	}
	falling := FallingOrder(values)
	out := make([]int32, len(rows))
	for k, at := range falling {
		out[len(out)-1-k] = rows[at]
	}
	return out
}
