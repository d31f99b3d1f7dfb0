// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/base64"
	"fmt"
	"strings"

	logfmt "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
)

// MaxCheckpointBytes bounds a checkpoint that is read from bytes; a note with
// sixteen cosignatures has about 2,500.
const MaxCheckpointBytes = 1 << 14

// Checkpoint is a log's claim about itself: that its first Size entries have this
// RFC 6962 root. Its bytes are a C2SP tlog-checkpoint, a signed note.
type Checkpoint struct {
	Origin string       `json:"origin"`
	Size   uint64       `json:"size"`
	Root   assay.Digest `json:"root"`
}

// String returns the checkpoint's body, the text that is signed.
func (c Checkpoint) String() string {
	b := logfmt.Checkpoint{Origin: c.Origin, Size: c.Size, Hash: c.Root[:]}
	return string(b.Marshal())
}

var errNotCanonical = fmt.Errorf("checkpoint: size or root is not in its one spelling: %w", assay.ErrCorrupt)

// ParseCheckpoint reads a signed note and checks the signature of the log's
// key, a note verifier key. Signatures by unknown keys are ignored, as the
// signed-note specification asks.
func ParseCheckpoint(signed []byte, logKey string) (Checkpoint, error) {
	k, err := ParseKey(logKey)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, fmt.Errorf("checkpoint: %d bytes, at most %d are allowed: %w", len(signed),
			MaxCheckpointBytes, assay.ErrCorrupt)
	}
	v, err := note.NewVerifier(k.String())
	if err != nil {
		return Checkpoint{}, fmt.Errorf("log key: %w: %w", err, assay.ErrInvalid)
	}
	c, _, n, err := logfmt.ParseCheckpoint(signed, k.Origin, v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", err, assay.ErrCorrupt)
	}
	for line := range strings.Lines(string(signed[len(n.Text)+1:])) {
		// The note package lets unused bits of the last base64 digit pass, and
		// drops lines that are repeated.
		_, sig, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\u2014 "), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(sig); err != nil {
			return Checkpoint{}, fmt.Errorf("checkpoint: a signature is not in the one spelling of base64: %w",
				assay.ErrCorrupt)
		}
	}
	out := Checkpoint{Origin: c.Origin, Size: c.Size}
	if len(c.Hash) != len(out.Root) {
		return Checkpoint{}, fmt.Errorf("checkpoint: a root of %d bytes, want %d: %w", len(c.Hash),
			len(out.Root), assay.ErrCorrupt)
	}
	copy(out.Root[:], c.Hash)
	if !strings.HasPrefix(n.Text, out.String()) {
		return Checkpoint{}, errNotCanonical
	}
	return out, nil
}

// ParseCheckpointBody reads the text that a checkpoint's signature covers, alone or from a note, in its one spelling.
// It checks no signature: a signer uses it to read what it is asked to sign, and the anchor to read what was signed.
func ParseCheckpointBody(body []byte) (Checkpoint, error) {
	if len(body) > MaxCheckpointBytes {
		return Checkpoint{}, fmt.Errorf("checkpoint: %d bytes, at most %d are allowed: %w", len(body),
			MaxCheckpointBytes, assay.ErrCorrupt)
	}
	var c logfmt.Checkpoint
	if _, err := c.Unmarshal(body); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", err, assay.ErrCorrupt)
	}
	out := Checkpoint{Origin: c.Origin, Size: c.Size}
	if len(c.Hash) != len(out.Root) {
		return Checkpoint{}, fmt.Errorf("checkpoint: a root of %d bytes, want %d: %w", len(c.Hash),
			len(out.Root), assay.ErrCorrupt)
	}
	copy(out.Root[:], c.Hash)
	if !strings.HasPrefix(string(body), out.String()) {
		return Checkpoint{}, errNotCanonical
	}
	return out, nil
}
