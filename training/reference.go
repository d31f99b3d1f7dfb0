// SPDX-License-Identifier: Apache-2.0

package training

import (
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
)

// referenceBins is the number of equal-frequency bins that drift is measured in.
const referenceBins = 10

// reference keeps the training rows' distribution of each feature and of the PD.
func reference(plan *features.Plan, m *features.Matrix, f *forest.Forest, cal *models.Calibration,
	train Subset) *models.Reference {
	rows, weight := train.Rows, train.Weights()
	ref := &models.Reference{Features: map[string]models.Histogram{}}
	ref.Windows = WindowShares(m.Windows)
	pd := matrixMargins(m, f, rows)
	for i := range pd {
		pd[i] = cal.Apply(pd[i])
	}
	ref.Score = histogram(pd, weight, referenceBins)
	rows = matrixRows(m, rows)
	for j, x := range plan.Features() {
		if x.Categorical {
			ref.Features[x.Name] = categoryHistogram(pickRows(m.Columns[j], rows), weight)
		} else {
			ref.Features[x.Name] = histogram(pickRows(m.Columns[j], rows), weight, referenceBins)
		}
	}
	return ref
}

// histogram cuts x at its quantiles and counts, by weight.
func histogram(x, weight []float64, bins int) models.Histogram {
	return countShares(x, weight, eval.Cuts(x, nil, bins))
}

// categoryHistogram has one bin for each code.
func categoryHistogram(x, weight []float64) models.Histogram {
	top := 0.0
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	var edges []float64
	for c := 0.0; c < min(top, 254); c++ {
		edges = append(edges, c)
	}
	return countShares(x, weight, edges)
}

func countShares(x, weight, edges []float64) models.Histogram {
	h := models.Histogram{Edges: edges, Shares: make([]float64, len(edges)+2)}
	total := float64(max(len(x), 1))
	if weight != nil {
		total = 0
	}
	for i, v := range x {
		if weight == nil {
			h.Shares[h.Bin(v)]++
			continue
		}
		h.Shares[h.Bin(v)] += weight[i]
		total += weight[i]
	}
	if total > 0 {
		for i := range h.Shares {
			h.Shares[i] /= total
		}
	}
	return h
}
