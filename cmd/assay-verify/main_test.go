// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
	"github.com/assayrisk/assay/ledger/verdict"
)

// forbidden is what an auditor's tool must not link: whatever stores, writes a
// log or talks to a network.
var forbidden = []string{
	"net", "net/http", "net/rpc", "crypto/tls", "os/exec",
	"github.com/cockroachdb/pebble", "github.com/transparency-dev/tessera", "google.golang.org/grpc",
	"github.com/hashicorp/go-retryablehttp", "github.com/tink-crypto/tink-go",
	"github.com/ethereum/go-ethereum/rpc", "github.com/ethereum/go-ethereum/ethclient",
	"github.com/ethereum/go-ethereum/node", "github.com/ethereum/go-ethereum/eth",
	"github.com/assayrisk/assay/ledger/journal", "github.com/assayrisk/assay/ledger/vault",
	"github.com/assayrisk/assay/ledger/anchor/evm", "github.com/assayrisk/assay/serving",
}

// TestIndependence lists everything that assay-verify links.
func TestIndependence(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	if len(linked) < 50 {
		t.Fatalf("go list names %d packages: it did not list the dependencies", len(linked))
	}
	for _, p := range linked {
		for _, f := range forbidden {
			if p == f || strings.Contains(f, ".") && strings.HasPrefix(p, f+"/") {
				t.Errorf("assay-verify links %s", p)
			}
		}
	}
}

// TestSize builds the program: it stays small enough to be read and handed on.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program for its size")
	}
	bin := filepath.Join(t.TempDir(), "assay-verify")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	const most = 8_000_000
	if info.Size() > most {
		t.Errorf("%d bytes, at most %d", info.Size(), most)
	}
	t.Logf("%d bytes", info.Size())
}

// TestModulesAreListed compares the modules that assay-verify links with the
// list in docs/formats/receipt.md.
func TestModulesAreListed(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := map[string]bool{}
	for _, m := range strings.Fields(string(out)) {
		linked[m] = true
	}
	delete(linked, "github.com/assayrisk/assay")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats", "receipt.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(page), "\n") {
		if rest, ok := strings.CutPrefix(l, "- `"); ok {
			name, _, _ := strings.Cut(rest, "`")
			if !linked[name] {
				t.Errorf("%s is listed and not linked", name)
			}
			delete(linked, name)
		}
	}
	for m := range linked {
		t.Errorf("%s is linked and not listed", m)
	}
}

// testdata holds a receipt that `assay demo` made, and its trust file.
func testdata(name string) string {
	return filepath.Join("..", "..", "docs", "formats", "testdata", name)
}

