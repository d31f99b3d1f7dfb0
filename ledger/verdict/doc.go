// SPDX-License-Identifier: Apache-2.0

// Package verdict judges receipts. It is the only place that does: every program
// calls [Verify] with a receipt's bytes and a [Trust], and prints the verdict.
//
//	bytes ─▶ receipt ─▶ decision, leaf ─▶ promise ─▶ checkpoint ─▶ inclusion ─▶ witness ─▶ anchor ─▶ time stamp
//
// The steps are in this order. The first that is refused ends the verification:
// the verdict's level is then [Refused], and no later step is reported as proven.
// A part that a receipt lacks is reported as absent, and a part that anybody could
// have made as not vouched for.
//
// The package links no store, no network and no clock (imports_test.go). Package
// verdicttest changes receipts and trust files in a thousand ways; the programs
// and the Python verifier (docs/formats/verifier/verify_receipt.py) must all give
// the same verdict on them: TestPrograms of cmd/assay, cmd/assay-verify and
// benchmarks/hammer, and TestPythonAgrees here.
package verdict
