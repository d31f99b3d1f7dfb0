// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"errors"
	"math"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
	"github.com/assayrisk/assay/models/interchange"
)

func TestGatePasses(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(5, shape)
			f, err := forest.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := interchange.Gate(write(t, m), f, foresttest.Rows(5, m, 200))
			if err != nil {
				t.Fatal(err)
			}
			if rep.Rows != 200 || rep.Adversarial < 100 {
				t.Fatalf("too few rows compared: %+v", rep)
			}
		})
	}
}

// wrong scores a model with one part of it changed.
type wrong struct{ m *models.Model }

func (w wrong) Margin(x []float64) float64 { return w.m.Margin(x) }

func (w wrong) Margins(dst, rows []float64) {
	for i := range dst {
		dst[i] = w.m.Margin(rows[i*len(w.m.Features) : (i+1)*len(w.m.Features)])
	}
}

// TestGateRefuses changes one thing in the scored model at a time, each as
// small as the margin can show. No ordinary row shows them; the gate must.
func TestGateRefuses(t *testing.T) {
	shape := foresttest.Shape{Trees: 8, Leaves: 31, Features: 12, Categories: 20, Categorical: 0.3, Missing: 0.7}
	text := write(t, foresttest.Model(5, shape))
	for name, change := range map[string]func(t *models.Tree){
		"threshold one ulp up": func(t *models.Tree) {
			j := numerical(t)
			t.Threshold[j] = math.Nextafter(t.Threshold[j], 9)
		},
		"threshold one ulp down": func(t *models.Tree) {
			j := numerical(t)
			t.Threshold[j] = math.Nextafter(t.Threshold[j], -9)
		},
		"default direction": func(t *models.Tree) { t.Decision[defaulting(t)] ^= models.DecisionDefaultLeft },
		"leaf by 1e-14":     func(t *models.Tree) { t.LeafValue[3] += 1e-14 },
		"one category":      func(t *models.Tree) { t.CatBits[0] ^= t.CatBits[0] & -t.CatBits[0] },
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(5, shape)
			change(&m.Trees[6])
			if _, err := interchange.Gate(text, wrong{m}, nil); !errors.Is(err, interchange.ErrGate) {
				t.Fatalf("error %v, want ErrGate", err)
			}
		})
	}
}

func numerical(t *models.Tree) int {
	for j := len(t.Decision) - 1; ; j-- {
		if t.Decision[j]&models.DecisionCategorical == 0 && t.Threshold[j] != 0 {
			return j
		}
	}
}

func defaulting(t *models.Tree) int {
	for j := 0; ; j++ {
		if t.Decision[j]&models.DecisionCategorical == 0 && t.Decision[j]>>2 != uint8(models.MissingNone) {
			return j
		}
	}
}
