// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay/models"
	"github.com/dmitryikh/leaves"
)

// ErrGate is matched by the error of a model whose scorer differs from the
// independent implementation.
var ErrGate = errors.New("activation gate")

// Scorer is a form of a model that is about to serve, as forest.Forest is.
type Scorer interface {
	Margin(x []float64) float64
	Margins(dst, rows []float64)
}

// GateReport says what a passed gate compared.
type GateReport struct {
	Rows        int `json:"rows"`        // given rows
	Adversarial int `json:"adversarial"` // rows made from the model's own thresholds
}

// Gate scores the rows given (row-major, any number) and adversarial rows made
// from the model (see adversary) three times: by s one row at a time, by s in
// batches, and by the independent leaves library reading the same text. It
// refuses with ErrGate when any two differ in one bit of the margin.
//
// leaves differs from LightGBM in a few places, and the gate avoids them: leaves
// splits header lines at every '=', so names are replaced; it averages by
// multiplying each tree, and has no float32 sums, so that for such models it gives
// the leaf of each tree and the gate adds up; it reads NaN in a category as 0 on
// some architectures; and it does not take -1e-35 for zero.
func Gate(text []byte, s Scorer, rows []float64) (GateReport, error) {
	var rep GateReport
	m, err := ReadLightGBM(bytes.NewReader(text))
	if err != nil {
		return rep, err
	}
	n := len(m.Features)
	if len(rows)%n != 0 {
		return rep, fmt.Errorf("%w: %d values are not rows of %d features", ErrGate, len(rows), n)
	}
	ref, err := newReference(text, m)
	if err != nil {
		return rep, err
	}
	rep.Rows = len(rows) / n
	if err := ref.compare(s, rows, "given row"); err != nil {
		return rep, err
	}
	hostile := newAdversary(m, rows).makeRows()
	rep.Adversarial = len(hostile) / n
	return rep, ref.compare(s, hostile, "adversarial row")
}

// reference is the model as leaves reads and scores it.
type reference struct {
	model          *models.Model
	ensemble       *leaves.Ensemble
	byLeaf         bool // e gives leaf indices, summed here
	trees          int  // that e has
	leafIndices    []float64
	row            []float64
	onlyCategories []bool // the feature is only split by category
	zeroIsMissing  []bool // the feature is split with MissingZero
}

func newReference(text []byte, m *models.Model) (*reference, error) {
	e, err := leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(forLeaves(text))), false)
	if err != nil {
		return nil, fmt.Errorf("%w: leaves cannot read the model: %w", ErrGate, err)
	}
	r := &reference{model: m, ensemble: e, trees: e.NEstimators(), byLeaf: m.Float32Sums || m.Average}
	if r.byLeaf {
		r.ensemble = e.EnsembleWithLeafPredictions()
		r.leafIndices = make([]float64, r.trees)
		if r.trees != len(m.Trees) && r.trees != len(m.Trees)+1 {
			return nil, fmt.Errorf("%w: leaves reads %d trees of %d", ErrGate, r.trees, len(m.Trees))
		}
	}
	n := len(m.Features)
	r.row, r.onlyCategories, r.zeroIsMissing = make([]float64, n), make([]bool, n), make([]bool, n)
	seen := make([]bool, n)
	for i := range m.Trees {
		for j, f := range m.Trees[i].Feature {
			d := m.Trees[i].Decision[j]
			cat, zero := d&models.DecisionCategorical != 0, models.MissingType(d>>2&3) == models.MissingZero
			r.onlyCategories[f] = cat && (r.onlyCategories[f] || !seen[f])
			r.zeroIsMissing[f] = r.zeroIsMissing[f] || zero && !cat
			seen[f] = true
		}
	}
	return r, nil
}

// forLeaves rewrites header lines that leaves refuses or reads differently. None
// of them changes a leaf.
func forLeaves(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		key, _, _ := strings.Cut(string(line[:min(len(line), 40)]), "=")
		switch strings.TrimSpace(key) {
		case "version":
			out = append(out, "version=v3\n"...)
		case "feature_names", "average_output", "monotone_constraints", keyNames, keyFloat32Sums, keyInit:
		default:
			out = append(out, line...)
			continue
		}
	}
	return out
}

// leavesZero is the magnitude up to which leaves takes a value for zero, except
// -1e-35 itself. LightGBM and this project take values up to
// [models.ZeroThreshold] for zero. A value between the two is given to leaves as a
// number that it takes for zero too, so that the gate does not test which of the
// two limits the compiled form has.
const leavesZero = 1e-35

func (r *reference) margin(x []float64) (float64, error) {
	copy(r.row, x)
	for f, v := range r.row {
		switch {
		case r.onlyCategories[f] && v != v:
			r.row[f] = -1 // in no set, as NaN
		case r.zeroIsMissing[f] && math.Abs(v) >= leavesZero && math.Abs(v) <= models.ZeroThreshold:
			r.row[f] = math.Copysign(math.Nextafter(leavesZero, 0), v)
		}
	}
	if !r.byLeaf {
		return r.ensemble.PredictSingle(r.row, 0), nil
	}
	if err := r.ensemble.Predict(r.row, 0, r.leafIndices); err != nil {
		return 0, fmt.Errorf("%w: leaves: %w", ErrGate, err)
	}
	first := r.trees - len(r.model.Trees) // a constant tree in the text is Init
	s, s32 := r.model.Init, float32(r.model.Init)
	for i := range r.model.Trees {
		v := r.model.Trees[i].LeafValue[int(r.leafIndices[first+i])]
		s += v
		s32 += float32(v)
	}
	if r.model.Float32Sums {
		return float64(s32), nil
	}
	return s / float64(max(len(r.model.Trees), 1)), nil
}

func (r *reference) compare(s Scorer, rows []float64, rowName string) error {
	n := len(r.model.Features)
	batch := make([]float64, len(rows)/n)
	s.Margins(batch, rows)
	for i := range batch {
		x := rows[i*n : (i+1)*n]
		want, err := r.margin(x)
		if err != nil {
			return err
		}
		if got := s.Margin(x); math.Float64bits(got) != math.Float64bits(want) {
			return fmt.Errorf("%w: %s %d: margin %v, leaves gives %v: the model is not activated",
				ErrGate, rowName, i, got, want)
		}
		if math.Float64bits(batch[i]) != math.Float64bits(want) {
			return fmt.Errorf("%w: %s %d: margin %v in a batch, leaves gives %v: the model is not activated", ErrGate,
				rowName, i, batch[i], want)
		}
	}
	return nil
}
