// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestExpLog compares with the standard library, which is good to one unit in
// the last place.
func TestExpLog(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	ulps := func(a, b float64) float64 {
		return math.Abs(a-b) / (math.Nextafter(math.Abs(b), math.Inf(1)) - math.Abs(b))
	}
	for range 200000 {
		x := (rng.Float64() - 0.5) * []float64{1e-9, 1, 40, 1399}[rng.IntN(4)]
		if u := ulps(exp(x), math.Exp(x)); u > 3 {
			t.Fatalf("exp(%v) is off by %v units in the last place", x, u)
		}
		if y := math.Exp(x); math.Abs(x) > 1e-3 {
			if u := ulps(log(y), math.Log(y)); u > 4 {
				t.Fatalf("log(%v) is off by %v units in the last place", y, u)
			}
		}
	}
	for x, want := range map[float64]float64{0: 1, 1e9: math.Exp(700), -1e9: math.Exp(-700)} {
		if u := ulps(exp(x), want); u > 3 {
			t.Errorf("exp(%v) = %v, want %v", x, exp(x), want)
		}
	}
	if !math.IsNaN(exp(math.NaN())) {
		t.Error("exp(NaN) is not NaN")
	}
}
