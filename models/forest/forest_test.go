// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"math"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// shapes cross every limit of the compiled forms.
var shapes = map[string]foresttest.Shape{
	"small":         {Trees: 3, Leaves: 4, Features: 3},
	"one leaf":      {Trees: 5, Leaves: 1, Features: 2},
	"no trees":      {Trees: 0, Leaves: 1, Features: 2, Init: 0.25},
	"plain31":       {Trees: 40, Leaves: 31, Features: 50},
	"plain63":       {Trees: 40, Leaves: 63, Features: 50, Missing: 1},
	"leaves64":      {Trees: 20, Leaves: 64, Features: 20, Missing: 0.5},
	"leaves65":      {Trees: 20, Leaves: 65, Features: 20, Missing: 0.5},
	"leaves300":     {Trees: 10, Leaves: 300, Features: 30, Missing: 0.5},
	"both":          {Trees: 6, Leaves: 400, Features: 200, Missing: 0.5},
	"features200":   {Trees: 40, Leaves: 31, Features: 200, Missing: 0.5},
	"thresholds":    {Trees: 40, Leaves: 63, Features: 3, Thresholds: 5000, Missing: 0.5},
	"mixed":         {Trees: 30, Leaves: 31, Features: 10, MixedMissing: true},
	"categories":    {Trees: 30, Leaves: 31, Features: 20, Categories: 40, Categorical: 0.5, Missing: 0.5},
	"wide and cats": {Trees: 30, Leaves: 31, Features: 80, Categories: 40, Categorical: 0.2, Missing: 0.5},
	"cats float32":  {Trees: 30, Leaves: 31, Features: 20, Categories: 40, Categorical: 0.5, Float32: true},
	"all category":  {Trees: 30, Leaves: 63, Features: 5, Categories: 300, Categorical: 1},
	"chain":         {Trees: 10, Leaves: 60, Features: 8, Chain: true, Missing: 0.5},
	"float32":       {Trees: 40, Leaves: 31, Features: 20, Missing: 1, Float32: true, Init: -0.3},
	"average":       {Trees: 40, Leaves: 31, Features: 20, Average: true},
	"init":          {Trees: 40, Leaves: 31, Features: 20, Init: 1.7},
}

func compile(t testing.TB, m *models.Model) *forest.Forest {
	t.Helper()
	f, err := forest.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestMargin compares the compiled forms with the naive walk, bit for bit.
func TestMargin(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				m := foresttest.Model(seed, shape)
				checkMargins(t, m, foresttest.Rows(seed, m, 700+int(seed)))
			}
		})
	}
}

// TestTreesOfTwoSizes has small trees, which lanes run, and large ones, which
// they leave to the walk.
func TestTreesOfTwoSizes(t *testing.T) {
	m := foresttest.Model(1, foresttest.Shape{Trees: 40, Leaves: 31, Features: 30, Missing: 0.5})
	large := foresttest.Model(2, foresttest.Shape{Trees: 2, Leaves: 500, Features: 30, Missing: 0.5})
	m.Trees = append(m.Trees, large.Trees...)
	checkMargins(t, m, foresttest.Rows(1, m, 700))
}

func checkMargins(t testing.TB, m *models.Model, rows []float64) {
	t.Helper()
	f := compile(t, m)
	n := len(m.Features)
	dst := make([]float64, len(rows)/n)
	f.Margins(dst, rows)
	for i := range dst {
		x := rows[i*n : (i+1)*n]
		want := m.Margin(x)
		if got := f.Margin(x); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("row %d: Margin %v, the naive walk gives %v\n%v", i, got, want, x)
		}
		if math.Float64bits(dst[i]) != math.Float64bits(want) {
			t.Fatalf("row %d: Margins %v, the naive walk gives %v\n%v", i, dst[i], want, x)
		}
	}
}

func TestCompileRefusesMalformed(t *testing.T) {
	m := foresttest.Model(1, shapes["small"])
	m.Trees[1].Left[0] = 0 // a cycle
	if _, err := forest.Compile(m); err == nil {
		t.Fatal("a cyclic tree was compiled")
	}
}

func TestMarginPanicsOnWrongLength(t *testing.T) {
	f := compile(t, foresttest.Model(1, shapes["small"]))
	for name, call := range map[string]func(){
		"Margin":        func() { f.Margin(make([]float64, 2)) },
		"Margins":       func() { f.Margins(make([]float64, 2), make([]float64, 5)) },
		"Contributions": func() { f.Contributions(make([]float64, 3), make([]float64, 3)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Fatal("a vector of the wrong length was scored")
				}
			}()
			call()
		})
	}
}
