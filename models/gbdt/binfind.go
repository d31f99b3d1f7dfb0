// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/assayrisk/assay/models"
)

// binner maps one column's values to bins 0 to bins-1.
//
// Numerical: value v falls into the first bin b with v <= upper[b]; with
// missing == MissingNaN the last bin holds the missing values and has no
// upper bound. Categorical: bin 0 holds missing, rare and unseen codes; bin
// b > 0 holds code codes[b].
type binner struct {
	bins        int
	upper       []float64
	missing     models.MissingType
	zero        int // bin of the value 0
	min, max    float64
	categorical bool
	codes       []int32
	lookup      map[int32]uint8
	common      uint8   // the bin that holds most of the sample
	commonShare float64 // of the sample, in that bin
}

// isConstant reports that there is nothing to split on.
func (b *binner) isConstant() bool { return b.bins < 2 }

// missingBin returns the bin of missing values of a numerical feature, or -1.
func (b *binner) missingBin() int {
	switch {
	case b.categorical || b.bins < 2:
		return -1
	case b.missing == models.MissingNaN:
		return b.bins - 1
	case b.missing == models.MissingZero:
		return b.zero
	}
	return -1
}

// bin returns the bin of a value.
func (b *binner) bin(v float64) uint8 {
	if b.categorical {
		if !(v > -1 && v < math.MaxInt32) {
			return 0
		}
		return b.lookup[int32(v)]
	}
	if v != v {
		if b.missing == models.MissingNaN {
			return uint8(b.bins - 1)
		}
		v = 0
	}
	lo, n := 0, len(b.upper)
	for n > 1 {
		half := n / 2
		if b.upper[lo+half-1] < v {
			lo += half
		}
		n -= half
	}
	return uint8(lo)
}

// distinct is a value of the sample and how often it occurs.
type distinct struct {
	value float64
	count int
}

// fitNumeric finds the bins of a numerical column from a sample of it, as
// LightGBM does: zero has a bin of its own, the rest is divided greedily into
// bins of equal count, and values that fill a bin by themselves get one.
func fitNumeric(sample []float64, maxBin int, p *Params, s *scratch) *binner {
	b := &binner{}
	values := s.values[:0]
	missing, zeros := 0, 0
	for _, v := range sample {
		switch {
		case v != v:
			missing++
		case v == 0:
			zeros++
		default:
			values = append(values, v)
		}
	}
	s.values = values
	switch {
	case !p.UseMissing:
		b.missing = models.MissingNone
	case p.ZeroAsMissing:
		b.missing = models.MissingZero
	case missing > 0:
		b.missing = models.MissingNaN
	}
	if b.missing == models.MissingNaN {
		maxBin--
	} else { // missing values are read as zeros
		zeros, missing = zeros+missing, 0
	}
	ds := countDistinct(values, zeros, s)
	if len(ds) > 0 {
		b.min, b.max = ds[0].value, ds[len(ds)-1].value
	}
	b.upper = zeroAsOneBin(ds, max(maxBin, 1), len(values)+zeros, p.MinDataInBin)
	b.bins = len(b.upper)
	b.zero = int((&binner{upper: b.upper, bins: b.bins}).bin(0))
	if b.missing == models.MissingNaN {
		b.bins++
	}
	if len(ds) == 0 || len(ds) == 1 && b.missing != models.MissingNaN {
		b.bins = 1
	}
	counts := s.counts[:b.bins]
	clear(counts)
	k := 0
	for _, d := range ds {
		for k < len(b.upper)-1 && b.upper[k] < d.value {
			k++
		}
		counts[min(k, b.bins-1)] += d.count
	}
	counts[b.bins-1] += missing
	b.markCommon(counts, len(sample))
	return b
}

// markCommon notes the bin that holds most of the sample.
func (b *binner) markCommon(counts []int, total int) {
	for k, n := range counts {
		if n > counts[b.common] {
			b.common = uint8(k)
		}
	}
	b.commonShare = float64(counts[b.common]) / float64(max(total, 1))
}

// countDistinct sorts values and counts how often each occurs. The zeros, which
// are not among the values, are counted at their place. Values that are
// neighbours in float64 are taken for one.
func countDistinct(values []float64, zeros int, s *scratch) []distinct {
	s.sort(values)
	ds := s.distinct[:0]
	add := func(v float64, n int) {
		if k := len(ds) - 1; k >= 0 && v <= math.Nextafter(ds[k].value, math.Inf(1)) {
			ds[k].value = v
			ds[k].count += n
			return
		}
		ds = append(ds, distinct{v, n})
	}
	positive := sort.SearchFloat64s(values, 0)
	for _, v := range values[:positive] {
		add(v, 1)
	}
	if zeros > 0 {
		add(0, zeros)
	}
	for _, v := range values[positive:] {
		add(v, 1)
	}
	s.distinct = ds
	return ds
}

