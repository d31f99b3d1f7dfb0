// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"math"
	"testing"
)

// ordered fails where a riskier bin of a variable earns more points.
func ordered(t *testing.T, l *Logistic) {
	t.Helper()
	lines := l.Attributes(nil)
	for _, a := range lines {
		for _, b := range lines {
			if a.Variable == b.Variable && a.WOE < b.WOE && a.Points < b.Points-1e-9 {
				t.Errorf("%s: %s has a weight of evidence of %.3f and %.2f points, %s %.3f and %.2f", a.Variable, a.Bin,
					a.WOE, a.Points, b.Bin, b.WOE, b.Points)
			}
		}
	}
	for j, c := range l.Coef {
		if (c > 0) != (l.margin[j] != nil) {
			t.Errorf("the coefficient of %s is %v, and it earns points: %v", l.bins[j].name, c, l.margin[j] != nil)
		}
	}
}

// TestRiskierEarnsFewerPoints holds every printed line to it, with and without
// deviations from the weight of evidence.
func TestRiskierEarnsFewerPoints(t *testing.T) {
	for _, name := range []string{"credit_data.csv", "german.csv"} {
		for _, free := range []float64{0, math.Inf(1)} {
			t.Run(name, func(t *testing.T) {
				l, err := FitLogistic(context.Background(), shared(t, name), Config{Free: free})
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("free %v: left out %v", free, l.LeftOut())
				ordered(t, l)
			})
		}
	}
}

// TestPointsAreLinear: without deviations, points are a line over the weight
// of evidence.
func TestPointsAreLinear(t *testing.T) {
	l, err := FitLogistic(context.Background(), step(2000), Config{Free: math.Inf(1)})
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]Attribute{}
	for _, a := range l.Attributes(nil) {
		f, seen := first[a.Variable]
		if !seen {
			first[a.Variable] = a
			continue
		}
		for j, b := range l.bins {
			want := f.Points - 20/math.Ln2*l.Coef[j]*(a.WOE-f.WOE)
			if b.name == a.Variable && math.Abs(a.Points-want) > 1e-9 {
				t.Errorf("%s, %s: %v points, the line gives %v", a.Variable, a.Bin, a.Points, want)
			}
		}
	}
}

// TestWrongSignIsLeftOut: a variable that says riskier alone and safer next to
// the other one earns no points.
func TestWrongSignIsLeftOut(t *testing.T) {
	d := &Data{Names: []string{"x", "less"}, Columns: [][]float64{nil, nil}}
	// The risk rises with x; less rises with x too, and within a value of x it
	// is the safer rows that have more of it.
	for x := range 4 {
		for less := range 2 {
			for i := range 100 {
				n := 100 * (1 + 2*pick(less == pick(x >= 2, 1, 0), 1, 0))
				bad := 0.0
				if i*10 < (10+20*x-8*less)*10 {
					bad = 1
				}
				for range n / 100 {
					d.Columns[0], d.Columns[1], d.Label = append(d.Columns[0], float64(x)),
						append(d.Columns[1], float64(less)), append(d.Label, bad)
				}
			}
		}
	}
	l, err := FitLogistic(context.Background(), d, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if out := l.LeftOut(); len(out) != 1 || out[0] != "less" {
		t.Errorf("left out %v, want the variable whose coefficient turns", out)
	}
	ordered(t, l)
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}
