// SPDX-License-Identifier: Apache-2.0

// Package engine takes an event to a durable decision. It knows no protocol: the
// server decodes what came over the wire into a Request, and encodes what
// became of it.
//
//	                 critical section, in sequence order
//	                 ┌────────────────────────────────┐
//	claim ─▶ join ─▶ │ read windows, apply, number    │ ─▶ score ─▶ policy ─▶ reasons ─▶ journal ─▶ promise
//	a request id,    └────────────────────────────────┘
//	a group
//
// A request goes through four files: decide.go (validate, claim its id, answer
// what was asked before), group.go (requests that come in the same moment are
// decided together), request.go (one request's own steps) and the journal.
//
//	engine.go     what an engine is, how many rows it lets in       limiter.go  rows a second of one caller
//	models.go     which models are loaded, and their windows        swap.go     replacing them between two numbers
//	act.go        what admins did, as records                       start.go    what a start brings, as records
//	replay.go     windows made again from the journal               restore.go  what decided before the last stop
//	shadow.go     challengers                                       late.go     events that came too late
//	drift.go      the population against training                   unseen.go   texts that training did not have
//	index.go      where a list's decisions may lie                  metrics.go  time by stage, records by outcome
package engine
