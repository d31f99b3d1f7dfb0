// SPDX-License-Identifier: Apache-2.0

// Package listing is the index by which lists find records: what it keeps of a record, and the bytes of its rows.
//
//	Entry    what a list asks of one record: time, outcome, caller, parties
//	Columns  a row for 1,024 records in order: outcomes, callers and times (columns.go). A query without a party reads
//	         these alone, at 0.7 bytes a record
//	Outline  what a run of up to 65,536 records has, so that lists skip it (outline.go)
//	Post     a record of a party; a row holds those of one party in one run of records (posts.go)
//	Filter   which entries a list wants
//
// ledger/journal/store writes the rows and searches them; docs/formats/journal.md draws them. The index is derived: it
// can be made again from the records.
package listing
