// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestSecondVerifier: this verifier and the one in Python, which was written from
// docs/formats/anchor.md, give the same verdict on the committed vectors, on
// proofs of real nodes, and on proofs that were changed at random: bytes of their
// parts, and bytes of their text.
func TestSecondVerifier(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	script, err := filepath.Abs("../../docs/formats/verifier/verify_anchor.py")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed: the second verifier is not run")
	}
	_, addrs := testKeys(t, 4)
	rng := rand.New(rand.NewPCG(3, 4))
	var vectors []vector
	for _, c := range verifyCases(t) {
		if c.want != "" {
			continue
		}
		b, cp, tr := c.make(t)
		for range 6 {
			text := append([]byte(nil), b...)
			if rng.IntN(3) == 0 {
				// it stays ASCII: a file of vectors can only hold text
				text[rng.IntN(len(text))] ^= 1 << rng.IntN(7)
			} else {
				text = tamperPart(t, rng, b)
			}
			trust := tr
			if rng.IntN(4) == 0 {
				trust = Trust{Validators: addrs}
			}
			r := VerifyProof(text, cp, trust)
			vectors = append(vectors,
				vector{Name: fmt.Sprintf("%s, tampered %d", c.name, len(vectors)), Origin: cp.Origin,
					Size: cp.Size, Root: cp.Root, Trust: trust, Proof: string(text), Level: r.Level, Failed: failed(r)})
		}
	}
	b, err := json.Marshal(vectors)
	if err != nil {
		t.Fatal(err)
	}
	tampered := filepath.Join(t.TempDir(), "tampered.json")
	if err := os.WriteFile(tampered, b, 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "python3", append([]string{script, tampered}, files...)...).CombinedOutput()
	if err != nil {
		t.Errorf("the two verifiers disagree: %v\n%s", err, out)
	}
}

// tamperPart flips a bit of one byte string, or a number, of a proof.
func tamperPart(t *testing.T, rng *rand.Rand, text []byte) []byte {
	p, err := ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(b []byte) { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8) }
	switch rng.IntN(9) {
	case 0:
		flip(p.Contract[:])
	case 1:
		flip(p.LogID[:])
	case 2:
		flip(p.Publisher[:])
	case 3:
		flip(p.Block[:])
	case 4:
		p.Anchors ^= 1 << rng.IntN(32)
	case 5:
		p.ChainID ^= 1 << rng.IntN(64)
	case 6, 7:
		flip(p.Header)
	default:
		flip(p.Nodes[rng.IntN(len(p.Nodes))])
	}
	return encode(t, p)
}
