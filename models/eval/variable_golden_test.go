// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// goldenVariable are the figures of one variable; those of a number alone are nil
// for a category.
type goldenVariable struct {
	Bad, Good, WOE, Expected         []float64
	Names, Other                     []string
	IV, PSI, Separation, Missing     float64
	PSIByChance                      float64 `json:"psi_by_chance"`
	MissingInTraining                float64 `json:"missing_in_training"`
	Alone, Low, Median, High, Spread *float64
	Distinct, Far                    int
}

type goldenVariables struct {
	Label, Weight, Trained []float64
	Number, Kind           []*float64
	NumberTrain            []*float64 `json:"number_train"`
	KindTrain              []*float64 `json:"kind_train"`
	Want                   map[string]goldenVariable

	Columns [][]*float64
	Partner []int
	Rho     []float64
	Groups  [][]int
}

func readVariables(t *testing.T) (g goldenVariables) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_variables.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// missing turns null into NaN.
func missing(x []*float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

// TestVariablesAreThoseOfNumpy holds bins, weights of evidence, information values
// and stability indices to numpy's, for a number and a category that have missing
// values, a bin without a bad row, a level that training never saw and codes that
// no level has; with and without weights. testdata/golden_variables.py made them.
func TestVariablesAreThoseOfNumpy(t *testing.T) {
	t.Parallel()
	g := readVariables(t)
	number := Data{Values: missing(g.Number), Train: missing(g.NumberTrain)}
	kind := Data{Values: missing(g.Kind), Train: missing(g.KindTrain)}
	for k := range 14 {
		kind.Categories = append(kind.Categories, fmt.Sprintf("level %d", k))
	}
	if len(g.Want) != 4 {
		t.Fatalf("%d variables, want 4", len(g.Want))
	}
	for name, want := range g.Want {
		data, weight, trained := number, g.Weight, g.Trained
		if want.Names != nil {
			data = kind
		}
		if name == "number" || name == "category" {
			weight, trained = nil, nil
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want.check(t, MeasureVariable(g.Label, weight, trained, data))
		})
	}
}

func (want goldenVariable) check(t *testing.T, v Variable) {
	t.Helper()
	same := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-12*math.Max(1, math.Abs(want))) {
			t.Errorf("%s = %.15g, want %.15g", what, got, want)
		}
	}
	if len(v.Binned.Bins) != len(want.WOE) {
		t.Fatalf("%d bins, want %d: %+v", len(v.Binned.Bins), len(want.WOE), v.Binned.Bins)
	}
	for k, b := range v.Binned.Bins {
		same("bad rows of "+b.Name, b.Bad, want.Bad[k])
		same("good rows of "+b.Name, b.Good, want.Good[k])
		same("weight of evidence of "+b.Name, b.WOE, want.WOE[k])
		if want.Names != nil && b.Name != want.Names[k] {
			t.Errorf("bin %d is %q, want %q", k, b.Name, want.Names[k])
		}
	}
	if !slices.Equal(v.Binned.Other, want.Other) {
		t.Errorf("gathered levels %q, want %q", v.Binned.Other, want.Other)
	}
	if !slices.Equal(v.Expected, want.Expected) || v.Distinct != want.Distinct || v.Far != want.Far {
		t.Errorf("training rows %v, %d distinct and %d far values; want %v, %d and %d", v.Expected, v.Distinct, v.Far,
			want.Expected, want.Distinct, want.Far)
	}
	same("information value", v.Binned.IV, want.IV)
	same("stability index", v.PSI, want.PSI)
	same("stability index by chance", v.PSIByChance, want.PSIByChance)
	same("separation", v.Separation(), want.Separation)
	same("missing", v.Missing, want.Missing)
	same("missing in training", v.MissingInTraining, want.MissingInTraining)
	for what, f := range map[string]struct {
		got  float64
		want *float64
	}{"AUC alone": {float64(v.Alone.Value), want.Alone}, "low": {v.Low, want.Low}, "median": {v.Median, want.Median},
		"high": {v.High, want.High}, "spread": {v.Spread, want.Spread}} {
		switch {
		case f.want != nil:
			same(what, f.got, *f.want)
		case f.got != 0 && !math.IsNaN(f.got):
			t.Errorf("a category has a %s of %v", what, f.got)
		}
	}
}

// TestCorrelationsAreThoseOfScipy, of each pair's complete rows; the groups are the
// connected components of the strong ones.
func TestCorrelationsAreThoseOfScipy(t *testing.T) {
	t.Parallel()
	g := readVariables(t)
	var columns [][]float64
	for _, x := range g.Columns {
		columns = append(columns, missing(x))
	}
	got := Correlate(columns)
	if !slices.Equal(got.Partner, g.Partner) || fmt.Sprint(got.Groups) != fmt.Sprint(g.Groups) {
		t.Errorf("partners %v and groups %v, want %v and %v", got.Partner, got.Groups, g.Partner, g.Groups)
	}
	for j, want := range g.Rho {
		if math.Abs(got.Rho[j]-want) > 1e-12 {
			t.Errorf("column %d: correlation %v, scipy has %v", j, got.Rho[j], want)
		}
	}
}

// TestSeparationInAnyDirection: a variable of which low values are bad separates as
// well as one of which high values are, and one whose middle is bad by its bins.
func TestSeparationInAnyDirection(t *testing.T) {
	t.Parallel()
	label, up, down, middle := make([]float64, 400), make([]float64, 400), make([]float64, 400), make([]float64, 400)
	for i := range label {
		up[i], down[i] = float64(i), float64(-i)
		if i >= 200 {
			label[i] = 1
		}
		middle[i] = float64((i + 300) % 400) // bad rows lie in 100..299
	}
	for name, x := range map[string][]float64{"rising": up, "falling": down} {
		if v := MeasureVariable(label, nil, nil, Data{Values: x}); v.Separation() != 1 {
			t.Errorf("%s: separation %v, want 1", name, v.Separation())
		}
	}
	v := MeasureVariable(label, nil, nil, Data{Values: middle})
	if alone := float64(v.Alone.Value); math.Abs(alone-0.5) > 0.01 || v.Separation() < 0.95 {
		t.Errorf("the middle is bad: AUC %v alone, separation %v", alone, v.Separation())
	}
	if v := MeasureVariable(make([]float64, 3), nil, nil, Data{Values: []float64{1, 2, 3}}); v.Separation() > 0 {
		t.Errorf("one class has a separation of %v", v.Separation())
	}
}
