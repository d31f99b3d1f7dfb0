// SPDX-License-Identifier: Apache-2.0

// Package assay holds the five nouns that travel through the system, and
// nothing else: an [Event] is turned into a [Vector] of features, the vector
// into a [Score], the score into a [Decision], and the decision into a
// [Receipt] that anybody can check with the network off.
//
//	Event ──features──▶ Vector ──models──▶ Score ──policy──▶ Decision ──ledger──▶ Receipt
//
// Each noun has canonical bytes, and digests are taken of those bytes alone:
//
//	Vector    little-endian IEEE-754 float64 in plan order, one NaN pattern
//	Event     CBOR, core deterministic encoding (RFC 8949, section 4.2.1)
//	Decision  the same
//
// Equal nouns have equal bytes on every architecture; TestGoldenDigests holds
// the package to it. The formats are drawn in docs/formats.
package assay
