// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
)

// TestWitnessTrust: a trust is refused if one cosignature would count as two, or
// none would do, and a receipt with nothing to cosign is reported.
func TestWitnessTrust(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, 3)
	signer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	raw := append([]byte{algCosignature}, signer.Public().(ed25519.PublicKey)...)
	key := func(name string) string {
		return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, raw), base64.StdEncoding.EncodeToString(raw))
	}
	r := l.receipt(t, 1)
	body := Checkpoint{Origin: testOrigin, Size: 3, Root: l.group.Root()}.String()
	for _, name := range []string{"w.example/a", "w.example/b"} {
		sig := binary.BigEndian.AppendUint32(nil, keyHash(name, raw))
		sig = binary.BigEndian.AppendUint64(sig, 1_700_000_000)
		sig = append(sig, ed25519.Sign(signer, CosignatureMessage(body, 1_700_000_000))...)
		r.Checkpoint = fmt.Appendf(r.Checkpoint, "\u2014 %s %s\n", name, base64.StdEncoding.EncodeToString(sig))
	}
	for _, c := range []struct {
		name  string
		trust Trust
		state State
	}{
		{"one", Trust{Witnesses: []string{key("w.example/a")}}, Proven},
		{"the same twice", Trust{Witnesses: []string{key("w.example/a"), key("w.example/a")}, Quorum: 2}, Refused},
		{"one key under two names", Trust{Witnesses: []string{key("w.example/a"), key("w.example/b")}}, Refused},
		{"a quorum below nothing", Trust{Witnesses: []string{key("w.example/c")}, Quorum: -1}, Refused},
		{"one that did not cosign", Trust{Witnesses: []string{key("w.example/c")}}, Refused},
	} {
		c.trust.LogKey = l.vkey
		fs := Verify(r, c.trust)
		if f := fs[len(fs)-1]; f.Step != StepWitness || f.State != c.state {
			t.Errorf("%s: %v", c.name, f)
		}
	}
	r.Checkpoint, r.Inclusion = nil, nil
	fs := Verify(r, Trust{LogKey: l.vkey, Witnesses: []string{key("w.example/a")}})
	if f := fs[len(fs)-1]; f.Step != StepWitness || f.State != Absent {
		t.Errorf("without a checkpoint: %v", fs)
	}
}
