// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
)

// TestImportanceTable: the measures that are known are next to each other in the order of
// contribution, shares of the gain add up to one, and a model that does not say
// its gains has dashes and no NaN.
func TestImportanceTable(t *testing.T) {
	features := []Feature{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	usage := []Usage{{Splits: 3, Gain: 1}, {Splits: 9, Gain: 3}, {}}
	explained, order := []float64{0.5, 0.25, 0}, []int{0, 1, 2}
	got := importanceTable(features, explained, nil, usage, order, "all 5 rows")
	want := [][4]float64{{0, 0.5, 0.25, 3}, {1, 0.25, 0.75, 9}, {2, 0, 0, 0}}
	for i, w := range want {
		r := got.Rows[i]
		if r[0].Text() != features[int(w[0])].Name || float64(r[1].Number()) != w[1] ||
			float64(r[2].Number()) != w[2] ||
			float64(r[3].Number()) != w[3] {
			t.Errorf("row %d: %+v, want %v", i, r, w)
		}
	}
	none := importanceTable(features, explained, nil, []Usage{{Splits: 1}, {}, {}}, order, "all 5 rows")
	if x := none.Rows[0][2]; !math.IsNaN(float64(x.Number())) || numfmt.Percent.Print(float64(x.Number())) != "–" {
		t.Errorf("the share of no gain is printed as %q", numfmt.Percent.Print(float64(x.Number())))
	}
}
