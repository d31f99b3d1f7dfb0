// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"math"
	"slices"
	"sync"
	"testing"
)

// TestScoresRepeat: the same rows have the same bits again, and in eight
// goroutines at once; the columns are left as they were.
func TestScoresRepeat(t *testing.T) {
	t.Parallel()
	cols := outlyingCloud()
	cols[1][7] = math.NaN()
	before := slices.Clone(cols[0])
	want := Scores(cols, 50, 64)
	got := make([][]float64, 8)
	var running sync.WaitGroup
	for i := range got {
		running.Go(func() { got[i] = Scores(cols, 50, 64) })
	}
	running.Wait()
	for i := range got {
		if !slices.Equal(got[i], want) {
			t.Errorf("run %d gives other scores", i)
		}
	}
	if !slices.Equal(cols[0], before) || !math.IsNaN(cols[1][7]) {
		t.Error("the columns were changed")
	}
	if slices.Equal(want, Scores(cols, 51, 64)) || slices.Equal(want, Scores(cols, 50, 65)) {
		t.Error("another number of trees or rows changes nothing")
	}
}

// TestOutliersScoreHigher: in forests of several sizes, each planted outlier
// scores above nearly all other rows, and all scores are between 0 and 1.
func TestOutliersScoreHigher(t *testing.T) {
	t.Parallel()
	cols := outlyingCloud()
	for _, size := range []struct{ trees, sample int }{{100, 256}, {50, 64}, {300, 500}} {
		scores := Scores(cols, size.trees, size.sample)
		inliers := slices.Sorted(slices.Values(scores[:490]))
		for i, s := range scores {
			if !(s > 0 && s < 1) {
				t.Fatalf("%+v: row %d scores %v", size, i, s)
			}
			if i >= 490 && s < inliers[480] {
				t.Errorf("%+v: outlier %d scores %.3f, ten other rows score above %.3f", size, i, s, inliers[480])
			}
		}
	}
}

// TestScoresOfScale: the unit of a column, and the value of a constant one, change
// no score.
func TestScoresOfScale(t *testing.T) {
	t.Parallel()
	cols := outlyingCloud()
	want := Scores(cols, 50, 128)
	scaled := [][]float64{slices.Clone(cols[0]), slices.Clone(cols[1])}
	for i := range scaled[0] {
		scaled[0][i] *= 4 // a power of two: exact
		scaled[1][i] *= 1. / 1024
	}
	if !slices.Equal(Scores(scaled, 50, 128), want) {
		t.Error("another unit of a column gives other scores")
	}
	flat := func(x float64) []float64 { return slices.Repeat([]float64{x}, len(cols[0])) }
	if !slices.Equal(Scores([][]float64{cols[0], flat(3)}, 50, 128), Scores([][]float64{cols[0], flat(-8)}, 50, 128)) {
		t.Error("the value of a constant column gives other scores")
	}
}

// TestMissingScoresAsMedian: a row with gaps scores as one with the medians.
func TestMissingScoresAsMedian(t *testing.T) {
	t.Parallel()
	cols := outlyingCloud()
	for i := 0; i < 490; i += 7 {
		cols[0][i] = math.NaN()
	}
	filled := [][]float64{FillGaps(cols[0]), cols[1]}
	if !slices.Equal(Scores(cols, 50, 128), Scores(filled, 50, 128)) {
		t.Error("gaps score otherwise than medians")
	}
}

// TestEqualRows: one row, equal rows and columns without values have the same
// score in all rows.
func TestEqualRows(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	for _, cols := range [][][]float64{{{1}}, {{5, 5, 5, 5}}, {{none, none, none}}, {{1, 1, 1}, {2, none, 2}}} {
		scores := Scores(cols, 10, max(2, len(cols[0])))
		for _, s := range scores {
			if !(s > 0 && s <= 1) || s != scores[0] {
				t.Errorf("%v: scores %v", cols, scores)
			}
		}
	}
}

func TestFillGaps(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	for _, c := range []struct{ x, want []float64 }{
		{[]float64{3, none, 1, 2}, []float64{3, 2, 1, 2}},
		{[]float64{4, 1, none, 2, 3}, []float64{4, 1, 2, 2, 3}}, // the lower of 2 and 3
		{[]float64{none, none}, []float64{0, 0}},
		{[]float64{7}, []float64{7}},
		{nil, nil},
	} {
		if got := FillGaps(c.x); !slices.Equal(got, c.want) {
			t.Errorf("%v becomes %v, want %v", c.x, got, c.want)
		}
	}
}

// TestMeanPathLength compares the formula with scikit-learn 1.9's
// _average_path_length.
func TestMeanPathLength(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]float64{0: 0, 1: 0, 2: 1, 3: 1.207392357589623, 5: 2.327020052042847,
		10: 3.748880484475505, 256: 10.244770920119917, 1000: 12.969940887100174, 100000: 22.180282259643523} {
		if got := meanPathLength(n); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d rows need %v cuts, want %v", n, got, want)
		}
	}
}
