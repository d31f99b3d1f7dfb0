// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/gbdt"
)

// TestLayouts: after the first runs the slower of LightGBM's layouts is left out,
// and is not the one that ours is compared with, however few runs it made.
func TestLayouts(t *testing.T) {
	t.Parallel()
	run := func(s ...float64) []trainingResult {
		var o []trainingResult
		for _, v := range s {
			o = append(o, trainingResult{Train: v})
		}
		return o
	}
	c := &comparison{trainers: []string{"assay", "row", "col", "quant"}}
	for _, k := range []struct {
		row, col []trainingResult
		slower   string
	}{
		{run(2, 2), run(3, 3), "col"},
		{run(3, 3), run(2, 2), "row"},
		{run(2, 2, 9, 9, 9), run(3, 3), "col"},
		{run(2, 2), nil, ""},
		{nil, run(3, 3), ""},
	} {
		got := map[string][]trainingResult{"row": k.row, "col": k.col}
		if s := slowerLayout(got); s != k.slower {
			t.Errorf("rows %v, columns %v: slower is %q, want %q", k.row, k.col, s, k.slower)
		}
		if left := c.withoutSlower(got); slices.Contains(left, k.slower) || len(left) < 3 {
			t.Errorf("without %q: %v", k.slower, left)
		}
	}
}

// TestSampleRows: a sample has about its share of the rows and depends on nothing
// but its number; train_table.py picks the same rows.
func TestSampleRows(t *testing.T) {
	t.Parallel()
	d := &gbdt.Dataset{Columns: [][]float64{make([]float64, 20000)}, Label: make([]float64, 20000)}
	for i := range d.Label {
		d.Label[i], d.Columns[0][i] = float64(i), float64(-i)
	}
	a, b := sampleRows(d, 1, 0.3), sampleRows(d, 2, 0.3)
	if n := len(a.Label); n < 5700 || n > 6300 {
		t.Errorf("a share of 0.3 of 20000 rows is %d rows", n)
	}
	if slices.Equal(a.Label, b.Label) || !slices.Equal(a.Label, sampleRows(d, 1, 0.3).Label) {
		t.Error("samples of different numbers are the same, or of one number differ")
	}
	for i := range a.Label {
		if a.Columns[0][i] != -a.Label[i] {
			t.Fatal("columns and labels come from different rows")
		}
	}
	if want := []float64{1, 5, 10, 13, 19, 24}; !slices.Equal(a.Label[:len(want)], want) {
		t.Errorf("draw 1 begins with the rows %v, in train_table.py with %v", a.Label[:len(want)], want)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	for _, tt := range []struct {
		name        string
		k           int
		took, share time.Duration
		want        bool
	}{
		{"no limit", 4, 60 * m, 0, false},
		{"three runs are made however long they take", 2, 60 * m, m, false},
		{"the fourth would exceed the share", 3, 3 * m, 4*m - 1, true},
		{"the fourth fits", 3, 3 * m, 4 * m, false},
		{"the fifth does not", 4, 4 * m, 4*m + 30*time.Second, true},
	} {
		if got := shareUsed(tt.k, tt.took, tt.share); got != tt.want {
			t.Errorf("%s: after %d runs in %v of %v: %v", tt.name, tt.k, tt.took, tt.share, got)
		}
	}
	c := &comparison{until: time.Now().Add(10 * m)}
	if got := c.share(1, 4); got > 150*time.Second || got < 140*time.Second {
		t.Errorf("a quarter of ten minutes is %v", got)
	}
	if got := (&comparison{until: time.Now().Add(-m)}).share(1, 1); got <= 0 {
		t.Errorf("after the end the share is %v, which would mean no limit", got)
	}
	if got := new(comparison).share(1, 1); got != 0 {
		t.Errorf("without a limit the share is %v", got)
	}
}
