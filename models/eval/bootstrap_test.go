// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// TestBootstrapOfAMean: the interval of a mean is that of the central limit
// theorem, within the error of 2,000 resamples.
func TestBootstrapOfAMean(t *testing.T) {
	t.Parallel()
	const n = 800
	r := Random(9)
	x, mean, square := make([]float64, n), 0.0, 0.0
	for i := range x {
		x[i] = r.Normal()
		mean += x[i] / n
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / n
	}
	low, high, err := Bootstrap(t.Context(), n, 1, 2000, 4, func(dst []float64, counts []uint16) {
		dst[0] = 0
		for i, c := range counts {
			dst[0] += float64(c) * x[i] / n
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	se := math.Sqrt(square / n)
	for name, v := range map[string][2]float64{"low": {low[0], mean - 1.96*se}, "high": {high[0], mean + 1.96*se}} {
		if math.Abs(v[0]-v[1]) > 0.15*se {
			t.Errorf("%s end %v, want %v within 0.15 standard errors", name, v[0], v[1])
		}
	}
}

// TestResampledIsTheSampleDrawn: the curve of a resample is that of the rows
// written out as often as they were drawn.
func TestResampledIsTheSampleDrawn(t *testing.T) {
	t.Parallel()
	label, pd := made(400, 11)
	for i := range pd {
		pd[i] = math.Round(pd[i]*40) / 40
	}
	c := CurveOf(label, pd, nil)
	bad := make([]uint8, len(label))
	for k, i := range c.Falling {
		bad[k] = uint8(label[i])
	}
	into := &Curve{}
	for seed := range uint64(5) {
		r := Random(seed)
		counts := make([]uint16, len(label))
		for range label {
			counts[r.Below(len(label))]++
		}
		var y, s []float64
		for k, i := range c.Falling {
			for range counts[k] {
				y, s = append(y, label[i]), append(s, pd[i])
			}
		}
		want, got := CurveOf(y, s, nil), c.resampled(into, bad, counts, nil)
		ks, _ := want.KS()
		again, _ := got.KS()
		if want.AUC() != got.AUC() || ks != again || want.HMeasure() != got.HMeasure() ||
			want.AveragePrecision() != got.AveragePrecision() || want.TPRAt(0.1) != got.TPRAt(0.1) {
			t.Errorf("seed %d: the resample's figures are not those of its rows", seed)
		}
	}
}
