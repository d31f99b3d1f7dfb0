// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"testing"
)

// made returns n rows whose PDs are right by construction.
func made(n int, seed uint64) (label, pd []float64) {
	r := Random(seed)
	label, pd = make([]float64, n), make([]float64, n)
	for i := range pd {
		pd[i] = 1 / (1 + math.Exp(-(-1.5 + 1.3*r.Normal())))
		if r.Unit() < pd[i] {
			label[i] = 1
		}
	}
	return label, pd
}

// naiveAUC counts pairs, the definition.
func naiveAUC(label, score []float64) float64 {
	var won, pairs float64
	for i, y := range label {
		for j, z := range label {
			if y != 1 || z != 0 {
				continue
			}
			pairs++
			if score[i] > score[j] {
				won++
			} else if score[i] == score[j] {
				won += 0.5
			}
		}
	}
	return won / pairs
}

func TestAUCIsThePairCount(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		label, pd := made(60+int(seed)*7, seed)
		for i := range pd {
			pd[i] = math.Round(pd[i]*8) / 8 // many ties
		}
		c, err := NewCurve(label, pd)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.AUC(), naiveAUC(label, pd); math.Abs(got-want) > 1e-14 {
			t.Errorf("seed %d: AUC %v, pairs say %v", seed, got, want)
		}
	}
}

func TestOneClassIsUndefined(t *testing.T) {
	t.Parallel()
	for _, y := range []float64{0, 1} {
		c, err := NewCurve([]float64{y, y, y}, []float64{0.1, 0.2, 0.3})
		if err != nil {
			t.Fatal(err)
		}
		ks, _ := c.KS()
		for name, v := range map[string]float64{"auc": c.AUC(), "ks": ks, "h": c.HMeasure(),
			"delong": float64(c.DeLong().Low)} {
			if !math.IsNaN(v) {
				t.Errorf("class %v alone: %s = %v, want NaN", y, name, v)
			}
		}
	}
}

func TestEqualScoresAreAChance(t *testing.T) {
	t.Parallel()
	c, _ := NewCurve([]float64{1, 0, 1, 0, 0}, []float64{2, 2, 2, 2, 2})
	if a := c.AUC(); a != 0.5 {
		t.Errorf("AUC %v, want 0.5", a)
	}
	if ks, _ := c.KS(); ks != 0 {
		t.Errorf("KS %v, want 0", ks)
	}
	if h := c.HMeasure(); math.Abs(h) > 1e-12 {
		t.Errorf("H %v, want 0", h)
	}
	if ap := c.AveragePrecision(); math.Abs(ap-0.4) > 1e-15 {
		t.Errorf("average precision %v, want the bad rate 0.4", ap)
	}
}
