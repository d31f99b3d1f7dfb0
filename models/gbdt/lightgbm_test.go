// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestLightGBM compares the first trees with LightGBM's on rows whose values
// are their own bins (testdata/first_trees.py makes the file): the same features
// in the same order of splitting, the same numbers of rows, gains within the
// rounding of gradients, and margins within 1e-4.
func TestLightGBM(t *testing.T) {
	b, err := os.ReadFile("testdata/first_trees.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Rows  [][]*float64
		Label []float64
		Cases []struct {
			Params  map[string]string
			Trees   [][][4]float64 // node, feature, gain, rows
			Margins []float64
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	d := &Dataset{Columns: make([][]float64, 5), Categorical: []bool{4: true}, Label: file.Label}
	for _, r := range file.Rows {
		for j, v := range r {
			if v == nil {
				d.Columns[j] = append(d.Columns[j], math.NaN())
			} else {
				d.Columns[j] = append(d.Columns[j], *v)
			}
		}
	}
	for _, c := range file.Cases {
		c.Params["num_leaves"] = "8"
		c.Params["num_iterations"] = "4"
		p, err := ParseParams(c.Params)
		if err != nil {
			t.Fatal(err)
		}
		m := mustTrain(t, d, p, Options{}).Model
		for k, want := range c.Trees {
			got := &m.Trees[k]
			if len(got.Feature) != len(want) {
				t.Fatalf("%v: tree %d has %d nodes, want %d", c.Params, k, len(got.Feature), len(want))
			}
			for i, n := range want {
				if float64(got.Feature[i]) != n[1] || float64(got.NodeCount[i]) != n[3] ||
					math.Abs(got.Gain[i]-n[2]) > 1e-3*n[2]+1e-3 {
					t.Errorf("%v: tree %d node %d: feature %d, gain %.5f, %d rows; LightGBM: %v, %.5f, %v", c.Params, k,
						i, got.Feature[i], got.Gain[i], got.NodeCount[i], n[1], n[2], n[3])
				}
			}
		}
		for i, m := range margins(m, d)[:len(c.Margins)] {
			if math.Abs(m-c.Margins[i]) > 1e-4 {
				t.Fatalf("%v: row %d has the margin %.7f, LightGBM's %.7f", c.Params, i, m, c.Margins[i])
			}
		}
	}
}
