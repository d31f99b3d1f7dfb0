// SPDX-License-Identifier: Apache-2.0

// Package interchange reads and writes the model files of other programs. Each
// reader gives a [models.Model] whose margin has the bits that the program
// itself computes, or an error that says what the file holds that this package
// cannot represent: it never gives a model that scores almost the same. The
// exceptions are the last bits of sums that [ReadSklearn] and [ReadCatBoost]
// name. [Recognise] tells which format a file has, and names the formats that
// are not read.
//
//	format                  reader             files
//	LightGBM text, v2 - v4  ReadLightGBM       lightgbm_read.go, lightgbm_tree.go, lightgbm_pandas.go
//	                        WriteLightGBM      lightgbm_write.go, version v3
//	XGBoost JSON, UBJSON    ReadXGBoost        xgboost.go, xgboost_tree.go, xgboost_categories.go
//	XGBoost binary, 1.x     ReadXGBoostBinary  xgboost_binary.go
//	scikit-learn pickle     ReadSklearn        sklearn.go, then sklearn_ensembles.go and sklearn_tree.go, or
//	                                           sklearn_hist.go; sklearn_classes.go
//	CatBoost JSON           ReadCatBoost       catboost.go
//
// Every reader goes the same way: the bytes (file.go) become values, a document
// for JSON and UBJSON (document.go, ubjson.go) or an object for a pickle (package
// pickle); the reader takes from them the objective, the features and the trees.
// Trees of XGBoost, CatBoost and scikit-learn are first a foreignTree
// (foreign_tree.go), which turns their comparisons, their rounding to float32 and
// their treatment of missing categories into those of [models.Tree]. Last,
// checkModel (check.go) refuses what no trainer writes. What the categories of a
// feature are called is a [models.Dictionary] (dictionary.go).
//
// [LoadModel] (bundle.go) reads the model of a bundle. [Gate] (gate.go) is the
// check between a model and its use: it scores rows by the form that will serve
// and by an independent implementation, the rows given and others that it makes
// to tempt the compiled form into a wrong leaf (adversary.go), and refuses a
// difference in one bit.
//
// A model file is untrusted input. Readers take memory in proportion to the
// bytes they are given, never to a number written in them, and every index is
// checked by [models.Model.Validate] before the model is returned. The fuzz
// targets of this package hold them to that.
//
// docs/importing.md tells users which models can be imported and how to save
// them; docs/design/predictor.md says why this package has readers of its own.
package interchange
