// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/cmd/internal/forgery"
	"github.com/assayrisk/assay/ledger"
)

// TestDemo runs the demo as a user does, checks its summary, and hands its
// receipts and forged copies of them to assay-verify, a program of its own.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	c := exec.Command("assay", "demo", "--json", "--dir", dir)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var s demoSummary
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	if s.RowsTrain != 3563 || s.RowsTest != 891 || s.Decisions != 891 || s.ReceiptsVerified != 891 ||
		s.TamperedRefused != 891*len(forgery.All()) {
		t.Errorf("summary %+v", s)
	}
	if s.AUC < 0.825 || s.AUCBaseline < 0.8 || s.KS < 0.4 || s.Brier > 0.16 || s.LogLoss > 0.5 {
		t.Errorf("quality %+v", s)
	}
	if s.CheckpointSize < 891 || len(s.AnchorTx) != 66 || s.ChainID == 0 || s.Seconds <= 0 {
		t.Errorf("proof %+v", s)
	}
	if s.Seconds > 60 {
		t.Logf("the demo took %.0f s, a quiet machine of two cores takes under 60", s.Seconds)
	}
	for _, f := range []string{"bundle/manifest.json", "report/report.html", "report/report.json",
		"trust.json", "receipts/1.json"} {
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			t.Error(err)
		}
	}
	verifyElsewhere(t, dir)
}

// verifyElsewhere checks receipts and forgeries with assay-verify.
func verifyElsewhere(t *testing.T, dir string) {
	bin := filepath.Join(t.TempDir(), "assay-verify")
	if out, err := exec.Command("go", "build", "-o", bin, "../assay-verify").CombinedOutput(); err != nil {
		t.Fatalf("build assay-verify: %v\n%s", err, out)
	}
	trust := filepath.Join(dir, "trust.json")
	receipts, err := filepath.Glob(filepath.Join(dir, "receipts", "*.json"))
	if err != nil || len(receipts) != 891 {
		t.Fatalf("%d receipts, %v", len(receipts), err)
	}
	for _, r := range receipts {
		if out, err := exec.Command(bin, "--trust", trust, r).CombinedOutput(); err != nil {
			t.Errorf("assay-verify refuses %s: %v\n%s", filepath.Base(r), err, out)
		}
	}
	good, err := readReceipt(receipts[0])
	if err != nil {
		t.Fatal(err)
	}
	tf, err := readTrust(receipts[0], trust)
	if err != nil {
		t.Fatal(err)
	}
	witnessed := tf // by a witness that never saw the log
	witnessed.Witnesses = []string{"w.example/a+0a872f42+BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"}
	if v, err := verifyReceipt(good, witnessed); err != nil || v.OK ||
		!strings.HasPrefix(v.RefusalReason(), ledger.StepWitness) {
		t.Errorf("a trusted witness did not cosign: ok %v, %s", v.OK, v.RefusalReason())
	}
	for _, f := range forgery.All() {
		r, forged, err := forgery.Clone(good, tf)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Do(r, &forged); err != nil {
			t.Fatal(err)
		}
		bad := t.TempDir()
		for name, v := range map[string]any{"receipt.json": r, "trust.json": forged} {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(bad, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command(bin, "--trust", filepath.Join(bad, "trust.json"),
			filepath.Join(bad, "receipt.json")).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "refused") {
			t.Errorf("%s: assay-verify does not refuse it: %v\n%s", f.Name, err, out)
		}
	}
}