// zeroAsOneBin gives zero a bin of its own, and divides the other bins between
// the negative and the positive values in proportion to their counts. It returns
// upper bounds, the last of which is +Inf.
func zeroAsOneBin(ds []distinct, maxBin, total, minData int) []float64 {
	const zero = models.ZeroThreshold
	left := len(ds)
	right := -1
	var nLeft, nZero, nRight int
	for i, d := range ds {
		switch {
		case d.value <= -zero:
			nLeft += d.count
		case d.value > zero:
			if right < 0 {
				right = i
			}
			nRight += d.count
		default:
			nZero += d.count
		}
		if d.value > -zero && left == len(ds) {
			left = i
		}
	}
	var bounds []float64
	if left > 0 && maxBin > 1 {
		share := int(float64(nLeft) / float64(max(total-nZero, 1)) * float64(maxBin-1))
		bounds = greedyBins(ds[:left], max(1, share), nLeft, minData)
		if len(bounds) > 0 {
			bounds[len(bounds)-1] = -zero
		}
	}
	if room := maxBin - 1 - len(bounds); right >= 0 && room > 0 {
		bounds = append(bounds, zero)
		bounds = append(bounds, greedyBins(ds[right:], room, nRight, minData)...)
	} else {
		bounds = append(bounds, math.Inf(1))
	}
	return bounds
}

// greedyBins returns upper bounds of at most maxBin bins over the sorted
// distinct values. The last bound is +Inf.
func greedyBins(ds []distinct, maxBin, total, minData int) []float64 {
	inf := math.Inf(1)
	var bounds []float64
	push := func(a, b float64) {
		v := math.Nextafter(a+(b-a)/2, inf)
		if math.IsInf(b-a, 0) {
			v = math.Nextafter(a/2+b/2, inf)
		}
		if v > b {
			v = b
		}
		if len(bounds) == 0 || v > math.Nextafter(bounds[len(bounds)-1], inf) {
			bounds = append(bounds, v)
		}
	}
	if len(ds) <= maxBin {
		cur := 0
		for i := 0; i+1 < len(ds); i++ {
			if cur += ds[i].count; cur >= minData {
				push(ds[i].value, ds[i+1].value)
				cur = 0
			}
		}
		return append(bounds, inf)
	}
	if minData > 0 {
		maxBin = max(1, min(maxBin, total/minData))
	}
	mean := float64(total) / float64(maxBin)
	restBins, rest := maxBin, total
	big := make([]bool, len(ds))
	for i, d := range ds {
		if float64(d.count) >= mean {
			big[i] = true
			restBins--
			rest -= d.count
		}
	}
	mean = float64(rest) / float64(restBins)
	cur, n := 0, 0
	for i := 0; i+1 < len(ds); i++ {
		if !big[i] {
			rest -= ds[i].count
		}
		cur += ds[i].count
		if big[i] || float64(cur) >= mean || big[i+1] && float64(cur) >= max(1, mean*0.5) {
			push(ds[i].value, ds[i+1].value)
			if n++; n >= maxBin-1 {
				break
			}
			cur = 0
			if !big[i] {
				restBins--
				mean = float64(rest) / float64(restBins)
			}
		}
	}
	return append(bounds, inf)
}

// fitCategorical gives the most frequent codes a bin each, until 99 % of the
// sample is covered and either bins run out or one code is left; the others
// share bin 0.
func fitCategorical(sample []float64, maxBin int, p *Params) *binner {
	b := &binner{categorical: true, missing: models.MissingNaN, codes: []int32{-1}, lookup: map[int32]uint8{}}
	counts := map[int32]int{}
	total := 0
	for _, v := range sample {
		if v > -1 && v < math.MaxInt32 {
			counts[int32(v)]++
			total++
		}
	}
	type code struct {
		code  int32
		count int
	}
	var cs []code
	for c, n := range counts {
		cs = append(cs, code{c, n})
	}
	slices.SortFunc(cs, func(a, b code) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.code, b.code))
	})
	covered, enough := 0, int(math.Round(float64(total)*0.99))
	for i, c := range cs {
		if covered >= enough && len(b.codes) >= min(maxBin, len(cs)) || len(b.codes) == 256 ||
			c.count < p.MinDataInBin && i > 1 {
			break
		}
		b.lookup[c.code] = uint8(len(b.codes))
		b.codes = append(b.codes, c.code)
		covered += c.count
	}
	b.bins = len(b.codes)
	inBin := make([]int, b.bins)
	inBin[0] = len(sample) - covered
	for k, c := range b.codes[1:] {
		inBin[k+1] = counts[c]
	}
	b.markCommon(inBin, len(sample))
	if b.bins == 2 && total == len(sample) && covered == total {
		b.bins = 1 // one code and nothing else: constant
	}
	return b
}

// seenCodes returns the codes that have a bin, in order.
func (b *binner) seenCodes() []int32 {
	s := slices.Clone(b.codes[1:])
	slices.Sort(s)
	return s
}
