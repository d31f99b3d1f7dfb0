// SPDX-License-Identifier: Apache-2.0

// Package verdict judges receipts. It is the one place that does: every program
// calls [Verify] with a receipt's bytes and a [Trust], and prints what it says.
//
//	bytes ─▶ receipt ─▶ decision, leaf ─▶ promise ─▶ checkpoint ─▶ inclusion ─▶ witness ─▶ anchor ─▶ time stamp
//
// Steps are made in this order. The first that is refused ends the verification:
// the verdict's level is then [Refused], and no later step is said to be
// proven. What a receipt does not carry is said to be absent, and what anybody could have
// made is said not to be vouched for.
//
// It links no store, no network and no clock (imports_test.go). The receipts and
// trust files of package verdicttest, changed in a thousand ways, hold each
// program and the Python verifier (docs/formats/verifier/verify_receipt.py) to the
// same verdict: TestPrograms of cmd/assay, cmd/assay-verify and benchmarks/hammer,
// and TestPythonAgrees here.
package verdict
