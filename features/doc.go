// SPDX-License-Identifier: Apache-2.0

// Package features turns events into vectors by a plan.
//
// A [Spec] is a plan as people write it, in YAML: fields, windows, features and
// reason groups. [Spec.Fit] learns from training rows what must be learned
// (category dictionaries, clip bounds, weights of evidence) and freezes
// everything into a [Plan], whose digest names it from then on.
//
//	YAML ──ParseSpec──▶ Spec ──Fit──▶ Plan ──Matrix──▶ many rows (training, files)
//	table ───Infer────▶               Plan ──Vector──▶ one event (serving)
//
// Both executions are one: [Plan.Matrix] and [Plan.Vector] run the same kernels
// over columns of float64, the one with many rows, the other with one, and
// equal inputs give equal bits. TestOnlineEqualsOffline holds the package to
// it. The kernels are described in docs/plan.md, which TestPlanReference keeps
// current.
package features
