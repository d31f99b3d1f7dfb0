// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
)

// The kernels over numbers. Each product that an addition could swallow is
// rounded by an explicit float64(): arm64 would fuse it otherwise, and give
// other bits than amd64.

func applyPassthrough(dst []float64, in [][]float64, _ *Learned) { copy(dst, in[0]) }

func applyLog1p(dst []float64, in [][]float64, _ *Learned) {
	for i, x := range in[0] {
		switch {
		case x != x:
			dst[i] = math.NaN()
		case x < 0:
			dst[i] = -bitmath.Log1p(-x)
		default:
			dst[i] = bitmath.Log1p(x)
		}
	}
}

func applyClip(dst []float64, in [][]float64, l *Learned) {
	low, high := *l.Low, *l.High
	for i, x := range in[0] {
		if x < low {
			x = low
		} else if x > high {
			x = high
		}
		dst[i] = x
	}
}

func applyRatio(dst []float64, in [][]float64, _ *Learned) {
	a, b := in[0], in[1]
	for i := range dst {
		if b[i] == 0 {
			dst[i] = math.NaN()
			continue
		}
		dst[i] = Finite(a[i] / b[i])
	}
}

func applyDifference(dst []float64, in [][]float64, _ *Learned) {
	a, b := in[0], in[1]
	for i := range dst {
		dst[i] = Finite(a[i] - b[i])
	}
}

func applySum(dst []float64, in [][]float64, _ *Learned) {
	copy(dst, in[0])
	for _, c := range in[1:] {
		for i := range dst {
			dst[i] = dst[i] + c[i]
		}
	}
	for i := range dst {
		dst[i] = Finite(dst[i])
	}
}

func applyProduct(dst []float64, in [][]float64, _ *Learned) {
	copy(dst, in[0])
	for _, c := range in[1:] {
		for i := range dst {
			dst[i] = float64(dst[i] * c[i])
		}
	}
	for i := range dst {
		dst[i] = Finite(dst[i])
	}
}

func applyGap(dst []float64, in [][]float64, _ *Learned) {
	a, b := in[0], in[1]
	for i := range dst {
		m := math.Max(math.Abs(a[i]), math.Abs(b[i]))
		if m == 0 {
			dst[i] = 0
			continue
		}
		dst[i] = Finite((a[i] - b[i]) / m)
	}
}

func applyBucket(dst []float64, in [][]float64, l *Learned) {
	for i, x := range in[0] {
		if x != x {
			dst[i] = x
			continue
		}
		n := 0
		for _, e := range l.Spec.Edges {
			if x >= e {
				n++
			}
		}
		dst[i] = float64(n)
	}
}

func applyMissing(dst []float64, in [][]float64, _ *Learned) {
	for i, x := range in[0] {
		dst[i] = 0
		if x != x {
			dst[i] = 1
		}
	}
}

func applyOutside(dst []float64, in [][]float64, l *Learned) {
	low, high := l.Spec.Bounds[0], l.Spec.Bounds[1]
	for i, x := range in[0] {
		switch {
		case x != x:
			dst[i] = x
		case x < low || x > high:
			dst[i] = 1
		default:
			dst[i] = 0
		}
	}
}

func applyRoundAmount(dst []float64, in [][]float64, l *Learned) {
	step := l.Spec.Step
	if step == 0 {
		step = 100
	}
	for i, x := range in[0] {
		switch {
		case x != x:
			dst[i] = x
		case x != 0 && math.Mod(x, step) == 0:
			dst[i] = 1
		default:
			dst[i] = 0
		}
	}
}

// Finite turns an overflow into a missing value, so that no infinity reaches
// a model.
func Finite(x float64) float64 {
	if x-x != 0 {
		return math.NaN()
	}
	return x
}
