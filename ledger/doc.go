// SPDX-License-Identifier: Apache-2.0

// Package ledger holds the bytes and the proofs of the log of decisions. It
// does no I/O and has no clock: package ledger/journal writes what this package
// reads, and an auditor's verifier links this package and nothing that writes.
//
// What stands on what, from the decision down:
//
//		decision ──HMAC──┐
//		vector ───HMAC───┴▶ leaf ──SHA-256──▶ leaf hash ──┬─ path ▶ group root ─ Ed25519 ▶ promise
//		                                                  └─ path ▶ log root ─── note ───▶ checkpoint ▶ anchor
//
//	  - A [Leaf] is public and holds nothing that a dictionary could guess: the
//	    decision and the feature vector stand in it as commitments under keys of
//	    this record alone.
//	  - A [Promise] is the log's signature, given with the reply, that the leaf
//	    will stand at index = sequence number. One signature covers a whole
//	    commit group: it signs the group's Merkle root.
//	  - A [Checkpoint] is a C2SP tlog-checkpoint, a signed note over the size and
//	    the RFC 6962 root of the log.
//
// [Verify] checks a receipt against a [Trust] and says, line by line, what is
// proven and by whom. TestEveryByteOfAReceiptCounts flips each byte of each
// part of a receipt and demands a refusal; TestGoldenVectors holds the formats
// to docs/formats/testdata, which the Python verifier reads too.
package ledger
