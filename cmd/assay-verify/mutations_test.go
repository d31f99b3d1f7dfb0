// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// TestMutations holds this program, run on files as an auditor runs it, to the
// verdicts of package verdict on 2,000 changed receipts and trust files.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	trustFile, receipt := filepath.Join(dir, "trust.json"), filepath.Join(dir, "receipt.json")
	asked := verdicttest.ConfiguredMutations()
	t.Logf("COUNT changed_receipts %d", len(asked))
	for _, c := range append(verdicttest.HonestCases(), asked...) {
		for path, b := range map[string][]byte{trustFile: c.Trust, receipt: c.Receipt} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, errs strings.Builder
		code := run([]string{"--json", "--trust", trustFile, receipt}, &out, &errs)
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			if code != 2 || out.Len() > 0 {
				t.Errorf("%s: status %d with a trust file that is refused: %s", c.Name, code, out.String())
			}
			continue
		}
		want := verdict.Verify(c.Receipt, tr)
		var got verdict.Verdict
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatalf("%s: %v\n%s", c.Name, err, errs.String())
		}
		if got.OK != want.OK || got.Level != want.Level || got.Summary != want.Summary || (code == 0) != want.OK {
			t.Errorf("%s: status %d, level %q, %s; want %q, %s", c.Name, code, got.Level, got.Summary, want.Level,
				want.Summary)
		}
	}
}
