// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
)

// foldScore is the quality of a recipe on one fold that it did not train on.
type foldScore struct {
	Rows     int     `json:"n"`
	BadRate  float64 `json:"bad_rate"`
	AUC      float64 `json:"auc"`
	KS       float64 `json:"ks"`
	LogLoss  float64 `json:"logloss"`
	Trees    int     `json:"trees"`
	Features int     `json:"features"`
}

// crossValidate fits the recipe, plan included, on all folds but one and
// scores that one, for each. It returns the fold scores and each row's
// out-of-fold margin, in the order of p.rows.
func (r *recipe) crossValidate(ctx context.Context, u *ui, p part, folds [][]int) ([]foldScore, []float64, error) {
	margin := make([]float64, p.table.rows())
	out := make([]foldScore, len(folds))
	for k, held := range folds {
		u.progress("fold %d of %d", k+1, len(folds))
		if len(held) == 0 {
			return nil, nil, fmt.Errorf("%w: %d rows do not fill %d folds", assay.ErrInvalid, len(p.rows), len(folds))
		}
		f, err := r.fit(ctx, part{p.table, others(folds, k)}, part{}, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("fold %d: %w", k+1, err)
		}
		test := part{p.table, held}
		m := matrixMargins(f.matrix, f.forest, held)
		y, pd := test.labels(), make([]float64, len(m))
		for i, row := range held {
			margin[row] = m[i]
			pd[i] = f.result.Model.Probability(m[i])
		}
		c, err := eval.NewCurve(y, m)
		if err != nil {
			return nil, nil, fmt.Errorf("fold %d: %w", k+1, err)
		}
		ks, _ := c.KS()
		out[k] = foldScore{Rows: len(held), BadRate: c.BadRate(), AUC: c.AUC(), KS: ks, LogLoss: eval.LogLoss(y, pd), Trees: len(f.result.Model.Trees), Features: len(f.plan.Features())}
	}
	return out, pick(margin, p.rows), nil
}

// meanAUC returns the mean of the folds' AUC and its standard error.
func meanAUC(folds []foldScore) (mean, se float64) {
	n := float64(len(folds))
	for _, f := range folds {
		mean += f.AUC / n
	}
	for _, f := range folds {
		se += (f.AUC - mean) * (f.AUC - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}

// printFolds shows the folds as a table.
func printFolds(u *ui, folds []foldScore) {
	u.printf("%s\n", u.bold("fold   rows  bad rate     AUC     KS  log-loss  trees"))
	for i, f := range folds {
		u.printf("%4d  %5d  %8s  %.4f  %.3f  %8.4f  %5d\n", i+1, f.Rows, percent(f.BadRate), f.AUC, f.KS, f.LogLoss, f.Trees)
	}
	mean, se := meanAUC(folds)
	u.printf("mean AUC %s, standard error of the mean %.4f\n", u.bold(fixed(mean, 4)), se)
}
