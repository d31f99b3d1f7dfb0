// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is a SHA-256 hash. It names a plan, a model, a policy, a vector or a
// record, and prints as 64 lower-case hexadecimal digits.
type Digest [sha256.Size]byte

// Sum returns the digest of tag || data..., where tag is a domain separator
// that ends in a newline, so that a digest of one kind of thing can never be
// mistaken for a digest of another.
func Sum(tag string, data ...[]byte) Digest {
	h := sha256.New()
	h.Write([]byte(tag))
	for _, d := range data {
		h.Write(d)
	}
	var out Digest
	h.Sum(out[:0])
	return out
}

// ParseDigest reads the 64 hexadecimal digits that String writes.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("digest %q: want %d hexadecimal digits, got %d characters", s, 2*len(d), len(s))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return d, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// String returns d as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short returns the first 12 digits of d, for people to compare by eye.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// IsZero reports whether d is the zero digest, which names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes d as hexadecimal digits (JSON, YAML, flags).
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(b []byte) error {
	v, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
