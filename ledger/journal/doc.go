// SPDX-License-Identifier: Apache-2.0

// Package journal is the one writer of the ledger: it orders the records, makes them durable in groups, promises them,
// and appends their leaves to the transparency log. docs/formats/journal.md draws its files.
//
//	TakeAt ─▶ work ─▶ Append ─┐ (any order)                  ┌▶ reply with promise
//	TakeAt ─▶ work ─▶ Append ─┴▶ ring ─▶ writer: one group ──┤
//	                   order by sequence number, sync, sign  └▶ drainer ─▶ guard ─▶ log (tiles, checkpoint)
//
// What comes in: a Record, and the number that TakeAt gave for it. What goes out: its promise at once, and once the log
// has published it, its receipt. The steps of a record, in order:
//
//	take     time.go     TakeAt gives the next sequence number and the time: the record's place in the journal, and
//	                     its leaf's index in the log. Whoever took it must Append it.
//	prepare  prepare.go  all of the record's cryptography, in the caller's goroutine; then it waits in a ring
//	group    writer.go   one goroutine takes every record that is ready, in unbroken order
//	sync     group.go    one write and one sync in the record files
//	sign     group.go    one promise over the group's Merkle root; then Append returns
//	publish  drain.go    the leaves go to the log, in order, from memory (recent.go) or from the files;
//	         publish.go  a checkpoint is signed by the guard, cosigned by witnesses, published, and read back
//
// The packages below it:
//
//	recordfile  groups as bytes, and the files that hold them: the truth
//	statefile   snapshots of what decisions read; they can be made again from the records
//	store       request ids, wrapped subject keys and marks; it follows the record files and can be rebuilt from them
//	tilelog     the log's directory; it can be rebuilt from the records
//	guard       the signing key, which signs checkpoints of the journal's own records and nothing else
//	archive     record files that are kept elsewhere: in an S3-compatible store, or in a folder
//	overlay     a file system that reads a journal without changing it
//	recordclock  the clock of the records, which a machine's clock that jumps does not move
//	atomicfile  files that are replaced whole
//
// The other files:
//
//	journal.go, config.go, run.go          opening and recovering; settings; the goroutines that live as long as Run
//	read.go, receipt.go                    records, promises, receipts and proofs
//	record.go, business.go, report.go      what a record holds and names; the opening of a report's leaf
//	dictionaries.go                        what parts are compressed with before they are sealed
//	sign.go                                signatures written behind the replies, and made again after a crash
//	erase.go, rotate.go, retire.go         keys destroyed, the master key opened and replaced, private parts dropped
//	archive.go                             old record files moved to an archive, and back
//	backup.go                              a copy of a running journal
//	fsck.go, fsckrecords.go, fsckstore.go  everything derived again and compared
//
// Recovery is the normal way to start: Open reads where the records end, and the drainer continues where the log ends.
// TestPowerCuts and TestKills show that no acknowledged record is lost, TestLogNeverForks that a log directory that was
// rolled back, damaged or emptied is refused.
//
// The directory:
//
//	journal/records/   the records, group after group
//	journal/signatures/ the groups' signatures
//	journal/store/     Pebble: request index, wrapped subject keys, marks
//	log/               C2SP tlog-tiles: may be published as it is
//	keys/log.key       the log's signing key (note format), mode 0600
//	keys/log.pub       the log's verifier key
//	keys/master.json   the master key, mode 0600, unless a program keeps it
//	guard/high-water   the largest checkpoint ever signed, kept apart from log/
package journal
