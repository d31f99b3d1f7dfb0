// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// TestCalibrationLineOfManyRows: the sums' own rounding does not keep a million
// rows from having a slope.
func TestCalibrationLineOfManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for seed := range uint64(3) {
		r := Random(seed)
		label, pd := make([]float64, 1_000_000), make([]float64, 1_000_000)
		for i := range pd {
			pd[i] = 1 / (1 + math.Exp(4-2.5*r.Normal()))
			if r.Unit() < pd[i] {
				label[i] = 1
			}
		}
		if l := CalibrationLine(label, pd, nil); !(math.Abs(l.Slope-1) < 0.02 && math.Abs(l.Large) < 0.02) {
			t.Errorf("seed %d: %+v", seed, l)
		}
	}
}
