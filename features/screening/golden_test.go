// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/isolation"
)

// nullable is a number of a golden file, NaN where the file has null.
type nullable float64

func (n *nullable) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = nullable(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

func floats(x []nullable) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// goldenCase is a case of testdata/screening.json, which
// testdata/screening.py writes.
type goldenCase struct {
	Name        string
	X, Later    []nullable
	Y           []float64
	Bins        int
	Categorical bool

	IV, Missing, PSI float64 // what pandas, scipy and scikit-learn find
	Merged           int     // bins that isotonic regression leaves, with the one for missing values
	Ranks            []float64
	Other            []float64 // another feature, and X's rank correlation with it
	Correlation      float64
}

func readGolden(t *testing.T) (cases []goldenCase) {
	t.Helper()
	b, err := os.ReadFile("testdata/screening.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 8 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-10*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestSelectAgainstPython: information value, stability index, share of missing
// values and number of merged bins are those that pandas, scipy and
// scikit-learn's isotonic regression find.
func TestSelectAgainstPython(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t) {
		train, later := floats(c.X), floats(c.Later)
		m := &features.Matrix{Rows: len(train) + len(later), Columns: [][]float64{append(train, later...)}}
		labels := make([]float64, m.Rows)
		copy(labels, c.Y)
		scores, err := Select([]features.FeatureInfo{{Name: c.Name, Categorical: c.Categorical}}, m, labels,
			span(0, len(c.X)), span(len(c.X), m.Rows), Config{Bins: c.Bins})
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		near(t, c.Name+": information value", scores[0].IV, c.IV)
		near(t, c.Name+": stability index", scores[0].PSI, c.PSI)
		near(t, c.Name+": share missing", scores[0].Missing, c.Missing)
		if scores[0].Bins != c.Merged {
			t.Errorf("%s: %d bins after merging, want %d", c.Name, scores[0].Bins, c.Merged)
		}
	}
}

// TestRanksAgainstPython: ranks, also of ties and of missing values at the
// median, and their correlation are scipy's.
func TestRanksAgainstPython(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t) {
		got := ranks(isolation.FillGaps(floats(c.X)))
		for i := range got {
			if got[i] != c.Ranks[i] {
				t.Errorf("%s: row %d has rank %v, want %v", c.Name, i, got[i], c.Ranks[i])
				break
			}
		}
		near(t, c.Name+": rank correlation", pearson(got, ranks(c.Other)), c.Correlation)
	}
}

// span returns the row numbers from first to the one before end.
func span(first, end int) []int {
	rows := make([]int, end-first)
	for i := range rows {
		rows[i] = first + i
	}
	return rows
}
