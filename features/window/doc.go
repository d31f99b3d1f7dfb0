// SPDX-License-Identifier: Apache-2.0

// Package window keeps aggregates of keyed event streams over windows of event
// time: how much one buyer ordered in 90 days, how many sellers it has. It is a
// pure state machine: no clock, no I/O, no goroutine. Time is what events say,
// in microseconds; order is the order of calls.
//
// A window is sawtooth: its head is exact, its tail moves in hops.
//
//	            lo                                      newest event sequenced
//	time  ──┬───┴────┬────────┬────────┬────────┬────────┬──▶
//	        │ pane   │ pane   │ pane   │ pane   │ pane   │
//	        └────────┴────────┴────────┴────────┴────────┘
//	            ◀────────── length ──────────────▶ at
//	        ◀── declared error: less than one hop
//
// A read at time t sees every event that was added before it and whose time is
// in the pane of t - length or later: all of the last length, and at most one
// hop more. A window of length 0 covers the whole life of its key.
//
// Event time may go back by the lateness L and no further. Events older than
// the watermark (the greatest time seen) by more than L are refused and
// counted; a read older than that is made at the watermark minus L. So a pane
// that ends before watermark - L - length can never be read again: it is
// dropped, and a key without panes is evicted, and no later value can tell.
// TestEvictionChangesNothing and TestAgainstNaive (which keeps every event)
// hold the package to that, and TestMemoryPerKey to its bounds:
//
//	bytes of one key in one window <= 32 + 12*(1+columns)*(hops+3)
//	                                 + 56 + 32*members (distinct) + 192*members (share)
//
// where hops = ceil((length+L)/hop) and columns counts what Needs asks for
// (Spread takes two). A key that few events touched takes that much less; to
// it come the key itself and its place in the index, about 64 bytes.
//
// BUG(window): The watermark believes what events say. One event dated far in
// the future makes all others late; whoever feeds a table must refuse such
// events, as package serving does.
package window
