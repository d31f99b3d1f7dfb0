// SPDX-License-Identifier: Apache-2.0

// Package compact makes small records smaller: it compresses them as Zstandard
// frames (RFC 8878) with a dictionary, which any zstd decoder reads that is
// given the same dictionary.
//
// Make makes a dictionary from samples. What repeats in the samples can be read
// in the dictionary, and the dictionary outlives the records that it compressed.
// So samples must be generated from names, categories and codes; never take
// records of persons.
package compact
