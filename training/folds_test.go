// SPDX-License-Identifier: Apache-2.0

package training

import (
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/gbdt"
)

// TestForwardLeavesTheHorizon: a fold forward in time trains on rows whose
// outcome was known when the rows that it tests began.
func TestForwardLeavesTheHorizon(t *testing.T) {
	day := func(n int) int64 { return int64(n) * 86_400_000_000 }
	var at []int64
	for i := range 100 {
		at = append(at, day(i))
	}
	folds, err := gbdt.ForwardFolds(at, 3)
	if err != nil {
		t.Fatal(err)
	}
	var before []int
	for _, f := range folds {
		before = append(before, len(f.Train))
	}
	folds, err = dropUnknownOutcomes(folds, at, 10*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range folds {
		// The rows are one a day: the last nine of them before the test are left out.
		if got, want := len(f.Train), before[k]-9; got != want || f.Train[got-1] != f.Test[0]-10 {
			t.Errorf("fold %d trains on %d rows up to %d and tests from %d, want %d rows", k, got,
				f.Train[got-1], f.Test[0], want)
		}
	}
	if _, err := dropUnknownOutcomes(folds, at, 90*24*time.Hour); err == nil ||
		!strings.Contains(err.Error(), "fold 1 of 3 has no rows to train on") {
		t.Errorf("a horizon longer than the log: %v", err)
	}
}

func TestStratifiedFolds(t *testing.T) {
	label := []float64{0, 1, 0, 0, 1, 0, 0}
	folds := stratifiedFolds(label, []int{0, 1, 2, 3, 4, 5, 6}, 3)
	want := [][]int{{0, 1, 5}, {2, 4, 6}, {3}}
	seen := map[int]int{}
	for k, f := range folds {
		for i, r := range f {
			if r != want[k][i] {
				t.Errorf("fold %d is %v, want %v", k, f, want[k])
				break
			}
			seen[r]++
		}
		for _, r := range allBut(folds, k) {
			for _, h := range f {
				if r == h {
					t.Errorf("row %d is in fold %d and in the others", r, k)
				}
			}
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d rows have a fold, want 7", len(seen))
	}
}
