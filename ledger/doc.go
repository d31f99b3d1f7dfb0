// SPDX-License-Identifier: Apache-2.0

// Package ledger holds the formats and the proofs of the log of decisions. It
// does no I/O and has no clock: package ledger/journal writes what this package
// reads, and an auditor's verifier links this package and nothing that writes.
//
// How a decision is proven, step by step:
//
//		decision ──HMAC──┐
//		vector ───HMAC───┴▶ leaf ──SHA-256──▶ leaf hash ──┬─ path ▶ group root ─ Ed25519 ▶ promise
//		                                                  └─ path ▶ log root ─── note ───▶ checkpoint ▶ anchor
//
//	  - A [Leaf] (leaf.go, kind.go) is public and holds nothing that a dictionary
//	    could guess: it holds commitments (commit.go) to the decision and the
//	    feature vector, under keys that only this record uses.
//	  - A [Promise] (promise.go) is the log's signature, given with the reply, that
//	    the leaf will be at index = sequence number of the log. One signature covers
//	    a whole commit group: it signs the group's Merkle root.
//	  - A [Checkpoint] (checkpoint.go) is a C2SP tlog-checkpoint, a signed note over
//	    the size and the RFC 6962 root of the log. Witnesses may cosign it
//	    (witness.go).
//
// [Verify] (verify.go) checks a receipt (receipt.go) against a [Trust] and
// reports, line by line (finding.go), what is proven and by whom.
// TestEveryByteOfAReceiptCounts flips each byte of each part of a receipt and
// demands a refusal; TestGoldenVectors compares the formats with
// docs/formats/testdata, which the Python verifier reads too.
package ledger
