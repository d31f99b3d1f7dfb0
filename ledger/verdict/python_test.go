// SPDX-License-Identifier: Apache-2.0

package verdict_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

// judged is the part of a verdict in which two verifiers must agree.
type judged struct {
	Level   verdict.Level `json:"level"`
	Refused string        `json:"refused"` // the first refused step, "trust" if the trust file is
}

func judge(c verdicttest.Case) judged {
	t, err := verdict.ParseTrust(c.Trust)
	if err != nil {
		return judged{verdict.Refused, "trust"}
	}
	v := verdict.Verify(c.Receipt, t)
	return judged{v.Level, v.RefusedStep()}
}

// python runs the second verifier, written in another language from the pages in
// docs/formats with nothing but its standard library.
func python(t *testing.T, cases []verdicttest.Case) (out []judged) {
	t.Helper()
	name := os.Getenv("ASSAY_PEERS_PYTHON")
	if name == "" {
		name = "python3"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skip("python3 is not installed: the second verifier was not run")
	}
	b, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, filepath.Join("..", "..", "docs", "formats", "verifier", "verify_receipt.py"),
		"--verdicts",
		path)
	c.Stderr = os.Stderr
	got, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &out); err != nil || len(out) != len(cases) {
		t.Fatalf("%d verdicts on %d cases, %v", len(out), len(cases), err)
	}
	return out
}

// TestPythonAgrees: both verifiers give the same level and the same first refused
// step for 2,000 changed receipts and trust files. ASSAY_MUTATIONS and ASSAY_SEED
// make more, or others.
func TestPythonAgrees(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cases := slices.Concat(verdicttest.HonestCases(), verdicttest.RefusedStamps(), verdicttest.ConfiguredMutations())
	levels := map[string]int{}
	for i, second := range python(t, cases) {
		first := judge(cases[i])
		levels[string(first.Level)+" "+first.Refused]++
		if first != second {
			t.Errorf("%s: here %+v, in Python %+v\nreceipt %s\ntrust %s", cases[i].Name, first, second,
				cases[i].Receipt, cases[i].Trust)
		}
	}
	for _, l := range slices.Sorted(maps.Keys(levels)) {
		t.Logf("%5d %s", levels[l], l)
	}
	for _, l := range []string{"promised ", "logged ", "sealed ", "pinned ", "refused trust", "refused receipt",
		"refused required", "refused witness", "refused anchor/time", "refused timestamp/format",
		"refused timestamp/imprint", "refused timestamp/policy", "refused timestamp/time", "refused timestamp/signer",
		"refused timestamp/usage", "refused timestamp/signature", "refused timestamp/authority"} {
		if levels[l] == 0 {
			t.Errorf("no case ends as %q", l)
		}
	}
}
