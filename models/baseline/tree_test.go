// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/filters"
)

// step returns rows that are bad with 80 % where x > 3 or the group is "b",
// with 10 % elsewhere; a tenth of x is missing.
func step(n int) *Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := &Data{Names: []string{"x", "noise", "group"}, Categorical: []bool{false, false, true},
		Columns: make([][]float64, 3)}
	for range n {
		x, g, p := r.Float64()*6, float64(r.IntN(3)), 0.1
		if x > 3 || g == 1 {
			p = 0.8
		}
		y := 0.0
		if r.Float64() < p {
			y = 1
		}
		if r.Float64() < 0.1 {
			x = math.NaN()
		}
		d.Label = append(d.Label, y)
		d.Columns[0], d.Columns[1], d.Columns[2] = append(d.Columns[0], x), append(d.Columns[1], r.Float64()),
			append(d.Columns[2], g)
	}
	return d
}

func TestTreeFindsTheRule(t *testing.T) {
	d := step(3000)
	tr, err := FitTree(context.Background(), d, [][]string{nil, nil, {"a", "b", "c"}}, ForestConfig{MaxDepth: 2})
	if err != nil {
		t.Fatal(err)
	}
	rows, bad := 0, 0
	for _, l := range tr.Leaves() {
		t.Logf("%s: %d of %d, PD %.3f", l.Rule, l.Bad, l.Rows, l.PD())
		rows, bad = rows+l.Rows, bad+l.Bad
	}
	if rows != 3000 || bad == 0 {
		t.Errorf("the leaves hold %d rows, %d bad, want all 3000", rows, bad)
	}
	for _, tc := range []struct {
		x        []float64
		low, top float64
	}{{[]float64{5, 0.5, 0}, 0.7, 0.9}, {[]float64{1, 0.5, 1}, 0.7, 0.9}, {[]float64{1, 0.5, 0}, 0.05, 0.25}} {
		if p := tr.Score(tc.x); p < tc.low || p > tc.top {
			t.Errorf("PD of %v is %.3f, want %.2f to %.2f", tc.x, p, tc.low, tc.top)
		}
	}
}

// TestPointsAddUp: the printed attributes are the model.
func TestPointsAddUp(t *testing.T) {
	d := step(2000)
	l, err := FitLogistic(context.Background(), d, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		x := d.row(i)
		var sum float64
		for j, b := range l.bins {
			label := b.label(b.binOf(x[j]), nil)
			for _, a := range l.Attributes(nil) {
				if a.Variable == d.Names[j] && a.Bin == label {
					sum += a.Points
				}
			}
		}
		if want := l.Points(x); math.Abs(sum-want) > 1e-9 {
			t.Fatalf("row %d: attributes give %v points, Points says %v", i, sum, want)
		}
		odds := math.Exp((l.Points(x)-600)/20*math.Ln2) * 50
		if p := 1 / (1 + odds); math.Abs(p-l.PD(x)) > 1e-12 {
			t.Fatalf("row %d: points say PD %v, the model %v", i, p, l.PD(x))
		}
	}
}

// TestUnseenValues: codes and numbers beyond training, and a missing value
// where training had none, score without a panic and finitely.
func TestUnseenValues(t *testing.T) {
	d := step(1000)
	l, err := FitLogistic(context.Background(), d, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]float64{{math.Inf(1), math.Inf(-1), 99}, {math.NaN(), math.NaN(), math.NaN()},
		{-1e300, 1e300, -5}, {0, 0, math.Inf(1)}} {
		if s := l.Score(x); math.IsNaN(s) || math.IsInf(s, 0) {
			t.Errorf("score of %v is %v", x, s)
		}
	}
}

func TestDataIsChecked(t *testing.T) {
	for name, d := range map[string]*Data{
		"one class": {Names: []string{"x"}, Columns: [][]float64{{1, 2}}, Label: []float64{1, 1}},
		"label":     {Names: []string{"x"}, Columns: [][]float64{{1, 2}}, Label: []float64{1, 3}},
		"length":    {Names: []string{"x"}, Columns: [][]float64{{1}}, Label: []float64{1, 0}},
		"code": {Names: []string{"x"}, Columns: [][]float64{{1, 1.5}}, Categorical: []bool{true},
			Label: []float64{1, 0}},
		"none": {},
	} {
		if _, err := FitLogistic(context.Background(), d, Config{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestChiMergeAgreesWithGolearn: started from the same bins and cut to the
// same number of them, both merge the same pairs. golearn's cannot stop by
// significance on two classes, so it is told how many bins to leave.
func TestChiMergeAgreesWithGolearn(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 10 {
		in := make([]counts, 20)
		for i := range in { // sizes differ, so that no two statistics are equal
			in[i].good = 20 + r.IntN(200)
			in[i].bad = 1 + r.IntN(in[i].good)
		}
		grid := base.NewDenseInstances()
		value := base.NewFloatAttribute("value")
		vs := grid.AddAttribute(value)
		class := base.NewCategoricalAttribute()
		class.SetName("class")
		cs := grid.AddAttribute(class)
		if err := grid.AddClassAttribute(class); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range in {
			n += c.rows()
		}
		if err := grid.Extend(n); err != nil {
			t.Fatal(err)
		}
		row := 0
		for i, c := range in {
			for k := range c.rows() {
				grid.Set(vs, row, base.PackFloatToBytes(float64(i)))
				name := "good"
				if k < c.bad {
					name = "bad"
				}
				grid.Set(cs, row, class.GetSysValFromString(name))
				row++
			}
		}
		f := filters.NewChiMergeFilter(grid, 0)
		f.MaxRows = 6
		if err := f.AddAttribute(value); err != nil {
			t.Fatal(err)
		}
		f.Train()
		var golearn []string
		for _, a := range f.GetAttributesAfterFiltering() {
			if c, ok := a.New.(*base.CategoricalAttribute); ok && a.Old.GetName() == "value" {
				golearn = c.GetValues()
			}
		}
		var ours []string // golearn names a bin by its first value
		first := 0
		for _, last := range chiMerge(in, 6, 0, 0) {
			ours = append(ours, fmt.Sprintf("%f", float64(first)))
			first = last + 1
		}
		if !slices.Equal(ours, golearn) {
			t.Errorf("round %d: bins begin at %v, golearn's at %v", round, ours, golearn)
		}
	}
}
