// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/assayrisk/assay/training"

// printFolds shows the folds as a table.
func printFolds(u *ui, folds []training.FoldScore) {
	u.printf("%s\n", u.bold("fold   rows  bad rate     AUC     KS  log-loss  trees"))
	for i, f := range folds {
		u.printf("%4d  %5d  %8s  %.4f  %.3f  %8.4f  %5d\n", i+1, f.Rows, percent(f.BadRate), f.AUC,
			f.KS, f.LogLoss, f.Trees)
	}
	mean, se := training.MeanAUC(folds)
	u.printf("mean AUC %s, standard error of the mean %.4f\n", u.bold(fixed(mean, 4)), se)
}
