// SPDX-License-Identifier: Apache-2.0

package gbdt

import "math"

// split is the best way found to divide a leaf.
type split struct {
	gain        float64 // above the parent's and min_gain_to_split; <= 0 for none
	feature     int     // of matrix.feats
	bin         int     // numerical: bins <= bin go left
	missingLeft bool
	categorical bool
	left        [4]uint64 // categorical: bit set of the bins that go left
	sum         cell      // quantised sums of the left child
	l2          float64   // lambda_l2 plus cat_l2 where that applied
}

func (s *split) better(t *split) bool {
	if s.gain != t.gain {
		return s.gain > t.gain
	}
	return s.feature < t.feature
}

// splitFinder searches the histogram of one leaf.
type splitFinder struct {
	p *Params
	units
	total            cell
	sumGrad, sumHess float64 // of the leaf
	rows             int
	rowsPerHess      float64 // estimated rows per quantised hessian
	minHess          int64   // smallest quantised hessian of a child: min_data_in_leaf and min_sum_hessian_in_leaf
	gainToBeat       float64 // gain that a split must exceed
	bound            bounds  // of the leaf's output
	parent           float64 // the leaf's output, for path smoothing
	simpleGain       bool    // no l1, max_delta_step, path smoothing or bounds
	depth            int
}

// bounds of a leaf's value under monotone constraints.
type bounds struct{ lo, hi float64 }

var unbounded = bounds{math.Inf(-1), math.Inf(1)}

func newSplitFinder(p *Params, gr *gradients, l *leaf, monotone bool) *splitFinder {
	f := &splitFinder{p: p, units: gr.units, total: l.total, rows: l.n, bound: l.bound,
		parent: l.output, depth: l.depth}
	f.sumGrad, f.sumHess = f.unscale(l.total)
	if hq := hessOf(l.total); hq > 0 {
		f.rowsPerHess = float64(l.n) / float64(hq)
		f.minHess = max(1, int64(math.Ceil(p.MinSumHessianInLeaf/gr.hUnit)),
			int64(math.Ceil((float64(p.MinDataInLeaf)-0.5)/f.rowsPerHess)))
	} else {
		f.minHess = math.MaxInt64 / 4
	}
	f.simpleGain = p.LambdaL1 == 0 && p.MaxDeltaStep <= 0 && p.PathSmooth == 0 && !monotone
	if f.simpleGain {
		f.gainToBeat = float64(f.sumGrad*f.sumGrad)/(f.sumHess+p.LambdaL2) + p.MinGainToSplit
	} else {
		f.gainToBeat = f.gainAt(f.sumGrad, f.sumHess, p.LambdaL2, p.parentOutput(f)) + p.MinGainToSplit
	}
	return f
}

func (p *Params) parentOutput(f *splitFinder) float64 {
	return p.output(f.sumGrad, f.sumHess, p.LambdaL2, f.rows, f.parent)
}

// softThreshold is the effect of lambda_l1 on a sum of gradients.
func (p *Params) softThreshold(g float64) float64 {
	if p.LambdaL1 == 0 {
		return g
	}
	return math.Copysign(max(0, math.Abs(g)-p.LambdaL1), g)
}

// output is the value of a leaf before shrinkage: the Newton step
// -G / (H + lambda_l2), regularised.
func (p *Params) output(g, h, l2 float64, rows int, parent float64) float64 {
	v := -p.softThreshold(g) / (h + l2)
	if p.MaxDeltaStep > 0 && math.Abs(v) > p.MaxDeltaStep {
		v = math.Copysign(p.MaxDeltaStep, v)
	}
	if p.PathSmooth > 0 {
		w := float64(rows) / p.PathSmooth
		v = float64(v*w)/(w+1) + parent/(w+1)
	}
	return v
}

// gainAt is the reduction of the loss when a leaf takes the value v.
func (f *splitFinder) gainAt(g, h, l2, v float64) float64 {
	return -(float64(2*float64(f.p.softThreshold(g)*v)) + float64(float64((h+l2)*v)*v))
}

// findNumericSplit finds the best threshold of a numerical feature. With missing
// values both directions are tried for them.
func (f *splitFinder) findNumericSplit(h []cell, ft *feature, index int, monotone int8) split {
	best := split{gain: math.Inf(-1), feature: index, l2: f.p.LambdaL2}
	missing := ft.missingBin()
	last := ft.bins - 2 // greatest threshold
	if missing == ft.bins-1 && missing >= 0 {
		if ft.bins > 2 {
			f.scanThresholds(h, h[missing], last-1, -1, true, monotone, &best)
		}
		if h[missing] != 0 { // the last threshold means: present left, missing right
			f.scanThresholds(h, 0, last, -1, false, monotone, &best)
		}
		return best
	}
	if missing < 0 {
		f.scanThresholds(h, 0, last, -1, true, monotone, &best)
		best.missingLeft = false
		return best
	}
	f.scanThresholds(h, h[missing], last, missing, true, monotone, &best)
	f.scanThresholds(h, 0, last, missing, false, monotone, &best)
	return best
}

