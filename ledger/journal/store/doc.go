// SPDX-License-Identifier: Apache-2.0

// Package store holds what a journal looks up: which record answers a request id, the wrapped keys of subjects, and
// marks of progress. It is a Pebble database that follows the record files.
//
//	in   Group: the request tags of a durable group, and what it does to subject keys
//	       Add ─▶ queue ─▶ Run: subject keys within milliseconds, request tags once there are many (queue.go)
//	       CatchUp at a start: what the record files have and the store lacks (apply.go)
//	       what lists ask of each record: in runs, or from the record files after a crash (lists.go)
//	out  Find: a request id's record (requests.go), with a filter that answers "never seen" from memory (filter.go)
//	     Subject, Key: keys, from memory, from the database, or new ones (keyring.go)
//	     Search: the records of a list (listsearch.go, listcolumns.go)
//	     Number, Bytes, ProvenCheckpoint: marks (store.go)
//
// What a crash takes from the store, the record files bring back: nothing is lost when the store is behind. A new
// subject's key is durable with the first record that it seals, and stays in memory until the store has it, so that no
// second one is ever made (subjects.go). What makes an erasure final, wrapping all keys again and purging the files, is
// in rewrap.go.
//
// docs/formats/journal.md draws the key space.
package store
