// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	t.Parallel()
	text := `RATIO a_vs_b 1.50
some words here
NS single 900 850 1200 5
RATIO broken x
AUCDIFF dense1m -0.0001
TABLE | 3
RATIO half 1 2
Ratio small 1
RATIO bad 1 2 3 four
`
	got, err := Read(strings.NewReader(text))
	want := []Figure{{"RATIO", "a_vs_b", 1.5, 1.5, 1.5, 0}, {"NS", "single", 900, 850, 1200, 5},
		{"AUCDIFF", "dense1m", -0.0001, -0.0001, -0.0001, 0}}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("figures %v, %v; want %v", got, err, want)
	}
	for _, f := range append(want, Of("MB", "peak", []float64{3, 1, 2}), Over("x", []float64{4, 8}, []float64{2, 2})) {
		if back, ok := Parse(f.String()); !ok || back != f {
			t.Errorf("%q reads as %v", f.String(), back)
		}
	}
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	x := []float64{5, 1, 3, 2}
	if m := Median(x); m != 2.5 || x[0] != 5 {
		t.Errorf("median %v of %v", m, x)
	}
	if f := Of("NS", "a", []float64{7, 9, 8}); f != (Figure{"NS", "a", 8, 7, 9, 3}) {
		t.Error(f)
	}
	if f := Over("r", []float64{10, 30, 20}, []float64{10, 10, 5}); f != (Figure{"RATIO", "r", 2, 1, 4, 3}) {
		t.Error(f)
	}
	if f := Of("NS", "none", nil); f.Value != 0 || f.Runs != 0 || Median(nil) != 0 {
		t.Error(f)
	}
}
