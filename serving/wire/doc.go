// SPDX-License-Identifier: Apache-2.0

// Package wire turns the nouns of package assay into the protocol's messages and
// back, and has the codec that client and server share. It has no I/O and no
// state; TestRoundTrip and FuzzReadEvent check that nothing is lost on the way.
//
//	codec.go    the codec: generated code where there is some, and the decoders below
//	request.go  ScoreRequest straight into an assay.Event     batch.go  ScoreBatchRequest row by row, and its reply
//	reply.go    ScoreResponse straight from an assay.Decision event.go  events, decisions and reasons as messages
//	bound.go    messages whose decoding would take too much memory
//	pool.go     memory for messages
package wire
