// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
)

// algCosignature is the algorithm byte of a witness's key (C2SP
// tlog-cosignature, "cosignature/v1").
const algCosignature = 4

// StepWitness is the step that counts cosignatures. It is reported only if the
// verifier trusts witnesses.
const StepWitness = "witness"

// ParseWitnessKey reads a witness's verifier key, "name+hash+base64(04 || key)".
func ParseWitnessKey(vkey string) (Key, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(vkey), "+")
	_, enc, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(enc)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature || CheckOrigin(name) != nil {
		return Key{}, fmt.Errorf("witness key %q: want name+hash+base64 of an Ed25519 cosignature key: %w", vkey, assay.ErrInvalid)
	}
	k := Key{Origin: name, Hash: keyHash(name, raw), Public: raw[1:]}
	if want := fmt.Sprintf("%s+%08x+%s", name, k.Hash, enc); want != strings.TrimSpace(vkey) {
		return Key{}, fmt.Errorf("witness key %q: the hash is not that of the name and key: %w", vkey, assay.ErrInvalid)
	}
	return k, nil
}

// CosignatureMessage returns the bytes that a witness signs: it has seen the
// checkpoint at this time, in seconds since the Unix epoch, and it is consistent
// with all that it saw of this log before.
func CosignatureMessage(body string, seconds uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, body)
}

// cosigned returns when the witness signed the note, if it did.
func cosigned(n *note.Note, k Key) (time.Time, bool) {
	for _, s := range n.UnverifiedSigs {
		if s.Name != k.Origin || s.Hash != k.Hash {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
			return time.Time{}, false
		}
		t := binary.BigEndian.Uint64(raw[4:])
		if t > 1<<40 || !ed25519.Verify(k.Public, CosignatureMessage(n.Text, t), raw[12:]) {
			return time.Time{}, false
		}
		return time.Unix(int64(t), 0).UTC(), true
	}
	return time.Time{}, false
}

// witnesses counts the trusted witnesses that cosigned the checkpoint.
func (v *verifier) witnesses(t Trust) {
	switch {
	case len(t.Witnesses) == 0 || len(v.r.Checkpoint) > MaxCheckpointBytes:
		return
	case len(v.r.Checkpoint) == 0:
		v.out = append(v.out, Finding{Step: StepWitness, State: Absent, Detail: "without a checkpoint there is nothing that a witness could have cosigned"})
		return
	}
	need := t.Quorum
	if need == 0 {
		need = len(t.Witnesses)
	}
	if need < 0 {
		v.refuse(StepWitness, "a quorum of %d witnesses: want 1 to %d, or 0 for all", need, len(t.Witnesses))
		return
	}
	lv, err := note.NewVerifier(v.key.String())
	if err != nil {
		v.refuse(StepWitness, "%v", err)
		return
	}
	n, err := note.Open(v.r.Checkpoint, note.VerifierList(lv))
	if err != nil {
		v.refuse(StepWitness, "the checkpoint cannot be read")
		return
	}
	var names []string
	known := make(map[string]bool, len(t.Witnesses))
	for _, w := range t.Witnesses {
		k, err := ParseWitnessKey(w)
		if err != nil {
			v.refuse(StepWitness, "%v", err)
			return
		}
		if known[string(k.Public)] {
			v.refuse(StepWitness, "the key of witness %s is trusted twice: one cosignature would count for two", k.Origin)
			return
		}
		known[string(k.Public)] = true
		if at, ok := cosigned(n, k); ok {
			names = append(names, k.Origin+" at "+at.Format(time.RFC3339))
		}
	}
	if len(names) < need {
		v.refuse(StepWitness, "%d of %d trusted witnesses cosigned the checkpoint, %d are needed", len(names), len(t.Witnesses), need)
		return
	}
	v.prove(StepWitness, fmt.Sprintf("%d of %d witnesses", len(names), len(t.Witnesses)), "cosigned by %s", strings.Join(names, ", "))
}
