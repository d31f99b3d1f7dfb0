// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// TestRequireAdds: a receipt without the anchor that the trust file requires is
// refused, whatever else --require says.
func TestRequireAdds(t *testing.T) {
	log := verdicttest.NewLog("log.example/decisions", 11)
	trust, err := json.Marshal(verdict.Trust{LogKey: log.Key.String(),
		Require: []verdict.Requirement{verdict.RequireAnchor},
		Anchor:  &anchor.Trust{Validators: verdicttest.Validators(4)}})
	if err != nil {
		t.Fatal(err)
	}
	r := log.Published(6)
	receipt, err := ledger.MarshalReceipt(&r)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trustFile, receiptFile := filepath.Join(dir, "trust.json"), filepath.Join(dir, "receipt.json")
	for path, b := range map[string][]byte{trustFile: trust, receiptFile: receipt} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{}, {"--require", "promise"}, {"--require", "checkpoint,anchor"}} {
		var out, errs strings.Builder
		args = append([]string{"--trust", trustFile}, append(args, receiptFile)...)
		if code := run(args, &out, &errs); code != 1 || !strings.Contains(out.String(), "anchor is required") {
			t.Errorf("%q: status %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
}
