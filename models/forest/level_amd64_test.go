// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package forest

import (
	"math"
	"os"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// eachLevel runs a test at each level of instructions that this processor has.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	highest := kernelLevel
	defer func() { kernelLevel = highest }()
	for l, name := range []string{"go", "avx2", "avx512"} {
		if level(l) > highest {
			t.Logf("%s: not on this processor", name)
			break
		}
		kernelLevel = level(l)
		t.Run(name, f)
	}
}

// TestLevelWanted fails where AVX-512 was promised and is not used: `make
// avx512` runs these tests on a processor that has it, emulated where need be.
func TestLevelWanted(t *testing.T) {
	if os.Getenv("ASSAY_WANT_AVX512") == "" {
		t.Skip("ASSAY_WANT_AVX512 is not set")
	}
	if kernelLevel != levelAVX512 || Kernels() != "avx512" {
		t.Fatalf("the kernels run at level %d (%s), want AVX-512", kernelLevel, Kernels())
	}
}

// TestLevels scores models that reach every kernel at each level, one row at a
// time and in batches, and wants the bits of the naive walk.
func TestLevels(t *testing.T) {
	shapes := map[string]foresttest.Shape{
		"few columns":           {Trees: 70, Leaves: 31, Features: 50},
		"many columns":          {Trees: 70, Leaves: 31, Features: 50, Missing: 1, MixedMissing: true},
		"few with categories":   {Trees: 30, Leaves: 31, Features: 20, Categories: 40, Categorical: 0.5, Missing: 0.5},
		"many with categories":  {Trees: 30, Leaves: 31, Features: 80, Categories: 40, Categorical: 0.2, Missing: 0.5},
		"wide sets":             {Trees: 20, Leaves: 31, Features: 9, Categories: 600, Categorical: 0.5, Missing: 0.5},
		"float32":               {Trees: 30, Leaves: 31, Features: 30, Missing: 0.5},
		"float32, categories":   {Trees: 30, Leaves: 31, Features: 30, Categories: 30, Categorical: 0.3},
		"large trees":           {Trees: 6, Leaves: 255, Features: 40},
		"long chains":           {Trees: 5, Leaves: 200, Features: 20, Chain: true},
		"more columns than fit": {Trees: 30, Leaves: 31, Features: 200},
	}
	rows := 300
	if testing.Short() {
		rows = 130
	}
	for name, shape := range shapes {
		m := foresttest.Model(3, shape)
		m.Float32Sums = name[0] == 'f' && name[1] == 'l'
		x := foresttest.Rows(4, m, rows)
		t.Run(name, func(t *testing.T) { eachLevel(t, func(t *testing.T) { sameAsWalk(t, m, x) }) })
	}
}

func sameAsWalk(t *testing.T, m *models.Model, x []float64) {
	f, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	n := len(m.Features)
	many := make([]float64, len(x)/n)
	f.Margins(many, x)
	for i, got := range many {
		row := x[i*n : (i+1)*n]
		want := math.Float64bits(m.Margin(row))
		if one := f.Margin(row); math.Float64bits(one) != want || math.Float64bits(got) != want {
			t.Fatalf("row %d: %v alone, %v in a batch, want %v", i, one, got, m.Margin(row))
		}
	}
}
