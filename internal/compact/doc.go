// SPDX-License-Identifier: Apache-2.0

// Package compact makes small records smaller: it compresses them as Zstandard
// frames (RFC 8878) with a dictionary, which any zstd decoder reads that is given
// the same dictionary (TestPythonReads).
//
// Make makes a dictionary from samples. What repeats in the samples can be read in
// the dictionary, and the dictionary outlives the records that it compressed. So
// samples must be generated from names, categories and codes; never take records of
// persons.
//
// An encoder for all purposes copies its tables for every record, which takes ten
// times as long as a small record itself. So records of up to 16 KiB have an encoder
// of their own, whose frames are of one form: one block, literals as they are, and
// sequences in the codes of the dictionary. They have a decoder of their own, too.
// Everything else is left to klauspost/compress, which is the slow twin of both.
//
//	dictionary.go, content.go, tables.go    a dictionary, what is in it, and its codes
//	slots.go, codetable.go, codes.go        tables of codes, and what the codes say
//	encoder.go, recordencoder.go            frames are written: of any record, of small ones
//	window.go, matches.go, bits.go          a record is divided into literals and matches
//	decoder.go, recorddecoder.go            frames are read: any, those of small records
package compact
