// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"context"
	"fmt"
	"slices"

	"github.com/assayrisk/assay/features/screening"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/training"
)

// GainOptions say how a model is asked which features it does not miss.
type GainOptions struct {
	Folds     int     // of the training rows, at least 2
	Tolerance float64 // AUC that a dropped feature may cost
	Params    map[string]string
}

// Kept counts the scores of features to keep.
func Kept(scores []screening.Score) (n int) {
	for i := range scores {
		if scores[i].Keep {
			n++
		}
	}
	return n
}

// DropByGain cross-validates a model with ever fewer of the features that are
// left, on the training rows alone, and marks those that it does not miss.
func (s *Selection) DropByGain(ctx context.Context, u training.Progress, scores []screening.Score,
	o GainOptions) error {
	p, err := gbdt.ParseParams(o.Params)
	if err != nil {
		return err
	}
	var rows []int
	var label []float64
	for _, r := range s.Train {
		if y := s.label[r]; y == y {
			rows, label = append(rows, r), append(label, y)
		}
	}
	folds, err := gbdt.StratifiedFolds(label, o.Folds, 1)
	if err != nil {
		return err
	}
	infos := s.Plan.Features()
	left, tried := Kept(scores), 0
	auc := func(ctx context.Context, keep []int) (float64, error) {
		u.Progress("model %d of %d, on %d features", tried+1, left+1, len(keep))
		tried++
		d := &gbdt.Dataset{Label: label}
		q := p
		q.Metric, q.MonotoneConstraints = []string{"auc"}, nil
		for _, i := range keep {
			d.Names, d.Categorical = append(d.Names, infos[i].Name), append(d.Categorical, infos[i].Categorical)
			d.Columns = append(d.Columns, pickRows(s.outOfFold.Columns[i], rows))
			q.MonotoneConstraints = append(q.MonotoneConstraints, infos[i].Monotone)
		}
		res, err := gbdt.CrossValidate(ctx, d, q, folds, gbdt.Options{})
		if err != nil {
			return 0, err
		}
		return res.Metrics[0].Mean, nil
	}
	keep, err := screening.DropByGain(ctx, scores, o.Tolerance, auc)
	if err != nil {
		return err
	}
	for i := range scores {
		if scores[i].Keep && !slices.Contains(keep, i) {
			scores[i].Keep = false
			scores[i].Why = fmt.Sprintf("a model without it ranks as well on %d folds", o.Folds)
		}
	}
	return nil
}
