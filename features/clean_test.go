// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"
)

// cloud is 500 rows of two normal columns, the last ten far away.
func cloud() [][]float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	cols := [][]float64{make([]float64, 500), make([]float64, 500)}
	for i := range 500 {
		cols[0][i], cols[1][i] = rng.NormFloat64(), rng.NormFloat64()
		if i >= 490 {
			cols[0][i] += 6 * float64(1-i%2*2)
			cols[1][i] += 6
		}
	}
	return cols
}

// TestIsolationAgainstGolearn compares the scores with those of golearn's
// forest, which uses another random sequence: they must rank the rows alike.
func TestIsolationAgainstGolearn(t *testing.T) {
	cols := cloud()
	ours := isolation(cols, 200, 256)
	inst := base.NewDenseInstances()
	var specs []base.AttributeSpec
	for _, n := range []string{"a", "b", "class"} { // golearn takes the class as data, too: a constant says nothing
		specs = append(specs, inst.AddAttribute(base.NewFloatAttribute(n)))
	}
	if err := inst.AddClassAttribute(specs[2].GetAttribute()); err != nil {
		t.Fatal(err)
	}
	if err := inst.Extend(500); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		inst.Set(specs[0], i, base.PackFloatToBytes(cols[0][i]))
		inst.Set(specs[1], i, base.PackFloatToBytes(cols[1][i]))
		inst.Set(specs[2], i, base.PackFloatToBytes(0))
	}
	forest := trees.NewIsolationForest(200, 8, 256)
	forest.Fit(inst)
	theirs := forest.Predict(inst)
	if r := spearman(ours, theirs); r < 0.95 {
		t.Errorf("rank correlation with golearn's forest is %.3f, want 0.95 or more", r)
	}
	for i := 490; i < 500; i++ {
		if ours[i] < 0.6 {
			t.Errorf("row %d is an outlier and scores %.3f", i, ours[i])
		}
	}
	if !slices.Equal(ours, isolation(cols, 200, 256)) {
		t.Error("the same rows score otherwise the second time")
	}
}

func TestClean(t *testing.T) {
	cols := cloud()
	s := &Spec{Version: 1, Fields: []FieldSpec{{Name: "a"}, {Name: "b"}},
		Features: []FeatureSpec{{Name: "a", Kernel: "clip", Quantiles: []float64{0, 1}}},
		Clean:    &CleanSpec{Duplicates: []string{"a", "b"}, Outliers: &OutlierSpec{Share: 0.02, Drop: true}}}
	rec, err := s.Table(func(yield func(*assay.Event) bool) {
		for i := range 510 {
			i = min(i, 499) // ten rows repeat the last
			if !yield(&assay.Event{ID: "e", Kind: "application", Fields: []assay.Field{
				{Name: "a", Value: assay.NumberValue(cols[0][i])},
				{Name: "b", Value: assay.NumberValue(cols[1][i])}}}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p, r, err := s.Fit(context.Background(), rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Duplicates != 10 || len(r.Outliers) != 10 || r.Rows != 490 {
		t.Errorf("%d duplicates, %d outliers, %d rows, want 10, 10, 490", r.Duplicates, len(r.Outliers), r.Rows)
	}
	if low, high := *p.frozen.Learned[0].Low, *p.frozen.Learned[0].High; math.Max(-low, high) > 4.5 {
		t.Errorf("the outliers were learned from: %v to %v", low, high)
	}
	s.Clean.Outliers.Drop = false
	if _, r, err = s.Fit(context.Background(), rec, nil); err != nil || r.Rows != 500 || len(r.Outliers) != 10 {
		t.Errorf("marked only: %d rows, %d outliers, %v", r.Rows, len(r.Outliers), err)
	}
}
