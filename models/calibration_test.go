// SPDX-License-Identifier: Apache-2.0

package models

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay/internal/bitmath"
)

// sample draws margins and labels whose true probability is a known distortion
// of sigmoid(margin).
func sample(n int, seed uint64, truth func(margin float64) float64) (margins, labels []float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	margins, labels = make([]float64, n), make([]float64, n)
	for i := range margins {
		margins[i] = r.NormFloat64() * 2
		if r.Float64() < truth(margins[i]) {
			labels[i] = 1
		}
	}
	return margins, labels
}

func TestCalibrationRecoversTruth(t *testing.T) {
	truths := map[string]func(float64) float64{
		CalibrationPlatt: func(m float64) float64 { return bitmath.Sigmoid(0.6*m - 1) },
		CalibrationBeta: func(m float64) float64 {
			return bitmath.Sigmoid(-1.4*bitmath.Softplus(-m) + 0.5*bitmath.Softplus(m) + 0.2)
		},
		CalibrationIsotonic: func(m float64) float64 { return 0.1 + 0.8*bitmath.Sigmoid(3*m) },
	}
	for method, truth := range truths {
		m, y := sample(40000, 7, truth)
		c, err := FitCalibration(method, m, y, nil)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		var worst float64
		for x := -3.0; x <= 3; x += 0.25 {
			worst = max(worst, math.Abs(c.Apply(x)-truth(x)))
		}
		// 40,000 rows: the standard error at a margin's neighbourhood is about
		// 0.01; 0.05 leaves room for isotonic steps at the ends.
		if worst > 0.05 {
			t.Errorf("%s: off by %.3f from the true probability", method, worst)
		}
	}
}

func TestCalibrationIsMonotone(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		n := 5 + r.IntN(60)
		m, y := make([]float64, n), make([]float64, n)
		for i := range m {
			m[i] = math.Round(r.NormFloat64() * 4) // many ties
			y[i] = float64(r.IntN(2))
		}
		y[0], y[1] = 0, 1
		for _, method := range []string{CalibrationNone, CalibrationPlatt, CalibrationBeta, CalibrationIsotonic} {
			c, err := FitCalibration(method, m, y, nil)
			if errors.Is(err, ErrConstant) {
				continue // TestConstantIsRefused
			}
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, method, err)
			}
			last := 0.0
			for x := -20.0; x <= 20; x += 0.125 {
				p := c.Apply(x)
				if !(p >= last && p <= 1) {
					t.Fatalf("seed %d, %s: PD(%v) = %v after %v", seed, method, x, p, last)
				}
				last = p
			}
		}
	}
}

