// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"fmt"
	"slices"
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
	{"64 leaves", foresttest.Shape{Trees: 60, Leaves: 64, Features: 50}, foresttest.Shape{Trees: 60, Leaves: 65, Features: 50}},
	{"256 leaves", foresttest.Shape{Trees: 60, Leaves: 256, Features: 50}, foresttest.Shape{Trees: 60, Leaves: 257, Features: 50}},
	{"64 features", foresttest.Shape{Trees: 200, Leaves: 31, Features: 64}, foresttest.Shape{Trees: 200, Leaves: 31, Features: 65}},
	{"128 features", foresttest.Shape{Trees: 200, Leaves: 31, Features: 128}, foresttest.Shape{Trees: 200, Leaves: 31, Features: 129}},
	{"254 thresholds", foresttest.Shape{Trees: 600, Leaves: 16, Features: 8, Thresholds: 250}, foresttest.Shape{Trees: 600, Leaves: 16, Features: 8, Thresholds: 600}},
	{"missing values", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50}, foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Missing: 1}},
	{"categories", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50}, foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Categories: 40, Categorical: 0.3}},
	{"both", foresttest.Shape{Trees: 200, Leaves: 31, Features: 50}, foresttest.Shape{Trees: 200, Leaves: 31, Features: 50, Missing: 1, Categories: 40, Categorical: 0.3}},
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

// cost is the time of a row of one shape of model over that of another.
func cost(t *testing.T, below, beyond foresttest.Shape) (single, batch float64) {
	one, many := rowTime(t, below)
	oneBeyond, manyBeyond := rowTime(t, beyond)
	return float64(oneBeyond) / float64(one), float64(manyBeyond) / float64(many)
}

// rowTime is the least time for 256 rows, one by one and as a batch.
func rowTime(t *testing.T, shape foresttest.Shape) (one, many time.Duration) {
	m := foresttest.Model(1, shape)
	f, err := forest.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	n := len(m.Features)
	rows := foresttest.Rows(1, m, 256)
	dst := make([]float64, 256)
	var singles, batches []time.Duration
	for range 25 {
		start := time.Now()
		for i := range dst {
			dst[i] = f.Margin(rows[i*n : (i+1)*n])
		}
		singles = append(singles, time.Since(start))
		start = time.Now()
		f.Margins(dst, rows)
		batches = append(batches, time.Since(start))
	}
	return slices.Min(singles), slices.Min(batches)
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
