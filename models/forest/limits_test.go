// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// limits are pairs of models on the two sides of a limit of the compiled forms.
var limits = []struct {
	name          string
	below, beyond foresttest.Shape
}{
	{"64 leaves", foresttest.Shape{Trees: 60, Leaves: 64, Features: 50},
		foresttest.Shape{Trees: 60, Leaves: 65, Features: 50}},
	{"256 leaves", foresttest.Shape{Trees: 60, Leaves: 256, Features: 50},
		foresttest.Shape{Trees: 60, Leaves: 257, Features: 50}},
	{"64 features", foresttest.Shape{Trees: 200, Leaves: 31, Features: 64},
		foresttest.Shape{Trees: 200, Leaves: 31, Features: 65}},
	{"128 features", foresttest.Shape{Trees: 200, Leaves: 31, Features: 128},
		foresttest.Shape{Trees: 200, Leaves: 31, Features: 129}},
	{"254 thresholds", foresttest.Shape{Trees: 600, Leaves: 16, Features: 8, Thresholds: 250},
		foresttest.Shape{Trees: 600, Leaves: 16, Features: 8, Thresholds: 600}},
	{"missing values", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50},
		foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Missing: 1}},
	{"categories", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50},
		foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Categories: 40, Categorical: 0.3}},
	{"both", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50},
		foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Missing: 1, Categories: 40, Categorical: 0.3}},
}

// TestNoCliff holds the time of a row, of one and of a batch, on the far side
// of each limit to three times that on the near side. Times are the least of
// many short runs, and a limit gets a second chance, so that a busy machine does
// not decide.
func TestNoCliff(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("times say nothing here")
	}
	for _, l := range limits {
		single, batch := cost(t, l.below, l.beyond)
		if max(single, batch) > 3 {
			again, batchAgain := cost(t, l.below, l.beyond)
			single, batch = min(single, again), min(batch, batchAgain)
		}
		t.Logf("%s: a row takes %.2f times as long beyond it, in a batch %.2f times", l.name, single, batch)
		if max(single, batch) > 3 {
			t.Errorf("%s: crossing it costs more than 3 times", l.name)
		}
	}
}

// cost is the time of a row of one shape of model over that of another, one by
// one and in a batch. The two take turns, so that both see the same minutes of a
// machine whose speed changes.
func cost(t *testing.T, below, beyond foresttest.Shape) (single, batch float64) {
	sides := [2]timed{newTimed(t, below), newTimed(t, beyond)}
	for range 60 {
		for i := range sides {
			sides[i].run()
		}
	}
	return float64(sides[1].single) / float64(sides[0].single), float64(sides[1].batch) / float64(sides[0].batch)
}

// timed is a model, and the least times of its 256 rows, one by one and as a
// batch.
type timed struct {
	f             *forest.Forest
	n             int
	rows, dst     []float64
	single, batch time.Duration
}

func newTimed(t *testing.T, shape foresttest.Shape) timed {
	m := foresttest.Model(1, shape)
	f, err := forest.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return timed{f, len(m.Features), foresttest.Rows(1, m, 256), make([]float64, 256), math.MaxInt64, math.MaxInt64}
}

func (s *timed) run() {
	start := time.Now()
	for i := range s.dst {
		s.dst[i] = s.f.Margin(s.rows[i*s.n : (i+1)*s.n])
	}
	s.single = min(s.single, time.Since(start))
	start = time.Now()
	s.f.Margins(s.dst, s.rows)
	s.batch = min(s.batch, time.Since(start))
}

// TestLimitsCrossed asserts that the pairs lie on the two sides of the limit of
// thresholds, which follows from the random trees.
func TestLimitsCrossed(t *testing.T) {
	thresholds := func(s foresttest.Shape) int {
		m := foresttest.Model(1, s)
		most := 0
		for j := range m.Features {
			seen := map[string]bool{}
			for i := range m.Trees {
				for k, f := range m.Trees[i].Feature {
					if int(f) == j {
						seen[fmt.Sprint(m.Trees[i].Threshold[k])] = true
					}
				}
			}
			most = max(most, len(seen))
		}
		return most
	}
	for _, l := range limits {
		if l.name != "254 thresholds" {
			continue
		}
		if a, b := thresholds(l.below), thresholds(l.beyond); a > 254 || b <= 254 {
			t.Errorf("%s: %d and %d thresholds", l.name, a, b)
		}
	}
}
