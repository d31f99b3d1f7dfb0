// SPDX-License-Identifier: Apache-2.0

// Package report makes the report of a credit model that a validator signs.
//
// It takes an [Input]: evaluated rows with labels, scores and probabilities of
// default, and whatever else is known of the model, each part of which adds a
// section or a part of one. [Build] returns a [document.Report] of thirteen
// sections of tables and figures, and a verdict on each question that a credit
// officer would ask, with the thresholds at which it changes. The decision is left to
// the reader.
//
// The steps, with their files:
//
//	input.go, validate.go  what a report is made from, and what is refused
//	canonical.go           rows sorted by their content
//	build.go               the statistics that several sections need; the sections
//	section_*.go           one section each, in the order of sections in build.go
//	  strategy.go, approval.go        two policies compared; which rows count as approved
//	  backtest.go                     the recipe trained again forward in time
//	  importance.go, reasons.go, worked.go  what moves scores; reasons; ten decisions
//	  noise.go, absurd.go, evasion.go       changed inputs, and what they change
//	questions.go           the questions, and the verdicts that several figures decide
//	verdict.go             from a figure and its interval to a light; grounds
//	cells.go               cells and captions that many tables share
//
// Figures come from package eval; package document holds what a report consists
// of and writes it as HTML, JSON, workbook and PDF. docs/reports.md explains the
// report to its readers.
//
// TestHardInputs holds degenerate inputs to reports without NaN, TestVerdictTable
// pins the verdicts of hard tables, and the tests in metamorphic_test.go hold
// reports to what must not change them: the order of rows, copies for weights,
// names.
package report
