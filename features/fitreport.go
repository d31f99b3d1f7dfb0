// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
)

// FitReport says what fitting found, left out and changed.
type FitReport struct {
	Rows       int                    // rows that the plan was fitted on
	Kept       []int                  // the same rows, by their place in the record: a model should train on them
	Rejected   int                    // rows left out because they break a rule of the plan
	Rejections []*fieldvalue.RowError // the first hundred of them
	Open       int                    // rows left out because their outcome is not known yet
	Duplicates int                    // rows left out because they repeat an earlier one
	Outliers   []int                  // rows of the record that the isolation forest marked
	Dropped    bool                   // the outliers were left out
	Fields     []FieldReport          // in the order of the plan's fields
	Features   []FittedReport         // in the order of the plan's features, hidden ones included
	Windows    []WindowReport         // in the order of the plan's windows, those that a feature reads

	plan      *Plan
	outOfFold map[int]map[int]float64 // feature -> record row -> value without the row's own fold
}

// FieldReport counts the training rows in which the rules of one field applied.
type FieldReport struct {
	Name    string
	Missing int // rows without a value
	Clipped int // brought back to min or max
	Cleared int // out of range and made missing
	Flagged int // out of range and kept as they are
}

// FittedReport describes what one feature learned.
type FittedReport struct {
	Name       string
	Missing    int // training rows in which the feature has no value
	Touched    int // clip: values moved; category: rows in "other"
	Categories int
}

// OutOfFold overwrites, in a matrix of the table that was fitted, the values of
// target-encoded features (woe, target_mean) in the training rows by values that
// were computed from the other folds alone. A model trained without it would read
// its own labels.
func (r *FitReport) OutOfFold(m *Matrix) error {
	if m.Plan != r.plan.digest {
		return fmt.Errorf("the matrix is of plan %s, the report of plan %s: %w", m.Plan.Short(),
			r.plan.digest.Short(), assay.ErrConflict)
	}
	column := 0
	for i := range r.plan.spec.Features {
		if r.plan.spec.Features[i].Hidden {
			continue
		}
		if byRow := r.outOfFold[i]; byRow != nil {
			for j := range m.Rows {
				row := j
				if m.Row != nil {
					row = m.Row[j]
				}
				if x, ok := byRow[row]; ok {
					m.Columns[column][j] = x
				}
			}
		}
		column++
	}
	return nil
}

// fittedReport counts what the fitted feature does to the training rows.
func fittedReport(f *kernels.Fitting, values []float64) FittedReport {
	r := FittedReport{Name: f.Spec.Name, Categories: len(f.Learned.Categories)}
	for j, x := range values {
		switch {
		case x != x:
			r.Missing++
		case f.Learned.Low != nil && f.In[0][j] != x:
			r.Touched++
		case f.Learned.Counts != nil && x == float64(len(f.Learned.Categories)):
			r.Touched++
		}
	}
	return r
}
