// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// TestMutations: the hammer's verdicts on parsed receipts are those of package
// verdict on their bytes.
func TestMutations(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := 0
	for _, c := range append(verdicttest.HonestCases(), verdicttest.ConfiguredMutations()...) {
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			continue
		}
		r, err := ledger.ParseReceipt(c.Receipt)
		want := verdict.Verify(c.Receipt, tr)
		if err != nil {
			if want.OK {
				t.Errorf("%s: %v, and it verifies: %s", c.Name, err, want.Summary)
			}
			continue
		}
		got, err := judge(r, tr)
		if err != nil || got.OK != want.OK || got.Level != want.Level || got.Summary != want.Summary {
			t.Errorf("%s: level %q, %s, %v; want %q, %s", c.Name, got.Level, got.Summary, err, want.Level, want.Summary)
		}
		n++
	}
	if n < len(verdicttest.HonestCases()) {
		t.Errorf("%d receipts were judged", n)
	}
}
