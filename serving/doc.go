// SPDX-License-Identifier: Apache-2.0

// Package serving answers over gRPC. A request's way, from an event to a durable
// decision, is package engine's:
//
//	authenticate ─▶ validate ─▶ idempotency ─▶ sequence ─▶ features ─▶ score ─▶ policy ─▶ reasons ─▶ journal ─▶ reply
//	                                           └ short critical section: read the windows, apply the event,
//	                                             take the next sequence number
//
// What it promises:
//
//   - A reply means that the decision is durable. It carries the log's signed
//     promise (TestScore checks it as a client does).
//   - One request id is decided once. The same body again gives the same
//     decision, across restarts; another body is refused (TestIdempotency).
//   - Every sequence number taken gets a record, also when a later step fails
//     (TestFailedWorkIsRecorded).
//   - A decision names exactly one model, plan and policy. Swapping them drops
//     and mixes nothing (TestSwapUnderLoad).
//   - The windows after a restart are those before it: they are made again from
//     the journal (TestRestartKeepsWindows).
//   - Errors have the codes of the one table in status.go, and leak nothing
//     internal or personal (TestNothingPersonalLeaks).
//
// The server owns no goroutine before Run and none after it. The journal is
// given and has its own Run; stop the server first, then the journal.
package serving
