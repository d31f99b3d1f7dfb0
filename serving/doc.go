// SPDX-License-Identifier: Apache-2.0

// Package serving answers over gRPC. Package engine takes an event to a durable
// decision; this package knows the protocol, who calls, and what each caller may
// do and ask for:
//
//	authenticate ─▶ validate ─▶ idempotency ─▶ sequence ─▶ features ─▶ score ─▶ policy ─▶ reasons ─▶ journal ─▶ reply
//	                                           └ short critical section: read the windows, apply the event,
//	                                             take the next sequence number
//
// Its promises, and the tests of them:
//
//   - A reply means that the decision is durable. It carries the log's signed
//     promise (TestScore checks it as a client does).
//   - One request id is decided once. The same body again gets the same
//     decision, across restarts; another body is refused (TestIdempotency).
//   - Every sequence number that is taken gets a record, also when a later step
//     fails (TestFailedWorkIsRecorded).
//   - A decision names exactly one model, plan and policy. Swapping them drops and
//     mixes nothing (TestSwapUnderLoad).
//   - The windows after a restart are the same as before it: they are made again
//     from the journal (TestRestartKeepsWindows).
//   - Errors have the codes of the one table in status.go, and leak nothing
//     internal or personal (TestNothingPersonalLeaks).
//
// The server has no goroutine before Run and none after it. The caller runs the
// journal; stop the server first, then the journal.
//
// # Files
//
// How a server begins and ends:
//
//	config.go       what it needs to know           server.go      the type, readiness
//	run.go          New, Run, drain; its services and options
//	tls.go          certificates that are read again when they change
//
// A call, from its headers to its handler:
//
//	strangers.go    what a caller without a known credential may do (connection.go: and its connection)
//	intercept.go    who calls, may they; one message; panics, errors and lines about refused calls (refusals.go)
//	status.go       errors to status codes
//
// The Scoring service:
//
//	scoring.go      Score, Record                   call.go        one request: as received, decided, answered
//	batch.go        ScoreBatch, RecordBatch         rows.go        what batches and streams share
//	stream.go       ScoreStream                     arrow.go       a batch as an Arrow record batch
//	list.go         ListDecisions                   reads.go       GetDecision, GetReceipt, Explain, WatchCheckpoints
//
// The Admin service, and models without decisions:
//
//	admin.go        how an act is done: once, prepared, approved by two
//	acts.go         activate, unload, policy, challengers
//	erase.go        EraseSubject                    report.go      RecordReport
//	adminstatus.go  GetStatus, ListModels
//	inference.go    the Open Inference Protocol     tensor.go      its tensors
//
// What operators see:
//
//	ops.go          /metrics, /livez, /readyz       metrics.go     calls by method and code
//	warnings.go     keys and certificates           anchoring.go   the chain
//
// docs/design/serving.md gives the reasons, docs/serving.md is for users.
package serving
