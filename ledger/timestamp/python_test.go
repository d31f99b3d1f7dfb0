// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
)

// judgedCase is a token and a trust, with the expected outcome, for a verifier in
// another language.
type judgedCase struct {
	Token        []byte   `json:"token"`
	Message      []byte   `json:"message"`
	Certificates [][]byte `json:"certificates"`
	Policies     []string `json:"policies"`
}

// sameInPython requires the outcomes of Verify from the second verifier, which was
// written from docs/formats with nothing but Python's standard library.
func sameInPython(t *testing.T, cases []judgedCase) {
	t.Helper()
	name := os.Getenv("ASSAY_PEERS_PYTHON")
	if name == "" {
		name = "python3"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		t.Log("python3 is not installed: the second verifier was not run")
		return
	}
	b, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "cases.json", b)
	c := exec.Command(program, filepath.Join("..", "..", "docs", "formats", "verifier", "verify_timestamp.py"),
		"--judge",
		filepath.Join(dir, "cases.json"))
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(cases) {
		t.Fatalf("%d outcomes of %d cases, %v", len(got), len(cases), err)
	}
	for i, x := range cases {
		r := Verify(x.Token, x.Message, time.Time{}, Trust{Certificates: x.Certificates, Policies: x.Policies})
		want := string(failed(r))
		if want == "" {
			want = string(r.Level)
		}
		if got[i] != want {
			t.Errorf("case %d: %q here, %q in Python: %s\ntoken %x", i, want, got[i], r.Summary(), x.Token)
		}
	}
}

// TestPythonAgrees: the second verifier names the same first failed check, for
// tokens of each kind of key: whole, with one bit of each third byte flipped, and
// cut short at each 24th byte.
func TestPythonAgrees(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var cases []judgedCase
	for i, kind := range timestamptest.Kinds {
		a := authority(t, timestamptest.Options{Kind: kind})
		a.OldCertID = i == 3
		b := stamp(t, a)
		add := func(token []byte, certificates ...[]byte) {
			cases = append(cases, judgedCase{token, message, certificates, nil})
		}
		add(b, a.CA)
		add(b, a.Leaf)
		add(b)
		for at := 0; at < len(b); at += 3 {
			bent := bytes.Clone(b)
			bent[at] ^= 1 << (at % 8)
			add(bent, a.CA)
			if at%24 == 0 {
				add(b[:at], a.CA)
			}
		}
	}
	sameInPython(t, cases)
}
