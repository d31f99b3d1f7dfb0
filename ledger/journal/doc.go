// SPDX-License-Identifier: Apache-2.0

// Package journal is the one writer: it orders the records, makes them durable
// in groups, promises them, and feeds their leaves to the transparency log.
//
//		Take ─▶ work ─▶ Append ─┐ (any order)                    ┌▶ reply with promise
//		Take ─▶ work ─▶ Append ─┴▶ ring ─▶ writer: one group ────┤
//		                 order by sequence number, sign, sync    └▶ drainer ─▶ guard ─▶ log (tiles, checkpoint)
//
//	  - The sequence number is the record's place in the journal and its leaf's
//	    index in the log. Take gives the next one; whoever took it must Append it.
//	  - One goroutine writes. It takes every record that is ready in unbroken
//	    order, signs one promise over the group's Merkle root, and commits the
//	    group to the record files with one write and one sync. Append returns when
//	    that is done.
//	  - Behind it one goroutine brings the store (Pebble) up to the records: subject
//	    keys and the index of request ids.
//	  - One drainer appends leaves to the log in order (see tiles.go), in the files
//	    of Tessera's POSIX driver, which can go on with the same directory. It is
//	    derived: the journal can build it again from the records.
//	  - Checkpoints are made by Tessera, with its witnesses, of what the log's disk
//	    says. So it is not given the key: it is given a guard (see guard.go) that
//	    computes each root again from the journal's own records and signs nothing
//	    else.
//
// Recovery is the normal way to start: Open reads where the records end, and
// the drainer goes on where the log ends. TestPowerCuts and TestKills show that
// no acknowledged record is lost; TestLogNeverForks that a log directory that was
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
