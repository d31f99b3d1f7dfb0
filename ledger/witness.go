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
		return Key{}, fmt.Errorf("witness key %q: want name+hash+base64 of an Ed25519 cosignature key: %w",
			vkey, assay.ErrInvalid)
	}
	k := Key{Origin: name, Hash: keyHash(name, raw), Public: raw[1:]}
	if want := fmt.Sprintf("%s+%08x+%s", name, k.Hash, enc); want != strings.TrimSpace(vkey) {
		return Key{}, fmt.Errorf("witness key %q: the hash is not that of the name and key: %w", vkey, assay.ErrInvalid)
	}
	return k, nil
}

// CosignatureMessage returns the bytes that a witness signs: that it has seen the
// checkpoint at this time, in seconds since the Unix epoch, and that it is
// consistent with everything that it saw of this log before.
func CosignatureMessage(body string, seconds uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, body)
}

// cosignatureTime returns the time at which the witness signed the note, if it did.
func cosignatureTime(n *note.Note, k Key) (time.Time, bool) {
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

// Cosignature is a trusted witness's statement about a checkpoint.
type Cosignature struct {
	Witness string    // the name in its key
	Time    time.Time // when it saw the checkpoint, by its clock
}

// Cosignatures returns the cosignatures of the trusted witnesses under a checkpoint
// that the log's key signed, in the order of the witnesses.
func Cosignatures(signed []byte, logKey string, witnesses []string) ([]Cosignature, error) {
	lv, err := note.NewVerifier(logKey)
	if err != nil {
		return nil, fmt.Errorf("log key: %w: %w", err, assay.ErrInvalid)
	}
	n, err := note.Open(signed, note.VerifierList(lv))
	if err != nil {
		return nil, fmt.Errorf("the checkpoint cannot be read: %w", assay.ErrCorrupt)
	}
	keys, err := ParseWitnessKeys(witnesses)
	if err != nil {
		return nil, err
	}
	var out []Cosignature
	for _, k := range keys {
		if at, ok := cosignatureTime(n, k); ok {
			out = append(out, Cosignature{k.Origin, at})
		}
	}
	return out, nil
}

// ParseWitnessKeys reads the keys of witnesses, none of them twice.
func ParseWitnessKeys(vkeys []string) ([]Key, error) {
	out := make([]Key, 0, len(vkeys))
	known := make(map[string]bool, len(vkeys))
	for _, w := range vkeys {
		k, err := ParseWitnessKey(w)
		if err != nil {
			return nil, err
		}
		if known[string(k.Public)] {
			return nil, fmt.Errorf("the key of witness %s is trusted twice: one cosignature would count for two: %w",
				k.Origin, assay.ErrInvalid)
		}
		known[string(k.Public)] = true
		out = append(out, k)
	}
	return out, nil
}

// checkWitnesses counts the trusted witnesses that cosigned the checkpoint.
func (v *verifier) checkWitnesses(t Trust) {
	switch {
	case t.Quorum < 0 || t.Quorum > len(t.Witnesses):
		v.refuse(StepWitness, "a quorum of %d of %d witnesses: want 1 to as many as are trusted, or 0 for all",
			t.Quorum, len(t.Witnesses))
		return
	case len(t.Witnesses) == 0 || len(v.r.Checkpoint) > MaxCheckpointBytes:
		return
	case len(v.r.Checkpoint) == 0:
		v.findings = append(v.findings,
			Finding{Step: StepWitness, State: Absent,
				Detail: "without a checkpoint there is nothing that a witness could have cosigned"})
		return
	}
	need := t.Quorum
	if need == 0 {
		need = len(t.Witnesses)
	}
	by, err := Cosignatures(v.r.Checkpoint, v.key.String(), t.Witnesses)
	if err != nil {
		v.refuse(StepWitness, "%v", err)
		return
	}
	if len(by) < need {
		v.refuse(StepWitness, "%d of %d trusted witnesses cosigned the checkpoint, %d are needed", len(by),
			len(t.Witnesses), need)
		return
	}
	names := make([]string, len(by))
	for i, c := range by {
		names[i] = c.Witness + " at " + c.Time.Format(time.RFC3339)
	}
	v.prove(StepWitness, fmt.Sprintf("%d of %d witnesses", len(by), len(t.Witnesses)), "cosigned by %s",
		strings.Join(names, ", "))
}
