// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// TestRanksOfPairsPresent: values of rows where the other variable is missing
// do not move the ranks. scipy.stats.spearmanr of the three complete pairs is
// -1; ranks among all rows gave another.
func TestRanksOfPairsPresent(t *testing.T) {
	t.Parallel()
	n := math.NaN()
	x := []float64{1, 2, 30, 4, 5, 6, 7}
	y := []float64{9, 8, 1, n, n, n, n}
	if got := rankCorrelation(rankRows(x), rankRows(y)); !(math.Abs(got+1) <= 1e-12) {
		t.Errorf("correlation %v, want -1", got)
	}
}
