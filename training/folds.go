// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/gbdt"
)

// FoldScore is the quality of a recipe on one fold that it did not train on.
type FoldScore struct {
	Rows     int     `json:"n"`
	BadRate  float64 `json:"bad_rate"`
	AUC      float64 `json:"auc"`
	KS       float64 `json:"ks"`
	LogLoss  float64 `json:"logloss"`
	Trees    int     `json:"trees"`
	Features int     `json:"features"`
}

// holdOutEach turns folds of rows into divisions: each fold is held out in
// turn, and the others train.
func holdOutEach(folds [][]int) []gbdt.Fold {
	out := make([]gbdt.Fold, len(folds))
	for k := range folds {
		out[k] = gbdt.Fold{Train: allBut(folds, k), Test: folds[k]}
	}
	return out
}

// Divide cuts a subset into k divisions: "stratified" by label, "forward" in
// time (each trains on what came before), or by a column whose values are
// never parted, such as a customer.
//
// Forward in time a division trains on rows whose outcome was known when the
// rows that it tests began: the spec's horizon lies between the two.
func Divide(p Subset, k int, by string, spec *plantext.Spec) ([]gbdt.Fold, error) {
	var folds []gbdt.Fold
	var err error
	switch by {
	case "", "stratified":
		return holdOutEach(stratifiedFolds(p.Label, p.Rows, k)), nil
	case "forward":
		times := p.Times()
		if times == nil {
			return nil, fmt.Errorf("%w: %s has no times to go forward in: --cv-by forward needs a plan that names a "+
				"time column, or --time", assay.ErrInvalid, p.Name)
		}
		at := make([]int64, len(times))
		for i, t := range times {
			at[i] = t.UnixMicro()
		}
		if folds, err = gbdt.ForwardFolds(at, k); err == nil {
			folds, err = dropUnknownOutcomes(folds, at, horizonOf(spec))
		}
	default:
		group, gerr := p.Texts(by)
		if gerr != nil {
			return nil, gerr
		}
		folds, err = gbdt.GroupedFolds(group, k, 1)
	}
	for i := range folds { // positions in the subset become rows of the record
		for _, rows := range [][]int{folds[i].Train, folds[i].Test} {
			for j := range rows {
				rows[j] = p.Rows[rows[j]]
			}
		}
	}
	return folds, err
}

// dropUnknownOutcomes takes the rows out of each division's training whose outcome was not
// known yet when the rows that it tests began. The times are microseconds.
func dropUnknownOutcomes(folds []gbdt.Fold, at []int64, horizon time.Duration) ([]gbdt.Fold, error) {
	for k := range folds {
		start := int64(math.MaxInt64)
		for _, i := range folds[k].Test {
			start = min(start, at[i])
		}
		folds[k].Train = slices.DeleteFunc(folds[k].Train, func(i int) bool {
			return at[i]+horizon.Microseconds() > start
		})
		if len(folds[k].Train) == 0 {
			return nil, fmt.Errorf("%w: fold %d of %d has no rows to train on whose outcome was known when the rows "+
				"that it tests began: the horizon is %s; ask for fewer folds, or bring a longer log",
				assay.ErrInvalid, k+1, len(folds), eventtime.FormatSpan(horizon))
		}
	}
	return folds, nil
}

