// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// TestRareTextsAlone: a column in which no text is frequent enough to be learned, such as dates or invoice numbers,
// gives a plan that can be loaded again and makes the same vectors. JSON does not distinguish an empty list from
// none, and such a plan was once refused as damaged.
func TestRareTextsAlone(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("day,invoice,amount,target\n")
	for i := range 60 {
		fmt.Fprintf(&table, "2024-%02d-%02d,N-%03d,%d,%d\n", 1+i/28, 1+i%28, i, i*7%40, i%3/2)
	}
	frame, err := datasets.ReadBytes(t.Context(), "t.csv", []byte(table.String()), datasets.Options{Label: "target"})
	if err != nil {
		t.Fatal(err)
	}
	for _, feature := range []string{
		"{name: f, kernel: category, of: day}",
		"{name: f, kernel: cross, of: [day, invoice]}",
		"{name: f, kernel: frequency, of: day, min_count: 20}",
		"{name: f, kernel: woe, of: day}",
		"{name: f, kernel: target_mean, of: day}",
	} {
		spec, err := features.ParseSpec([]byte("version: 1\nlabel: {column: target}\nfields:\n" +
			"  - {name: day, kind: text}\n  - {name: invoice, kind: text}\n  - {name: amount}\n" +
			"features:\n  - {name: amount}\n  - " + feature + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		plan, _, err := features.Fit(t.Context(), spec, frame.Record, nil)
		if err != nil {
			t.Fatalf("%s: %v", feature, err)
		}
		loaded, err := features.LoadPlan(plan.Frozen())
		if err != nil {
			t.Errorf("%s: the plan cannot be loaded: %v", feature, err)
			continue
		}
		want, err := plan.Matrix(t.Context(), frame.Record)
		if err != nil {
			t.Fatal(err)
		}
		got, err := loaded.Matrix(t.Context(), frame.Record)
		if err != nil {
			t.Fatal(err)
		}
		for c := range want.Columns {
			for i := range want.Columns[c] {
				if a, b := want.Columns[c][i], got.Columns[c][i]; a != b && (a == a || b == b) {
					t.Fatalf("%s: column %d, row %d: %v, want %v", feature, c, i, b, a)
				}
			}
		}
	}
}
