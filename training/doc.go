// SPDX-License-Identifier: Apache-2.0

// Package training is the table's corridor: what comes in as rows leaves as a
// bundle, or as what a report is made from. It knows no command line and prints
// nothing: a job hears how it goes on through a Progress.
//
//	file ─▶ Table ─▶ Part ─▶ Recipe: plan, forest, calibration ─▶ Bundle
//	                   └───▶ Scorer: scores, decisions
//	                   └───▶ Evaluation ─▶ eval.Input, of which a report is made
//
// A table is read (table.go, rows.go, columns.go), held to a plan (order.go,
// eventlog.go, play.go, weight.go, lookups.go) and gives a Part: the rows that a
// model can be trained or judged on. A plan is inferred (infer.go) or fitted. A
// Recipe says all that decides what a bundle will be (recipe.go, base.go); it
// fits on rows, calibrates out of fold (folds.go), and seals a bundle that an
// independent implementation scores to the same bits (build.go). It can be tried
// on folds (folds.go), tuned (tune.go), taken apart (stages.go), or fed a file
// larger than memory (stream.go). What writes a bundle opens it again first
// (writebundle.go).
//
// A Scorer is a bundle made ready (scorer.go, replay.go). An Evaluation gathers
// what a report is made from (evaluation.go, fields.go, strategies.go,
// challengers.go, backtest.go, card.go). foreign.go makes plans for models that
// other programs trained.
package training
