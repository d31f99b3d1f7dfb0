// SPDX-License-Identifier: Apache-2.0

// Package baseline holds simple models that a better one has to beat: a
// weight-of-evidence logistic scorecard, which a person can compute by hand, a
// single tree, and a random forest.
//
//	FitLogistic   ChiMerge bins -> weight of evidence -> logistic regression
//	              (gonum's L-BFGS), wrong signs left out and bins out of
//	              order pooled -> points by PDO
//	FitTree       one CART tree of small depth (golearn), printable as rules
//	FitForest     bagged CART trees (golearn) on random halves of the features
//
// All three take columns of numbers, treat missing values as a bin of their own,
// and give the same model for the same data and seed.
//
// golearn's own ChiMerge filter is not used, because with two classes it
// cannot stop by significance (it integrates the chi-squared density with one
// degree of freedom from 0, where it is infinite), it adds up its statistic in
// the order of a map, so that ties break differently from run to run, and it
// gives every missing value a bin of its own. chimerge.go merges the same
// pairs; TestChiMergeAgreesWithGolearn holds it to golearn's result where the
// latter has one. golearn's forest is not used either, only its trees: it
// draws from the global generator, which cannot be seeded, and reports the
// majority class in place of a share of votes.
//
// TestCreditData holds the scorecard to the folds of the published yardstick.
package baseline
