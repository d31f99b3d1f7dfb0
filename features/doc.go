// SPDX-License-Identifier: Apache-2.0

// Package features turns events into vectors by a plan.
//
// A [plantext.Spec] is a plan as people write it, in YAML: fields, windows, features and reason groups. [Fit] learns
// from training rows what must be learned (category dictionaries, clip bounds, weights of evidence) and freezes
// everything into a [Plan], whose digest identifies it from then on.
//
//	YAML ──ParseSpec──▶ Spec ──Fit──▶ Plan ──Matrix──▶ many rows (training, files)
//	table ──infer─────▶               Plan ──Vector──▶ one event (serving)
//
// Both executions are one: [Plan.Matrix] and [Plan.Vector] run the same kernels over columns of float64, the one with
// many rows, the other with one, and equal inputs give equal bits. TestOnlineEqualsOffline holds the package to it.
//
// The files, in the order of the data:
//
//	plan.go, frozen.go, compile.go     the plan, its canonical bytes, and compiling it
//	validate.go, read.go, kinds.go     an event is checked, and its values are read
//	vector.go, scratch.go              one event becomes a vector
//	windows.go, derived.go, feed.go    what windows are fed with, and how much of it they counted
//	state.go, party.go, stored.go      the windows: read, observe, forget, store and restore
//	table.go, rows.go                  events as a table, and a table's rows as events
//	checktable.go, order.go            what a table lacks, and whether it is in the order of time
//	replay.go, log.go, matrix.go       a table through the windows, to a matrix
//	labels.go, trainrows.go            outcomes, and the rows that may train
//	fit.go, dictionaries.go, lookup.go learning
//	fitreport.go, ablate.go            what fitting found, and what engineering is worth
//	corrections.go                     which features a corrected window kernel concerns, for audits
//
// What a plan is made of has packages of its own: plantext and plancheck (the text and its rules), kernels, fieldvalue,
// eventtime, window, snapshot; infer, screening and isolation. docs/plan.md describes the plan; TestPlanReference keeps
// it current.
package features
