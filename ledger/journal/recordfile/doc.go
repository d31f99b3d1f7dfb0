// SPDX-License-Identifier: Apache-2.0

// Package recordfile keeps a journal's records in files: commit groups one after the other, each written by one write
// and made durable by one sync. They are changed only to drop what may no longer be kept.
//
//	in   Group: the records of one commit, sealed and signed (head.go)
//	       Encode lays it out as a frame, Append writes and syncs it (files.go)
//	out  Record, Group, Groups, Scan: one record, one group, or all of a range (read.go)
//
// The other files:
//
//	group.go        a group, and its encoding
//	head.go         the frame of a group: head, table, sections, authentication code
//	keyop.go        what a group does to subject keys
//	segment.go      one file: its name, and where its groups begin
//	recover.go      at a start: a group that a power cut tore is cut away, other damage is refused
//	preallocate.go  the next file is made in advance, so that a sync waits only for the bytes
//	rewrite.go      private parts are dropped when their retention has passed; copies for backups
//
// One goroutine appends. All may read what is durable. A record's number is its position. docs/formats/journal.md draws
// the bytes, and TestEveryBitOfAGroupCounts shows that no bit of a group can change unnoticed.
package recordfile