func TestIsotonicPoolsAdjacentViolators(t *testing.T) {
	c, err := FitCalibration(CalibrationIsotonic, []float64{1, 2, 3, 4, 4, 5, 6}, []float64{0, 1, 0, 1, 0, 1, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// By hand: {1}: 0 -> 1/9; {2,3}: 1/2 pooled with the tie at 4 (1/2); {5,6}: 1 -> 8/9.
	for _, q := range []struct{ x, want float64 }{{0, 1. / 9}, {1, 1. / 9}, {2, 0.5}, {3, 0.5}, {4, 0.5}, {5, 8. / 9},
		{9, 8. / 9}, {1.5, (1./9 + 0.5) / 2}} {
		if got := c.Apply(q.x); math.Abs(got-q.want) > 1e-15 {
			t.Errorf("PD(%v) = %v, want %v", q.x, got, q.want)
		}
	}
}

func TestCalibrationWeightsAreRepeats(t *testing.T) {
	m, y := []float64{-2, -1, 0, 1, 2, 0.5}, []float64{0, 0, 1, 0, 1, 1}
	w := []float64{1, 3, 2, 1, 2, 0}
	var mm, yy []float64
	for i := range m {
		for range int(w[i]) {
			mm, yy = append(mm, m[i]), append(yy, y[i])
		}
	}
	a, err := FitCalibration(CalibrationPlatt, m, y, w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := FitCalibration(CalibrationPlatt, mm, yy, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(a.A-b.A) > 1e-6 || math.Abs(a.B-b.B) > 1e-6 {
		t.Errorf("weighted fit %v %v, repeated rows %v %v", a.A, a.B, b.A, b.B)
	}
}

func TestCalibrationRefusesBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		method  string
		m, y, w []float64
	}{
		"one class":       {CalibrationPlatt, []float64{1, 2}, []float64{1, 1}, nil},
		"label":           {CalibrationPlatt, []float64{1, 2}, []float64{0, 2}, nil},
		"margin":          {CalibrationBeta, []float64{1, math.NaN()}, []float64{0, 1}, nil},
		"lengths":         {CalibrationIsotonic, []float64{1}, []float64{0, 1}, nil},
		"negative weight": {CalibrationIsotonic, []float64{1, 2}, []float64{0, 1}, []float64{1, -1}},
		"no rows":         {CalibrationIsotonic, nil, nil, nil},
	} {
		if _, err := FitCalibration(c.method, c.m, c.y, c.w); !errors.Is(err, ErrCalibration) {
			t.Errorf("%s: error %v, want ErrCalibration", name, err)
		}
	}
	if _, err := FitCalibration("magic", []float64{1, 2}, []float64{0, 1}, nil); err == nil {
		t.Error("an unknown method was accepted")
	}
}

func TestSeparableDataGiveFinitePlatt(t *testing.T) {
	c, err := FitCalibration(CalibrationPlatt, []float64{-2, -1, 1, 2}, []float64{0, 0, 1, 1}, nil)
	if err != nil || c.A <= 0 || c.A > 50 {
		t.Errorf("a = %v, error %v: want a finite slope", c.A, err)
	}
}

func TestScale(t *testing.T) {
	s := DefaultScale()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pd, points float64
		grade      string
	}{
		{1. / 51, 600, "A"}, {1. / 101, 620, "A"}, {1. / 26, 580, "B"}, {0.02, 599.4, "A"},
		{1, -110.8, "G"}, {0.5, 487.1, "F"},
	} {
		if p, g := s.Points(c.pd), s.Grade(c.pd); math.Abs(p-c.points) > 0.051 || g != c.grade {
			t.Errorf("PD %v: %v points, grade %s; want %v, %s", c.pd, p, g, c.points, c.grade)
		}
	}
	if g := s.Grade(math.NaN()); g != "" {
		t.Errorf("the grade of NaN is %q", g)
	}
	for name, bad := range map[string]Scale{
		"pdo":        {Base: 600, BaseOdds: 50},
		"last bound": {Base: 600, BaseOdds: 50, PDO: 20, Grades: []Grade{{"A", 0.5}}},
		"order":      {Base: 600, BaseOdds: 50, PDO: 20, Grades: []Grade{{"A", 0.5}, {"B", 0.4}, {"C", 1}}},
		"odds":       {Base: 600, BaseOdds: math.Inf(1), PDO: 20},
	} {
		if bad.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestConstantIsRefused: margins that rank the wrong way, or say nothing, have no
// calibration; a constant would approve everybody, or nobody.
func TestConstantIsRefused(t *testing.T) {
	margins := []float64{-2, -1, 0, 1, 2, 3}
	for name, labels := range map[string][]float64{"backwards": {1, 1, 1, 0, 0, 0}, "nothing": {1, 0, 0, 0, 0, 1}} {
		for _, method := range []string{CalibrationPlatt, CalibrationBeta, CalibrationIsotonic} {
			c, err := FitCalibration(method, margins, labels, nil)
			switch {
			case name == "backwards" && (!errors.Is(err, ErrConstant) || !errors.Is(err, ErrCalibration)):
				t.Errorf("%s, %s: error %v, want ErrConstant", name, method, err)
			case err == nil && c.Apply(-9) == c.Apply(9):
				t.Errorf("%s, %s: every margin gets %v", name, method, c.Apply(0))
			}
		}
	}
}
