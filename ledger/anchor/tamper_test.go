// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// TestTamper flips each bit of each byte string of a proof, and each bit of its
// names: all are found, whatever the level.
func TestTamper(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	keys, addrs := testKeys(t, 4)
	for _, trust := range []Trust{{}, {Validators: addrs}} {
		w, cp := testWorld(8)
		if trust.Validators != nil {
			w.keys, w.sealers = keys, 4
		}
		p := w.prove(t)
		if r := VerifyProof(encode(t, p), cp, trust); !r.Consistent() {
			t.Fatal(r.Summary())
		}
		parts := [][]byte{p.Contract[:], p.LogID[:], p.Publisher[:], p.Block[:], p.Header}
		step := 1
		if trust.Validators == nil {
			parts = append(parts, p.Nodes...)
		} else {
			step = 5 // each seal costs a signature's check
		}
		n, by := 0, map[Check]int{}
		for i, part := range parts {
			for bit := 0; bit < 8*len(part); bit += step {
				part[bit/8] ^= 1 << (bit % 8)
				r := VerifyProof(encode(t, p), cp, trust)
				if r.Consistent() {
					t.Errorf("part %d, bit %d: %s", i, bit, r.Summary())
				}
				by[failed(r)]++
				part[bit/8] ^= 1 << (bit % 8)
				n++
			}
		}
		for i := range p.Nodes {
			for j := range i {
				p.Nodes[i], p.Nodes[j] = p.Nodes[j], p.Nodes[i]
				if r := VerifyProof(encode(t, p), cp, trust); r.Consistent() {
					t.Errorf("nodes %d and %d swapped: %s", i, j, r.Summary())
				}
				p.Nodes[i], p.Nodes[j] = p.Nodes[j], p.Nodes[i]
			}
		}
		if r := VerifyProof(encode(t, p), cp, trust); !r.Consistent() {
			t.Fatal(r.Summary())
		}
		for _, c := range slices.Sorted(maps.Keys(by)) {
			t.Logf("| anchor proof | bit flipped | %d | %d | 0 | verify: anchor/%s %d |", by[c], by[c], c, by[c])
		}
		t.Logf("%d bits flipped, all found", n)
	}
}

// TestTamperText flips each bit of the text of a proof. The chain is known to
// the verifier: nothing in a block says which chain it is of.
func TestTamperText(t *testing.T) {
	t.Parallel()
	w, cp := testWorld(2)
	b, err := json.MarshalIndent(w.prove(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if r := VerifyProof(b, cp, Trust{ChainID: 5}); !r.Consistent() {
		t.Fatal(r.Summary())
	}
	for bit := range 8 * len(b) {
		b[bit/8] ^= 1 << (bit % 8)
		if r := VerifyProof(b, cp, Trust{ChainID: 5}); r.Consistent() {
			t.Errorf("bit %d, now %q", bit, b[max(0, bit/8-20):min(len(b), bit/8+20)])
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// TestProofCutShort cuts and extends the JSON at each place.
func TestProofCutShort(t *testing.T) {
	t.Parallel()
	w, cp := testWorld(2)
	b := encode(t, w.prove(t))
	for n := range b {
		if r := VerifyProof(b[:n], cp, Trust{}); r.Consistent() {
			t.Fatalf("cut to %d of %d bytes: %s", n, len(b), r.Summary())
		}
	}
	for _, more := range []string{"{}", "x", "\x00"} {
		if r := VerifyProof(append(bytes.Clone(b), more...), cp, Trust{}); r.Consistent() {
			t.Fatalf("with %q after it: %s", more, r.Summary())
		}
	}
	if r := VerifyProof(bytes.Replace(b, []byte(`{"version"`), []byte(`{"more":1,"version"`), 1), cp,
		Trust{}); r.Consistent() {
		t.Fatal("an unknown field was accepted")
	}
	if r := VerifyProof(bytes.Repeat([]byte(" "), MaxProofBytes+1), cp, Trust{}); failed(r) != CheckFormat {
		t.Fatal("a proof without bounds was read")
	}
}
