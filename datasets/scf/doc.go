// SPDX-License-Identifier: Apache-2.0

// Package scf generates a synthetic world of supply-chain finance: a stream of
// events whose true default probability is known. Nothing in it is a record of
// a real company, and whatever is shown of it says so.
//
// Companies order from each other. Each order may be followed by a goods
// receipt, an invoice, an application to finance the invoice, and then a
// payment on time, a payment too late, a dispute, a credit note or a default;
// the index of each sector moves all the while.
//
//	order ─▶ receipt ─▶ invoice ─▶ application ─▶ payment
//	                                    │      └▶ dispute, credit note, payment
//	                                    └───────▶ default (30 days past due)
//
// The default probability of an application is a function of what the stream
// has shown so far (see Truth.Visible) and of a hidden shock that it never
// shows. So the AUC of the visible part is the best that any model can reach
// (but for luck), and BestAUC computes it. Patterns of fraud are planted, with
// labels apart (Truth.Fraud): they do not change who defaults.
//
// Equal configurations give equal events on every architecture
// (TestGoldenStream): random numbers come from PCG, and transcendental
// functions from internal/bitmath.
package scf
