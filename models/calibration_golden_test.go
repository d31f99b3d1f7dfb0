// SPDX-License-Identifier: Apache-2.0

package models

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestCalibrationGolden: the fits are those of statsmodels and scikit-learn, to
// 1e-9 (testdata/calibration.py).
func TestCalibrationGolden(t *testing.T) {
	b, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name                                         string
		Margin, Label, Weight, Platt, Beta, Isotonic []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 5 {
		t.Fatalf("%d cases", len(cases))
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for _, c := range cases {
		fit := func(method string) *Calibration {
			got, err := FitCalibration(method, c.Margin, c.Label, c.Weight)
			if err != nil {
				t.Fatalf("%s, %s: %v", c.Name, method, err)
			}
			return got
		}
		p := fit(CalibrationPlatt)
		near(c.Name+": platt's slope", p.A, c.Platt[0])
		near(c.Name+": platt's intercept", p.B, c.Platt[1])
		bt := fit(CalibrationBeta)
		near(c.Name+": beta's a", bt.A, c.Beta[0])
		near(c.Name+": beta's b", bt.B, c.Beta[1])
		near(c.Name+": beta's c", bt.C, c.Beta[2])
		iso := fit(CalibrationIsotonic)
		for i, m := range c.Margin {
			near(c.Name+": isotonic", iso.Apply(m), c.Isotonic[i])
		}
	}
}
