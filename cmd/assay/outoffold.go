// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
)

// trainOutOfFold gives each training row the margin of a model that did not see
// it: the recipe is trained again on folds, unless that was done before. Rows
// that folds cannot be trained on (one class, too few) leave it out, and the
// report says what it then cannot tell.
func (e *evaluation) trainOutOfFold(ctx context.Context, u *ui, in *eval.Input) error {
	if in.Train == nil {
		return nil
	}
	margins := e.outOfFold
	if margins == nil {
		if e.recipe == nil {
			return nil
		}
		var err error
		folds := leaveOneOut(stratifiedFolds(e.train.label, e.train.rows, e.recipe.folds))
		_, margins, err = e.recipe.crossValidate(ctx, newUI(io.Discard, io.Discard), e.train, folds)
		if errors.Is(err, assay.ErrInvalid) || errors.Is(err, models.ErrCalibration) || errors.Is(err, eval.ErrInput) {
			u.note("training rows are not scored out of fold: %v", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	in.Train.OutOfFold, in.Train.OutOfFoldPD = margins, make([]float64, len(margins))
	for i, m := range margins {
		in.Train.OutOfFoldPD[i] = e.scorer.bundle.Calibration.Apply(m)
	}
	return nil
}
