// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"math"
	"slices"
	"sort"
)

// binning turns the values of one variable into bin numbers: for a number,
// bin b holds values above cuts[b-1] and up to cuts[b]; for a category, slot
// is the bin of each code. The last bin is for missing values; for a category, the
// one before it is for codes that were rare or not seen.
type binning struct {
	name        string
	categorical bool
	cuts        []float64
	slot        []int16 // by code; categorical
	bins        int     // with the missing bin
}

// fineBins is how many bins of equal size ChiMerge starts from.
const fineBins = 64

func (b *binning) binOf(v float64) int {
	if math.IsNaN(v) {
		return b.bins - 1
	}
	if !b.categorical {
		return sort.SearchFloat64s(b.cuts, v)
	}
	if v >= 0 && v < float64(len(b.slot)) {
		return int(b.slot[int(v)])
	}
	return b.bins - 2
}

// chooseBins chooses the bins of column j.
func chooseBins(d *Data, j int, c Config) *binning {
	least := max(1, int(c.MinShare*float64(len(d.Label))))
	if d.categorical(j) {
		return binCategory(d, j, least)
	}
	return binNumber(d, j, c, least)
}

func binNumber(d *Data, j int, c Config, least int) *binning {
	x := d.Columns[j]
	fine := equalCuts(x, fineBins)
	tally := make([]counts, len(fine)+1)
	for i, v := range x {
		if math.IsNaN(v) {
			continue
		}
		t := &tally[sort.SearchFloat64s(fine, v)]
		if d.Label[i] == 1 {
			t.bad++
		} else {
			t.good++
		}
	}
	b := &binning{name: d.Names[j]}
	for _, k := range chiMerge(tally, c.MaxBins, least, c.ChiStop) {
		if k < len(fine) {
			b.cuts = append(b.cuts, fine[k])
		}
	}
	b.bins = len(b.cuts) + 2
	return b
}

// equalCuts returns upper bounds that cut x into at most k bins of nearly
// equal size. Equal values are in one bin, NaNs in none.
func equalCuts(x []float64, k int) []float64 {
	sorted := make([]float64, 0, len(x))
	for _, v := range x {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	var cuts []float64
	for q := 1; q < k; q++ {
		i := q * len(sorted) / k
		if i == 0 || i >= len(sorted) {
			continue
		}
		if v := sorted[i-1]; v < sorted[len(sorted)-1] && (len(cuts) == 0 || v > cuts[len(cuts)-1]) {
			cuts = append(cuts, v)
		}
	}
	return cuts
}

// binCategory gives every code with at least least rows a bin.
func binCategory(d *Data, j, least int) *binning {
	var n []int
	for _, v := range d.Columns[j] {
		if math.IsNaN(v) {
			continue
		}
		for int(v) >= len(n) {
			n = append(n, 0)
		}
		n[int(v)]++
	}
	b := &binning{name: d.Names[j], categorical: true, slot: make([]int16, len(n))}
	next := int16(0)
	for code, rows := range n {
		if rows >= least && next < math.MaxInt16-2 {
			b.slot[code] = next
			next++
		} else {
			b.slot[code] = -1
		}
	}
	for code, s := range b.slot {
		if s < 0 {
			b.slot[code] = next
		}
	}
	b.bins = int(next) + 2
	return b
}
