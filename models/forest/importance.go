// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"

	"github.com/assayrisk/assay/models"
)

// Importance says how much a model uses a feature.
type Importance struct {
	Gain    float64 // sum of the gains of the splits on it
	Splits  int     // number of splits on it
	MeanAbs float64 // mean |contribution| over the sample, in margin units
}

// Importances gives the importance of each feature. rows, laid one after
// another, is the sample that MeanAbs is measured on; without rows it is 0.
func (f *Forest) Importances(rows []float64) []Importance {
	f.mustFit(len(rows)%f.features == 0)
	out := make([]Importance, f.features)
	for j := range out {
		out[j] = Importance{Gain: f.gains[j], Splits: f.splits[j]}
	}
	n := len(rows) / f.features
	phi := make([]float64, f.features+1)
	for i := range n {
		f.Contributions(phi, rows[i*f.features:(i+1)*f.features])
		for j := range out {
			out[j].MeanAbs += math.Abs(phi[j])
		}
	}
	for j := range out {
		out[j].MeanAbs /= float64(max(n, 1))
	}
	return out
}

// countSplits fills the sums that Importances gives.
func (f *Forest) countSplits(m *models.Model) {
	f.splits, f.gains = make([]int, f.features), make([]float64, f.features)
	for i := range m.Trees {
		t := &m.Trees[i]
		for k, j := range t.Feature {
			f.splits[j]++
			if len(t.Gain) > 0 {
				f.gains[j] += t.Gain[k]
			}
		}
	}
}
