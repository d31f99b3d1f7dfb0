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

// finder searches the histogram of one leaf.
type finder struct {
	p *Params
	units
	total   cell
	g, h    float64 // of the leaf
	rows    int
	perHess float64 // estimated rows per quantised hessian
	least   int64   // smallest quantised hessian of a child: min_data_in_leaf and min_sum_hessian_in_leaf
	shift   float64 // gain that a split must exceed
	bound   bounds  // of the leaf's output
	parent  float64 // the leaf's output, for path smoothing
	plain   bool    // no l1, max_delta_step, path smoothing or bounds
	depth   int
}

// bounds of a leaf's value under monotone constraints.
type bounds struct{ lo, hi float64 }

var unbounded = bounds{math.Inf(-1), math.Inf(1)}

func newFinder(p *Params, gr *gradients, l *leaf, monotone bool) *finder {
	f := &finder{p: p, units: gr.units, total: l.total, rows: l.n, bound: l.bound, parent: l.output, depth: l.depth}
	f.g, f.h = f.of(l.total)
	if hq := hessOf(l.total); hq > 0 {
		f.perHess = float64(l.n) / float64(hq)
		f.least = max(1, int64(math.Ceil(p.MinSumHessianInLeaf/gr.hUnit)),
			int64(math.Ceil((float64(p.MinDataInLeaf)-0.5)/f.perHess)))
	} else {
		f.least = math.MaxInt64 / 4
	}
	f.plain = p.LambdaL1 == 0 && p.MaxDeltaStep <= 0 && p.PathSmooth == 0 && !monotone
	if f.plain {
		f.shift = float64(f.g*f.g)/(f.h+p.LambdaL2) + p.MinGainToSplit
	} else {
		f.shift = f.gainAt(f.g, f.h, p.LambdaL2, p.parentOutput(f)) + p.MinGainToSplit
	}
	return f
}

func (p *Params) parentOutput(f *finder) float64 {
	return p.output(f.g, f.h, p.LambdaL2, f.rows, f.parent)
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
func (f *finder) gainAt(g, h, l2, v float64) float64 {
	return -(float64(2*float64(f.p.softThreshold(g)*v)) + float64(float64((h+l2)*v)*v))
}

// numeric finds the best threshold of a numerical feature. With missing
// values both directions are tried for them.
func (f *finder) numeric(h []cell, ft *feature, index int, monotone int8) split {
	best := split{gain: math.Inf(-1), feature: index, l2: f.p.LambdaL2}
	missing := ft.missingBin()
	last := ft.bins - 2 // greatest threshold
	if missing == ft.bins-1 && missing >= 0 {
		if ft.bins > 2 {
			f.scan(h, h[missing], last-1, -1, true, monotone, &best)
		}
		if h[missing] != 0 { // the last threshold means: present left, missing right
			f.scan(h, 0, last, -1, false, monotone, &best)
		}
		return best
	}
	if missing < 0 {
		f.scan(h, 0, last, -1, true, monotone, &best)
		best.missingLeft = false
		return best
	}
	f.scan(h, h[missing], last, missing, true, monotone, &best)
	f.scan(h, 0, last, missing, false, monotone, &best)
	return best
}

// scan tries the thresholds 0 to last, with acc already on the left and the
// bin skip left out. Where bins are empty the highest of equal thresholds is
// taken when missing values go left, the lowest otherwise.
func (f *finder) scan(h []cell, acc cell, last, skip int, missingLeft bool, monotone int8, best *split) {
	var left [histogram + 4]cell // sums left of each threshold
	for b, v := range h[:last+1] {
		if b != skip {
			acc += v
		}
		left[b] = acc
	}
	gain, bin := best.gain, -1
	if f.plain {
		s := thresholdScan{
			f.gUnit, f.hUnit, f.g, f.h, f.p.LambdaL2,
			float64(f.least), float64(hessOf(f.total) - f.least),
		}
		gain, bin = thresholds(&left, last+1, &s, gain)
	} else {
		most := hessOf(f.total) - f.least
		for b := range last + 1 {
			hq := hessOf(left[b])
			if hq < f.least || b > 0 && left[b] == left[b-1] {
				continue
			}
			if hq > most {
				break
			}
			if at := f.gain(left[b], f.p.LambdaL2, monotone); at > gain {
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

// thresholdScan holds what the gain of a threshold depends on besides the
// sums left of it. The assembly knows its layout.
type thresholdScan struct {
	gUnit, hUnit, g, h, l2 float64
	least, most            float64 // quantised hessians
}

// thresholdsGo returns the first of n thresholds whose gain is greatest, if it
// exceeds the given gain; bin is -1 otherwise.
func thresholdsGo(left *[histogram + 4]cell, n int, s *thresholdScan, gain float64) (float64, int) {
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

// gain is the sum of the children's gains when the left one has the sums acc,
// -Inf when a monotone constraint forbids the split.
func (f *finder) gain(acc cell, l2 float64, monotone int8) float64 {
	a, b := f.outputs(acc, l2)
	if monotone > 0 && a > b || monotone < 0 && a < b {
		return math.Inf(-1)
	}
	gl, hl := f.of(acc)
	gain := f.gainAt(gl, hl, l2, a) + f.gainAt(f.g-gl, f.h-hl, l2, b)
	if monotone != 0 {
		gain *= f.penalty()
	}
	return gain
}

// outputs returns the bounded values of the children.
func (f *finder) outputs(acc cell, l2 float64) (left, right float64) {
	gl, hl := f.of(acc)
	n := f.count(hessOf(acc))
	left = f.p.output(gl, hl, l2, n, f.parent)
	right = f.p.output(f.g-gl, f.h-hl, l2, f.rows-n, f.parent)
	return min(max(left, f.bound.lo), f.bound.hi), min(max(right, f.bound.lo), f.bound.hi)
}

// count estimates rows from a quantised hessian.
func (f *finder) count(hq int64) int { return int(float64(float64(hq)*f.perHess) + 0.5) }

// penalty is LightGBM's monotone_penalty: it forbids constrained splits above
// the depth of the penalty and fades out below.
func (f *finder) penalty() float64 {
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
