// SPDX-License-Identifier: Apache-2.0

// Package statefile keeps snapshots of what decisions read, so that a start does not replay all records. It knows
// nothing of what it keeps: rows, each under the keys of the parties that it is about, and for each snapshot a state
// that says where its rows lie.
//
//	Begin(number) ─▶ Add rows, or Copy those of older files ─▶ Finish(state): rows durable, then the state
//	Newest(upto)  ─▶ number, state                           ─▶ Read a row when it is needed
//
// The directory journal/state, numbers big-endian:
//
//	<number, 16 hexadecimal digits>.rows   "assayrow" || rows, one after the other
//	<number, 16 hexadecimal digits>.state  "assaysta" || nonce 12 || AES-256-GCM( state; additional data: number 8 )
//
//	row     = number at which it was sealed 8 || nonce 12 || AES-256-GCM( bytes; additional data: number 8 || label )
//	label   = the caller's bytes that say which row it is
//	row key = vault.RowKey of the keys of its parties, or of the programme's key if it has none, for number || label
//
// A state counts once its file is there under its name; rows without one are dropped at the next Begin. Everything
// here can be made again from the records.
package statefile
