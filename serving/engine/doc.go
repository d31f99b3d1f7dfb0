// SPDX-License-Identifier: Apache-2.0

// Package engine takes an event to a durable decision. It knows no protocol: the
// server decodes what came over the wire into a Request, and encodes the
// decision that the engine writes into it.
//
//	               critical section, in sequence order
//	             ┌──────────────────────────────────────┐
//	claim ─▶ ... │ read windows, apply event, take the  │ ─▶ score ─▶ policy ─▶ reasons ─▶ journal ─▶ promise
//	the id       │ next sequence number and its time    │
//	             └──────────────────────────────────────┘
//
// A request passes through these files:
//
//	engine.go     Admit: is there room for it, is its caller within its rate (limiter.go)
//	acquire.go    Acquire: the model that it asks for
//	decide.go     Decide, DecideAll: validate it, claim its id, answer what was asked before
//	group.go      requests that come at the same moment are numbered, scored and appended together
//	request.go    one request's own steps: score, decide, explain, fill the record
//
// What the requests read and change:
//
//	models.go     the loaded models and their windows       query.go    which records a list wants
//	shadow.go     challengers                               drift.go    the population compared with training
//	late.go       events that came too late                 unseen.go   texts that training did not have
//	limiter.go    rows a second of one caller               metrics.go  time by stage, records by outcome
//
// What changes the state that decisions read, in the running server, at a start, in
// an activation and in an audit alike:
//
//	transition.go what a record changes                     state.go    the state, and how it is changed
//	erase.go      a party leaves the windows                tick.go     what becomes due by record time
//	                                                        retirement.go  old personal parts go
//
// How the models come to be there:
//
//	act.go        what admins did, as records               swap.go     replacing models between two numbers
//	replay.go     the state made again from the journal     inforce.go  what the acts in the journal add up to
//	restore.go    a start: the state before the last stop   start.go    what the configuration changes, as records
//
// docs/design/serving.md gives the reasons.
package engine
