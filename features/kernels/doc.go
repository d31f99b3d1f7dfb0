// SPDX-License-Identifier: Apache-2.0

// Package kernels is the table of kernels: how each computes a feature from its inputs ([Kernel]), and what it learns
// from training rows ([Learned]). A kernel fills a column from columns and treats each row by itself, so that a table
// of many rows and one event give the same bits. NaN is a missing value.
//
//	table.go, kernel.go               the table, and the type of its rows
//	number.go, time.go, text.go       kernels over values of one event
//	levels.go, lookup.go              listed categories, and tables that are part of the plan
//	window.go, events.go, members.go  kernels over the readings of windows
//	fitting.go, fit.go, verify.go     learning, and checking what was read from a file
//	reference.go                      the tables of docs/plan.md
package kernels
