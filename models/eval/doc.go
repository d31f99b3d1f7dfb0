// SPDX-License-Identifier: Apache-2.0

// Package eval measures how well scores separate bad rows from good ones, whether
// probabilities of default are right, and how much of each result is due to chance.
//
// It takes plain slices: labels (1 = the bad event), scores where higher means
// riskier, probabilities of default, columns of features, and weights (nil = each
// row counts once). It knows neither a trainer nor a predictor. Package report,
// below it, makes the report of a model from these figures.
//
//	curve.go            one sample sorted by score, ties gathered: AUC, KS, ROC, ...
//	hmeasure.go         Hand's H-measure
//	weights.go          weighted rows, and their effective number
//	estimate.go         a statistic with its interval
//	delong.go, area.go  intervals and differences of areas under the curve
//	proportion.go       rates, their ratios and differences, with intervals
//	bootstrap.go        intervals of what has no closed form; random.go draws
//	intervals.go        intervals of maxima and shares from resamples
//	metrics.go          the statistics that every report has, by name
//	calibration.go      Brier score, log-loss, groups, tests of calibration
//	calibrationline.go  the fitted line of observed on predicted log-odds
//	bins.go, woe.go     columns cut into bins; weight of evidence
//	stability.go        the population stability index
//	variable.go         the figures of one column
//	correlation.go, inflation.go  which columns carry the same information
//	ranks.go            rows by place in the ranking, ties sharing places
//	augment.go          figures with declined applications added
//	periods.go          rows by calendar month, quarter or year
//	radix.go, rows.go   sorting, and helpers over rows
//
// A statistic that is not defined (one class, no rows, no spread) is NaN.
// Numbers do not depend on the order of equal scores, on the number of threads,
// or on the iteration order of a map.
//
// Every statistic is compared with scikit-learn, scipy, statsmodels, pandas, pROC
// or a second definition: by TestGolden and TestGoldenProportions one by one, by
// TestDeLongIsThatOfPROC, and in package report by TestGoldenTables as a report
// shows them. The scripts in testdata made the values.
package eval
