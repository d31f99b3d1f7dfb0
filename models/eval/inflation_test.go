// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenImportance struct {
	X   [][]*float64 // columns, null = missing
	VIF []float64
}

// readImportance returns the columns, and the factors that statsmodels gives them.
func readImportance(t *testing.T) (columns [][]float64, factors []float64) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_importance.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenImportance
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	for _, x := range g.X {
		columns = append(columns, missing(x))
	}
	return columns, g.VIF
}

// TestInflationIsThatOfStatsmodels holds variance inflation factors to those of
// statsmodels, also next to a column of huge numbers, one that is determined by
// others, and columns that have none.
func TestInflationIsThatOfStatsmodels(t *testing.T) {
	t.Parallel()
	columns, factors := readImportance(t)
	n := len(columns[0])
	check := func(name string, columns [][]float64) []float64 {
		t.Helper()
		got := Inflations(columns)
		for j, want := range factors {
			if math.Abs(got[j]-want) > 1e-9*want {
				t.Errorf("%s: column %d has %v, statsmodels %v", name, j, got[j], want)
			}
		}
		return got
	}
	check("as they are", columns)
	constant, empty := make([]float64, n), make([]float64, n)
	for i := range empty {
		empty[i] = math.NaN()
	}
	got := check("next to others", append(columns[:4:4], constant, empty, nil))
	for j := 4; j < 7; j++ {
		if !math.IsNaN(got[j]) {
			t.Errorf("column %d has a factor: %v", j, got[j])
		}
	}
	huge := make([]float64, n)
	for i, v := range columns[2] {
		huge[i] = v * 1e290
	}
	scaled := append([][]float64(nil), columns...)
	scaled[2] = huge
	check("numbers of 1e299", scaled)

	sum := make([]float64, n)
	for i := range sum {
		sum[i] = 2*columns[0][i] - columns[2][i]/1e9
	}
	determined := Inflations(append(columns[:4:4], sum))
	for j, want := range []bool{true, false, true, false, true} {
		if math.IsInf(determined[j], 1) != want {
			t.Errorf("column %d of a sum and its parts: factor %v", j, determined[j])
		}
	}
}
