// SPDX-License-Identifier: Apache-2.0

// Package window keeps aggregates of keyed event streams over windows of event
// time: how much one buyer ordered in 90 days, how many sellers it has. It is a
// pure state machine: no clock, no I/O, no goroutine. Time is the
// time of events, in microseconds; order is the order of calls.
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
// A window may end some time ago (Config.Offset); then both of its ends move in
// hops. With a Calendar its panes are days, months or years in place of hops,
// and a read sees the pane of t and the whole panes before it.
//
// Event time may go back by the lateness L and no further. Events older than
// the watermark (the greatest time seen) by more than L are refused and
// counted; a read older than that is made at the watermark minus L. So a pane
// that ends before watermark - L - length can never be read again: it is
// dropped, and a key without panes is evicted, and no later value depends on it.
// TestEvictionChangesNothing and TestAgainstNaive (which keeps every event)
// check this, and TestMemoryPerKey checks the bounds on memory, in bytes for one
// key in one window:
//
//	panes             32 + 12*(1+columns)*(hops+3)
//	Distinct          56 + 16*members*(2+levels)
//	Share, Tally      60*members*(hops+3) each: a record for each member and pane
//	Sample            24*samples*(2+levels)
//	Recents           24*recent
//
// where hops = ceil((length+offset+L)/hop), columns counts what Needs asks for
// (Spread takes two, Decay three, Trend five), and levels is about the binary
// logarithm of how many times the bound the window's items are: 0 up to the
// bound. A key with few events takes less. The key itself and its place in the
// index add about 64 bytes.
//
// A table can be told to forget a party (Table.Forget): its keys and its place in lists
// go, what names nobody stays. Snapshot writes a table at once; BeginRows and
// WalkRows write the rows that have changed of one that is in use (package snapshot).
//
// Distinct, Share, Tally and Sample are exact while the window has no more
// members (events, for Sample) than they keep, whatever the key had before.
//
// BUG(window): The watermark trusts the times of events. One event dated far in
// the future makes all others late; whoever feeds a table must refuse such
// events, as package serving does.
package window
