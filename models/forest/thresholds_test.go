// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestThresholds compares with sorting all and searching for each.
func TestThresholds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name     string
		n, among int
	}{{"one", 1, 1}, {"few", 300, 7}, {"many", 5000, 254}, {"all distinct", 5000, 1 << 40}} {
		values := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64,
			-math.MaxFloat64}[:min(6, c.among)]
		for len(values) < c.n {
			values = append(values, float64(random.IntN(c.among))*math.Pi-100)
		}
		random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		var got thresholds
		places, sides := make([]int32, len(values)), map[float64]uint8{}
		for i, v := range values {
			right := random.IntN(2)
			places[i] = got.add(v, right == 1)
			sides[v] |= 1 << right
		}
		want := slices.Clone(values)
		slices.Sort(want)
		want = slices.Compact(want)
		ascending, ranks := got.ranked()
		if !slices.Equal(ascending, want) {
			t.Errorf("%s: %d thresholds, want %d", c.name, len(ascending), len(want))
			continue
		}
		for i, v := range values {
			rank, _ := slices.BinarySearch(want, v)
			if int(ranks[places[i]]) != rank || got.sides[places[i]] != sides[v] {
				t.Errorf("%s: %v has the rank %d and the sides %d, want %d and %d", c.name, v, ranks[places[i]],
					got.sides[places[i]], rank, sides[v])
			}
		}
		for _, v := range ascending {
			if v == 0 && math.Signbit(v) {
				t.Errorf("%s: -0 is a threshold", c.name)
			}
		}
	}
}
