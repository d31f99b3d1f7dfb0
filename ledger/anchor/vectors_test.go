// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

var update = flag.Bool("update", false, "write testdata/vectors.json again")

// vector is one proof and its verdict, for verifiers in other languages. Proof is a
// string, so that no reader normalises it.
type vector struct {
	Name   string       `json:"name"`
	Origin string       `json:"origin"`
	Size   uint64       `json:"size"`
	Root   assay.Digest `json:"root"`
	// NotBefore is in microseconds since 1970, 0 if it is not known.
	NotBefore int64  `json:"not_before_us,omitempty"`
	Trust     Trust  `json:"trust"`
	Proof     string `json:"proof"`
	Level     Level  `json:"level"`
	Failed    Check  `json:"failed"` // the check that fails, "" if none does
}

// TestVectors compares the verifier with the committed vectors, and the vectors
// with the cases that they were made from.
func TestVectors(t *testing.T) {
	path := filepath.Join("testdata", "vectors.json")
	var made []vector
	for _, c := range verifyCases(t) {
		b, cp, tr := c.make(t)
		v := vector{Name: c.name, Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Trust: tr, Proof: string(b),
			Level: c.level, Failed: c.want}
		if !cp.NotBefore.IsZero() {
			v.NotBefore = cp.NotBefore.UnixMicro()
		}
		made = append(made, v)
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetIndent("", " ")
	if err := e.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the cases make: go test -run TestVectors -update", path)
	}
	var vectors []vector
	if err := json.Unmarshal(got, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 30 {
		t.Fatalf("%d vectors", len(vectors))
	}
	check(t, vectors)
}

// TestRealProofs checks proofs that real nodes made: go-ethereum, Anvil and
// Hardhat (evm's TestProofsOfNodes writes them).
func TestRealProofs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "proof-*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d proofs of real nodes, %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		check(t, []vector{v})
		v.Size, v.Level, v.Failed = v.Size+1, Refused, CheckHead
		check(t, []vector{v})
	}
}

func check(t *testing.T, vectors []vector) {
	t.Helper()
	for _, v := range vectors {
		cp := Checkpoint{Checkpoint: ledger.Checkpoint{Origin: v.Origin, Size: v.Size, Root: v.Root}}
		if v.NotBefore != 0 {
			cp.NotBefore = time.UnixMicro(v.NotBefore)
		}
		r := VerifyProof([]byte(v.Proof), cp, v.Trust)
		if r.Level != v.Level || failed(r) != v.Failed {
			t.Errorf("%s: level %q, failed check %q; want %q, %q", v.Name, r.Level, failed(r), v.Level, v.Failed)
		}
	}
}
