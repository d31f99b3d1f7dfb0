// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"slices"
)

// findCategorySplit finds the best set of categories to send left. Few categories are
// tried one against the rest; many are sorted by G / (H + cat_smooth), after
// which the best set is a prefix from either end (Fisher, "On grouping for
// maximum homogeneity", JASA 1958).
func (f *splitFinder) findCategorySplit(h []cell, ft *feature, index int) split {
	best := split{gain: math.Inf(-1), feature: index, categorical: true, l2: f.p.LambdaL2}
	if ft.oneHot(f.p) {
		f.tryOneHot(h, ft, &best)
	} else {
		f.trySorted(h, ft, &best)
	}
	if f.p.PathSmooth > 0 {
		// LightGBM measures a categorical gain from the leaf's value as it is,
		// a numerical one from the value smoothed once more.
		best.gain += f.gainToBeat - f.p.MinGainToSplit - f.gainAt(f.sumGrad, f.sumHess, f.p.LambdaL2, f.parent)
	}
	return best
}

// oneHot reports whether categories are tried one against the rest. As in
// LightGBM, the bin of rare and unseen codes counts towards max_cat_to_onehot.
func (b *binner) oneHot(p *Params) bool { return b.bins <= p.MaxCatToOnehot }

func (f *splitFinder) tryOneHot(h []cell, ft *feature, best *split) {
	most := hessOf(f.total) - f.minHess
	for b := 1; b < ft.bins; b++ {
		if hq := hessOf(h[b]); hq < f.minHess || hq > most {
			continue
		}
		if at := f.splitGain(h[b], f.p.LambdaL2, 0); at > best.gain {
			best.gain, best.sum = at, h[b]
			best.left = [4]uint64{}
			best.left[b>>6] = 1 << (b & 63)
		}
	}
}

func (f *splitFinder) trySorted(h []cell, ft *feature, best *split) {
	// Keys sort by the ratio's upper 56 bits, then by the bin.
	var keys [histogramBins]uint64
	n := 0
	for b := 1; b < ft.bins; b++ {
		hq := hessOf(h[b])
		if float64(f.rowsOf(hq)) < f.p.CatSmooth {
			continue
		}
		gs, hs := f.unscale(h[b])
		r := gs / (hs + f.p.CatSmooth)
		keys[n] = orderKey(r)&^0xFF | uint64(b)
		n++
	}
	slices.Sort(keys[:n])
	var order [histogramBins]uint8
	for i, k := range keys[:n] {
		order[i] = uint8(k)
	}
	l2 := f.p.LambdaL2 + f.p.CatL2
	most := hessOf(f.total) - f.minHess
	limit := min(f.p.MaxCatThreshold, (n+1)/2)
	for end := range 2 {
		var acc cell
		group, taken := 0, 0
		for i := 0; i < n && i < limit; i++ {
			b := order[i]
			if end == 1 {
				b = order[n-1-i]
			}
			acc += h[b]
			group += f.rowsOf(hessOf(h[b]))
			hq := hessOf(acc)
			if hq < f.minHess {
				continue
			}
			if hq > most || f.rows-f.rowsOf(hq) < f.p.MinDataPerGroup {
				break
			}
			if group < f.p.MinDataPerGroup {
				continue
			}
			group = 0
			if at := f.splitGain(acc, l2, 0); at > best.gain {
				best.gain, best.sum, best.l2, taken = at, acc, l2, i+1
			}
		}
		if taken > 0 {
			best.left = [4]uint64{}
			for i := range taken {
				b := order[i]
				if end == 1 {
					b = order[n-1-i]
				}
				best.left[b>>6] |= 1 << (b & 63)
			}
		}
	}
}