// scanThresholds tries the thresholds 0 to last, with acc already on the left and
// without the bin skip. Thresholds with empty bins between them are equal: the
// highest one is taken when missing values go left, the lowest otherwise.
func (f *splitFinder) scanThresholds(h []cell, acc cell, last, skip int, missingLeft bool, monotone int8, best *split) {
	var left [histogramBins + 4]cell // sums left of each threshold
	for b, v := range h[:last+1] {
		if b != skip {
			acc += v
		}
		left[b] = acc
	}
	gain, bin := best.gain, -1
	if f.simpleGain {
		s := thresholdScan{
			f.gUnit, f.hUnit, f.sumGrad, f.sumHess, f.p.LambdaL2,
			float64(f.minHess), float64(hessOf(f.total) - f.minHess),
		}
		gain, bin = bestThreshold(&left, last+1, &s, gain)
	} else {
		most := hessOf(f.total) - f.minHess
		for b := range last + 1 {
			hq := hessOf(left[b])
			if hq < f.minHess || b > 0 && left[b] == left[b-1] {
				continue
			}
			if hq > most {
				break
			}
			if at := f.splitGain(left[b], f.p.LambdaL2, monotone); at > gain {
				gain, bin = at, b
			}
		}
	}
	if bin < 0 {
		return
	}
	best.gain, best.sum, best.missingLeft = gain, left[bin], missingLeft
	for missingLeft && bin < last && bin+1 != skip && h[bin+1] == 0 {
		bin++
	}
	best.bin = bin
}

// thresholdScan holds what the gain of a threshold depends on, apart from the sums
// left of it. The assembly knows its layout.
type thresholdScan struct {
	gUnit, hUnit, g, h, l2 float64
	least, most            float64 // quantised hessians
}

// bestThresholdGo returns the first of n thresholds whose gain is greatest, if it
// exceeds the given gain; bin is -1 otherwise.
func bestThresholdGo(left *[histogramBins + 4]cell, n int, s *thresholdScan, gain float64) (float64, int) {
	bin := -1
	for b, c := range left[:n] {
		hq := float64(hessOf(c))
		if hq < s.least || b > 0 && c == left[b-1] {
			continue
		}
		if hq > s.most {
			break
		}
		gl, hl := float64(float64(gradOf(c))*s.gUnit), float64(hq*s.hUnit)
		gr, hr := s.g-gl, s.h-hl
		if at := float64(gl*gl)/(hl+s.l2) + float64(gr*gr)/(hr+s.l2); at > gain {
			gain, bin = at, b
		}
	}
	return gain, bin
}

// splitGain is the sum of the children's gains when the left one has the sums acc,
// -Inf when a monotone constraint forbids the split.
func (f *splitFinder) splitGain(acc cell, l2 float64, monotone int8) float64 {
	a, b := f.outputs(acc, l2)
	if monotone > 0 && a > b || monotone < 0 && a < b {
		return math.Inf(-1)
	}
	gl, hl := f.unscale(acc)
	gain := f.gainAt(gl, hl, l2, a) + f.gainAt(f.sumGrad-gl, f.sumHess-hl, l2, b)
	if monotone != 0 {
		gain *= f.monotonePenalty()
	}
	return gain
}

// outputs returns the children's values within the leaf's bounds.
func (f *splitFinder) outputs(acc cell, l2 float64) (left, right float64) {
	gl, hl := f.unscale(acc)
	n := f.rowsOf(hessOf(acc))
	left = f.p.output(gl, hl, l2, n, f.parent)
	right = f.p.output(f.sumGrad-gl, f.sumHess-hl, l2, f.rows-n, f.parent)
	return min(max(left, f.bound.lo), f.bound.hi), min(max(right, f.bound.lo), f.bound.hi)
}

// rowsOf estimates rows from a quantised hessian.
func (f *splitFinder) rowsOf(hq int64) int { return int(float64(float64(hq)*f.rowsPerHess) + 0.5) }

// monotonePenalty is LightGBM's monotone_penalty: it forbids constrained splits above
// the depth of the penalty and fades out below.
func (f *splitFinder) monotonePenalty() float64 {
	k := f.p.MonotonePenalty
	switch {
	case k <= 0:
		return 1
	case k >= float64(f.depth)+1:
		return 1e-10
	case k <= 1:
		return 1 - k/math.Ldexp(1, f.depth) + 1e-10
	}
	return 1 - exp2(k-1-float64(f.depth)) + 1e-10
}

func exp2(x float64) float64 { return exp(x * math.Ln2) }