func readTestdata(t *testing.T) ([]byte, verdict.Trust) {
	t.Helper()
	b, err := os.ReadFile(testdata("anchored.json"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(testdata("anchored-trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := verdict.ParseTrust(file)
	if err != nil {
		t.Fatal(err)
	}
	return b, tr
}

func refusedStep(receipt []byte, t verdict.Trust) string {
	v := verdict.Verify(receipt, t)
	return v.RefusedStep()
}

func TestCommandLine(t *testing.T) {
	receipt, trustFile := testdata("anchored.json"), testdata("anchored-trust.json")
	_, tr := readTestdata(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	b, _ := readTestdata(t)
	if err := os.WriteFile(broken, bytes.Replace(b, []byte(`"index":410`), []byte(`"index":411`), 1), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		exit int
		says string
	}{
		{"honest", []string{"--trust", trustFile, receipt}, 0, "not vouched for"},
		{"honest, by flags", []string{"--log-key", tr.LogKey, "--chain-id", "777001", receipt}, 0, "not vouched for"},
		{"json", []string{"--json", "--trust", trustFile, receipt}, 0, `"ok": true`},
		{"another chain", []string{"--log-key", tr.LogKey, "--chain-id", "1", receipt}, 1, "anchor/chain"},
		{"another contract",
			[]string{"--log-key", tr.LogKey, "--contract", "0x00000000000000000000000000000000000000aa", receipt}, 1,
			"anchor/contract"},
		{"another log key",
			[]string{"--log-key",
				"assay.invalid/log-0b9051ed1611324f+00000000+AT9oipzTSvvwvjzkbWP5Roa/AVs4LurLGJ2pfv/F0A84", receipt}, 2,
			"hash is not"},
		{"unknown validator",
			[]string{"--log-key", tr.LogKey, "--validator", "0x00000000000000000000000000000000000000aa", receipt}, 1,
			"anchor/evidence"},
		{"unknown block", []string{"--log-key", tr.LogKey, "--block", "0x" + strings.Repeat("ab", 32), receipt}, 1,
			"anchor/evidence"},
		{"another index", []string{"--trust", trustFile, broken}, 1, "refused"},
		{"trust file and another chain", []string{"--trust", trustFile, "--chain-id", "1", receipt}, 1, "anchor/chain"},
		{"trust file and another contract",
			[]string{"--trust", trustFile, "--contract", "0x00000000000000000000000000000000000000aa", receipt}, 1,
			"anchor/contract"},
		{"trust file and a validator",
			[]string{"--trust", trustFile, "--validator", "0x00000000000000000000000000000000000000aa", receipt}, 1,
			"anchor/evidence"},
		{"trust file and a block", []string{"--trust", trustFile, "--block", "0x" + strings.Repeat("ab", 32), receipt},
			1, "anchor/evidence"},
		{"trust file and a witness", []string{"--trust", trustFile, "--witness", "w.example/a+00000000+BAAA", receipt},
			2, "witness"},
		{"no receipt", []string{"--trust", trustFile}, 2, "usage"},
		{"no trust", []string{receipt}, 2, "usage"},
		{"no file", []string{"--trust", trustFile, "nowhere.json"}, 2, "nowhere.json"},
		{"not a trust file", []string{"--trust", receipt, receipt}, 2, "trust file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs strings.Builder
			if got := run(tt.args, &out, &errs); got != tt.exit {
				t.Fatalf("exit status %d, want %d\n%s%s", got, tt.exit, out.String(), errs.String())
			}
			if all := out.String() + errs.String(); !strings.Contains(all, tt.says) {
				t.Fatalf("it does not say %q:\n%s", tt.says, all)
			}
		})
	}
}

// TestEveryBitOfAnAnchoredReceipt flips bits of the file, every eleventh by
// default, one in 101 if tests are to be short, and each one if ASSAY_TAMPERS is set: all are refused.
func TestEveryBitOfAnAnchoredReceipt(t *testing.T) {
	file, tr := readTestdata(t)
	file = bytes.TrimSpace(file)
	if v := verdict.Verify(file, tr); !v.OK {
		t.Fatalf("the honest receipt: %v", v.Findings)
	}
	caught := map[string]int{}
	step := 11
	if testing.Short() {
		step = 101
	}
	if os.Getenv("ASSAY_TAMPERS") != "" {
		step = 1
	}
	for i := 0; i < 8*len(file); i += step {
		b := bytes.Clone(file)
		b[i/8] ^= 1 << (i % 8)
		v := verdict.Verify(b, tr)
		if v.OK {
			t.Fatalf("bit %d of byte %d (%q) flipped: accepted", i%8, i/8, file[max(0, i/8-20):i/8+1])
		}
		caught[v.RefusedStep()]++
	}
	for _, c := range slices.Sorted(maps.Keys(caught)) {
		t.Logf("| receipt's file, anchored | bit flipped | %d | %d | 0 | verify: %s %d |", caught[c],
			caught[c], c, caught[c])
	}
	t.Logf("%d flips, all refused, first by: %v", 8*len(file)/step, caught)
}

// TestTimestamp puts a token of a real authority into an anchored receipt, and
// then one that is wrong: each is refused by the name of what is wrong.
func TestTimestamp(t *testing.T) {
	file, tr := readTestdata(t)
	authority, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nonsense, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nonsense.GenTime = "20261301000000Z"
	stamped := func(a *timestamptest.Authority, of []byte) []byte {
		b, err := a.Token(of)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	trusted := timestamp.Trust{Certificates: [][]byte{authority.CA}}
	receipt, err := ledger.ParseReceipt(file)
	if err != nil {
		t.Fatal(err)
	}
	good := stamped(authority, receipt.Checkpoint)
	tampered := bytes.Clone(good)
	tampered[len(tampered)-9] ^= 1
	for _, tt := range []struct {
		name    string
		token   []byte
		trust   timestamp.Trust
		refused string
	}{
		{"honest", good, trusted, ""},
		{"no authority pinned", good, timestamp.Trust{}, ""},
		{"none", nil, trusted, ""},
		{"tampered", tampered, trusted, "timestamp/signature"},
		{"tampered, no authority pinned", tampered, timestamp.Trust{}, "timestamp/signature"},
		{"another authority", stamped(stranger, receipt.Checkpoint), trusted, "timestamp/authority"},
		{"another checkpoint", stamped(authority, []byte("other")), trusted, "timestamp/imprint"},
		{"a time that is none", stamped(nonsense, receipt.Checkpoint), trusted, "timestamp/format"},
		{"no token", []byte("x"), trusted, "timestamp/format"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := *receipt
			r.Timestamp = tt.token
			b, err := ledger.MarshalReceipt(&r)
			if err != nil {
				t.Fatal(err)
			}
			mine := tr
			mine.Timestamp = tt.trust
			v := verdict.Verify(b, mine)
			if v.RefusedStep() != tt.refused || v.OK != (tt.refused == "") {
				t.Errorf("refused at %q, want %q: %v", v.RefusedStep(), tt.refused, v.Findings)
			}
			proven := slices.ContainsFunc(v.Findings, func(f ledger.Finding) bool {
				return f.Step == "timestamp/authority" && f.State == ledger.Proven &&
					strings.Contains(f.VouchedBy, "Test Time Stamps")
			})
			if proven != (tt.name == "honest") {
				t.Errorf("a time that is proven: %v, in %v", proven, v.Findings)
			}
		})
	}
}

// TestPythonAgrees runs the second verifier over tampered copies and demands
// the same first refused step.
func TestPythonAgrees(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the second verifier was not run")
	}
	type vector struct {
		Name    string        `json:"name"`
		LogKey  string        `json:"log_key"`
		Anchor  *anchor.Trust `json:"anchor"`
		File    string        `json:"file"`
		Refused string        `json:"refused"`
	}
	file, tr := readTestdata(t)
	file = bytes.TrimSpace(file)
	vs := []vector{{"honest", tr.LogKey, tr.Anchor, string(file), ""}}
	rng := rand.New(rand.NewPCG(4, 4))
	for len(vs) < 100 {
		b := bytes.Clone(file)
		at, bit := rng.IntN(len(b)), rng.IntN(7)
		b[at] ^= 1 << bit
		v := vector{fmt.Sprintf("bit %d of byte %d", bit, at), tr.LogKey, tr.Anchor, string(b), ""}
		v.Refused = refusedStep(b, tr)
		vs = append(vs, v)
	}
	for _, a := range []anchor.Trust{{ChainID: 5}, {Contract: anchor.Address{1}}, {Publisher: anchor.Address{1}},
		{Blocks: []anchor.Hash{{1}}}, {Validators: []anchor.Address{{1}}}} {
		vs = append(vs,
			vector{"other trust", tr.LogKey, &a, string(file),
				refusedStep(file, verdict.Trust{LogKey: tr.LogKey, Anchor: &a})})
	}
	stamped, err := ledger.ParseReceipt(file)
	if err != nil {
		t.Fatal(err)
	}
	stamped.Timestamp = []byte("no token")
	text, err := ledger.MarshalReceipt(stamped)
	if err != nil {
		t.Fatal(err)
	}
	vs = append(vs, vector{"with a time stamp that is none", tr.LogKey, tr.Anchor, string(text), refusedStep(text, tr)})
	b, err := json.Marshal(vs)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vectors.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("..", "..", "docs", "formats", "verifier", "verify_receipt.py"),
		"--vectors", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
