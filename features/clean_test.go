// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
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

func TestClean(t *testing.T) {
	t.Parallel()
	cols := cloud()
	s := &plantext.Spec{Version: 1, Fields: []plantext.FieldSpec{{Name: "a"}, {Name: "b"}},
		Features: []plantext.FeatureSpec{{Name: "a", Kernel: "clip", Quantiles: []float64{0, 1}}},
		Clean: &plantext.CleanSpec{Duplicates: []string{"a", "b"},
			Outliers: &plantext.OutlierSpec{Share: 0.02, Drop: true}}}
	rec, err := EventTable(s, func(yield func(*assay.Event) bool) {
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
	p, r, err := Fit(context.Background(), s, rec, nil)
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
	if _, r, err = Fit(context.Background(), s, rec, nil); err != nil || r.Rows != 500 || len(r.Outliers) != 10 {
		t.Errorf("marked only: %d rows, %d outliers, %v", r.Rows, len(r.Outliers), err)
	}
}
