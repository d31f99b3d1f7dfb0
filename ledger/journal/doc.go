// SPDX-License-Identifier: Apache-2.0

// Package journal is the one writer: it orders the records, makes them durable in groups, promises them, and feeds
// their leaves to the transparency log.
//
//	Take ─▶ work ─▶ Append ─┐ (any order)                    ┌▶ reply with promise
//	Take ─▶ work ─▶ Append ─┴▶ ring ─▶ writer: one group ────┤
//	                 order by sequence number, sign, sync    └▶ drainer ─▶ guard ─▶ log (tiles, checkpoint)
//
// A record's way, from top to bottom:
//
//	take     append.go   Take gives the next sequence number: the record's place in the journal, and its
//	                     leaf's index in the log. Whoever took it must Append it.
//	prepare  prepare.go  all of the record's cryptography, in the caller's goroutine; then it waits in a ring
//	group    writer.go   one goroutine takes every record that is ready, in unbroken order
//	sign     group.go    one promise over the group's Merkle root
//	sync     group.go    one write and one sync in the record files; then Append returns
//	publish  drain.go    the leaves go to the log, in order, from memory (recent.go) or from the files;
//	         publish.go  a checkpoint is signed by the guard, cosigned by witnesses, published, and read back
//
// Below it:
//
//	recordfile  groups as bytes, and the files of them: the truth
//	store       request ids, wrapped subject keys and marks, behind the record files and made again from them
//	tilelog     the log's directory: derived, and can be built again from the records
//	guard       the signing key, which signs a checkpoint of the journal's own records and nothing else
//	overlay     a file system for looking at a journal without changing it
//	atomicfile  files that are replaced whole
//
// And around the way:
//
//	journal.go, run.go              opening, recovering; the goroutines that live as long as Run
//	read.go, receipt.go             records, promises, receipts and proofs
//	record.go, report.go            what a record holds; the opening of a report's leaf
//	erase.go, rotate.go, retire.go  keys destroyed, the master key replaced, private parts dropped
//	backup.go                       a copy of a running journal
//	fsck.go, fsckrecords.go, fsckstore.go  everything derived again and compared
//
// Recovery is the normal way to start: Open reads where the records end, and the drainer goes on where the log ends.
// TestPowerCuts and TestKills show that no acknowledged record is lost; TestLogNeverForks that a log directory that was
// rolled back, damaged or emptied is refused.
//
// The directory:
//
//	journal/records/   the records, group after group
//	journal/store/     Pebble: request index, wrapped subject keys, marks
//	log/               C2SP tlog-tiles: may be published as it is
//	keys/log.key       the log's signing key (note format), mode 0600
//	keys/log.pub       the log's verifier key
//	keys/master.json   the master key, mode 0600
//	guard/high-water   the largest checkpoint ever signed, kept apart from log/
package journal
