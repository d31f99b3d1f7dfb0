// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// LeafVersion is the version that this code writes.
const LeafVersion = 1

// MaxLeafBytes bounds a leaf that is read from bytes.
const MaxLeafBytes = 512

// Leaf is the public part of a record, the entry of the log. Its canonical
// bytes are a CBOR map in core deterministic encoding with the keys 0 to 7 in
// this order; docs/formats/leaf.md draws them. A leaf does not hold its index:
// its position in the tree is proven, not claimed.
type Leaf struct {
	Version  uint8        `cbor:"0,keyasint" json:"version"` // 1
	Micros   int64        `cbor:"1,keyasint" json:"time_us"` // microseconds since the Unix epoch
	Kind     Kind         `cbor:"2,keyasint" json:"kind"`
	Model    assay.Digest `cbor:"3,keyasint" json:"model"`    // zero if no model was used
	Plan     assay.Digest `cbor:"4,keyasint" json:"plan"`     // the same
	Policy   assay.Digest `cbor:"5,keyasint" json:"policy"`   // the same
	Decision assay.Digest `cbor:"6,keyasint" json:"decision"` // commitment to the decision
	Vector   assay.Digest `cbor:"7,keyasint" json:"vector"`   // commitment to the feature vector
}

// AppendBinary appends the canonical bytes. It writes the library's encoding by
// hand, because each append to the journal makes a leaf; TestLeafIsCanonicalCBOR
// compares the two.
func (l *Leaf) AppendBinary(b []byte) []byte {
	b = append(b, 0xa8, 0x00, l.Version, 0x01) // map of 8; versions are below 24
	if l.Micros >= 0 {
		b = appendHead(b, 0x00, uint64(l.Micros))
	} else {
		b = appendHead(b, 0x20, uint64(-1-l.Micros))
	}
	b = append(b, 0x02)
	b = appendHead(b, 0x00, uint64(l.Kind))
	for i, d := range [...]*assay.Digest{&l.Model, &l.Plan, &l.Policy, &l.Decision, &l.Vector} {
		b = append(b, byte(3+i), 0x58, sha256.Size)
		b = append(b, d[:]...)
	}
	return b
}

// appendHead appends a CBOR head: the major type's three bits and n in its
// shortest form (RFC 8949, section 4.2.1).
func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// ParseLeaf reads canonical bytes and refuses all others.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) > MaxLeafBytes {
		return Leaf{}, fmt.Errorf("leaf: %d bytes, at most %d are allowed: %w", len(b), MaxLeafBytes, assay.ErrCorrupt)
	}
	var l Leaf
	if err := assay.UnmarshalCBOR(b, &l); err != nil {
		return Leaf{}, fmt.Errorf("leaf: %w", err)
	}
	if l.Version != LeafVersion {
		return Leaf{}, fmt.Errorf("leaf: version %d, this program reads version %d: %w", l.Version,
			LeafVersion, assay.ErrCorrupt)
	}
	if !l.Kind.Valid() {
		return Leaf{}, fmt.Errorf("leaf: %s is unknown: %w", l.Kind, assay.ErrCorrupt)
	}
	return l, nil
}

// HashLeaf is the RFC 6962 leaf hash: SHA-256(0x00 || leaf).
func HashLeaf(leaf []byte) assay.Digest {
	var buf [1 + MaxLeafBytes]byte
	if len(leaf) <= MaxLeafBytes {
		return sha256.Sum256(append(buf[:1], leaf...))
	}
	return assay.Sum("\x00", leaf)
}

// HashChildren is the RFC 6962 node hash: SHA-256(0x01 || left || right).
func HashChildren(left, right *assay.Digest) assay.Digest {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = 1
	copy(buf[1:], left[:])
	copy(buf[1+sha256.Size:], right[:])
	return sha256.Sum256(buf[:])
}
