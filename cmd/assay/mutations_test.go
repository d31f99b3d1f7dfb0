// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// TestMutations holds assay verify to the verdicts of package verdict, as the
// test of that name in cmd/assay-verify does.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	trust, receipt := filepath.Join(dir, "trust.json"), filepath.Join(dir, "1.json")
	for _, c := range append(verdicttest.HonestCases(), verdicttest.ConfiguredMutations()...) {
		write(t, trust, string(c.Trust))
		write(t, receipt, string(c.Receipt))
		out, errs, code := assayRun(t, "verify", "--json", receipt)
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			if code == 0 || out != "" {
				t.Errorf("%s: status %d with a trust file that is refused: %s", c.Name, code, out)
			}
			continue
		}
		want := verdict.Verify(c.Receipt, tr)
		var got verdict.Verdict
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v\n%s", c.Name, err, errs)
		}
		if got.OK != want.OK || got.Level != want.Level || got.Summary != want.Summary || (code == 0) != want.OK {
			t.Errorf("%s: status %d, level %q, %s; want %q, %s", c.Name, code, got.Level, got.Summary, want.Level,
				want.Summary)
		}
	}
}