// CrossValidate fits the recipe, plan included, on each division's training
// rows and scores its test rows. It returns the scores and each row's
// out-of-fold margin, in the order of p.Rows; NaN for rows that no division
// tests.
func (r *Recipe) CrossValidate(ctx context.Context, u Progress, p Subset, folds []gbdt.Fold) ([]FoldScore, []float64,
	error) {
	margin := make([]float64, p.Table.NumRows())
	for i := range margin {
		margin[i] = math.NaN()
	}
	out := make([]FoldScore, len(folds))
	for k, fold := range folds {
		u.Progress("fold %d of %d", k+1, len(folds))
		held := fold.Test
		if len(held) == 0 {
			return nil, nil, fmt.Errorf("%w: %d rows do not fill %d folds", assay.ErrInvalid, len(p.Rows), len(folds))
		}
		f, err := r.Fit(ctx, Subset{p.Table, fold.Train}, Subset{}, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("fold %d: %w", k+1, err)
		}
		test := Subset{p.Table, held}
		m := matrixMargins(f.Matrix, f.Forest, held)
		y, pd := test.Labels(), make([]float64, len(m))
		for i, row := range held {
			margin[row] = m[i]
			pd[i] = f.Result.Model.Probability(m[i])
		}
		c, err := eval.NewWeightedCurve(y, m, test.Weights())
		if err != nil {
			return nil, nil, fmt.Errorf("fold %d: %w", k+1, err)
		}
		ks, _ := c.KS()
		out[k] = FoldScore{Rows: len(held), BadRate: c.BadRate(), AUC: c.AUC(), KS: ks,
			LogLoss: eval.LogLoss(y, pd, test.Weights()), Trees: len(f.Result.Model.Trees),
			Features: len(f.Plan.Features())}
	}
	return out, pickRows(margin, p.Rows), nil
}

// MeanAUC returns the mean of the folds' AUC and its standard error.
func MeanAUC(folds []FoldScore) (mean, se float64) {
	n := float64(len(folds))
	for _, f := range folds {
		mean += f.AUC / n
	}
	for _, f := range folds {
		se += (f.AUC - mean) * (f.AUC - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}

// calibration fits the map from margins to probabilities on margins of rows
// that the folds held out, and returns those margins too.
func (r *Recipe) calibration(ctx context.Context, u Progress, train Subset) (*models.Calibration, []float64, error) {
	if r.Calibrate == models.CalibrationNone {
		return &models.Calibration{Method: models.CalibrationNone}, nil, nil
	}
	_, of, err := r.CrossValidate(ctx, u, train, holdOutEach(stratifiedFolds(train.Label, train.Rows, r.Folds)))
	if err != nil {
		return nil, nil, err
	}
	y := train.Labels()
	cal, err := r.fitCalibration(u, of, y, train.Weights())
	if err != nil {
		return nil, nil, err
	}
	cal.Source = fmt.Sprintf("%d out-of-fold margins of the training rows, %d folds", len(y), r.Folds)
	return cal, of, nil
}

// fitCalibration fits the recipe's method, and where the best fit would give
// every row the same probability leaves the model's own probabilities as they
// are, and says so: here, and in the manifest.
func (r *Recipe) fitCalibration(u Progress, margins, labels, weights []float64) (*models.Calibration, error) {
	cal, err := models.FitCalibration(r.Calibrate, margins, labels, weights)
	if !errors.Is(err, models.ErrConstant) {
		return cal, err
	}
	note := fmt.Sprintf("NOT CALIBRATED: %s would have given every row the same probability, because rows that a "+
		"model did not train on are not ranked by it (%v). Probabilities are the model's own; do not decide by them "+
		"before more rows, or bad rows, say otherwise.", r.Calibrate, err)
	u.Note("%s", note)
	r.Notes = append(r.Notes, note)
	return &models.Calibration{Method: models.CalibrationNone}, nil
}

// stratifiedFolds deals rows into k folds: the fold of a row is the number of
// earlier rows with the same label, modulo k. It is deterministic and keeps
// the bad rate of each fold.
func stratifiedFolds(label []float64, rows []int, k int) [][]int {
	folds := make([][]int, k)
	var seen [2]int
	for _, r := range rows {
		c := int(label[r])
		f := seen[c] % k
		seen[c]++
		folds[f] = append(folds[f], r)
	}
	return folds
}

// allBut returns the rows of all folds but one, in ascending order.
func allBut(folds [][]int, fold int) []int {
	var out []int
	for i, f := range folds {
		if i != fold {
			out = append(out, f...)
		}
	}
	slices.Sort(out)
	return out
}
