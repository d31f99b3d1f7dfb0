// SPDX-License-Identifier: Apache-2.0

// Package eval measures a credit model and writes the report that a validator
// signs.
//
// It takes plain slices: labels (1 = the bad event), scores where higher means
// riskier, probabilities of default, feature columns, groups, times. It knows
// neither the trainer nor the predictor, so that the same report can be made
// of any model, and it makes no choice for the reader: every threshold that
// turns a light green is printed beside the light.
//
//	[Curve]     one sample sorted by score, with ties gathered: AUC, KS, H, ...
//	[DeLong]    intervals and paired differences of areas under the curve
//	[Bootstrap] intervals of everything that has no closed form
//	[Input]     all that a report can be made from; optional parts make
//	            optional sections
//	[Build]     Input to [Report]: thirteen sections of tables and figures
//	[Report]    WriteJSON and WriteHTML say the same; neither shows NaN
//
// A statistic that is not defined (one class, no rows, no spread) is NaN in
// this API, null in JSON and a dash with the reason in HTML.
//
// Every statistic is held to scikit-learn, scipy, statsmodels, pandas, pROC or
// a second definition: by TestGolden and TestGoldenProportions one by one, by
// TestGoldenTables as a report shows them, by TestDeLongIsThatOfPROC; the
// scripts in testdata made the values. TestHardInputs holds degenerate inputs
// to reports without NaN. Numbers do not depend on the order of equal scores, on the number of threads, or on the
// iteration order of a map.
package eval
