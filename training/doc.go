// SPDX-License-Identifier: Apache-2.0

// Package training turns rows into a bundle, or into what a report is made from.
// It knows no command line and prints nothing: a program learns how a job is
// getting on through a Progress.
//
//	file ─▶ Table ─▶ Subset ─▶ Recipe: plan, forest, calibration ─▶ Bundle
//	                     └───▶ Scorer: scores, decisions
//	                     └───▶ Evaluation ─▶ eval.Input, from which a report is made
//
// # Map
//
// A table comes in. table.go reads it and finds its label; columns.go says how a
// plan wants its columns read; rows.go applies the plan's rules and leaves rows
// out. Of an event log, order.go checks the order, eventlog.go finds which outcomes
// are known, and play.go plays the events through windows. weight.go and lookups.go
// read weights and tables of values. What comes of it is a Subset: the rows that a
// model can be trained or judged on.
//
// A bundle goes out. infer.go makes a plan where a person wrote none. A Recipe
// (recipe.go, params.go) is everything that decides what the bundle will be: it
// fits plan and forest. folds.go divides rows, cross-validates, and fits the
// calibration on rows that a fold left out. build.go puts the steps together, lets
// an independent implementation score the same rows to the same bits, and writes a
// bundle only if a server could open it; reference.go keeps what drift is measured
// against. A recipe can be tuned (tune.go), compared stage by stage (stages.go), or
// fed a file larger than memory (stream.go).
//
// Or a report's input goes out. A Scorer (scorer.go, replay.go) is a bundle made
// ready. An Evaluation (evaluation.go) scores the rows and adds the fields that they
// state (fields.go), decisions and groups (strategies.go), other models
// (challengers.go), training forward in time (backtest.go) and the model card
// (card.go).
//
// progress.go is how a program listens, and the error of an option that does not
// fit. Below this package: training/selection chooses features, training/foreign
// makes bundles of models that other libraries trained, training/export writes
// vectors and rows for other programs.
package training
