// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Vector is what a plan makes of an event: one float64 per feature, in plan
// order. A missing feature is NaN.
type Vector struct {
	Plan   Digest    // digest of the frozen plan that made it
	Values []float64 // length = number of features of the plan
}

// vectorTag separates vector digests from all others. Frozen.
const vectorTag = "assay/vector/v1\n"

// canonicalNaN is the one NaN pattern that canonical bytes hold.
const canonicalNaN = 0x7ff8000000000000

// MaxVectorValues bounds a vector that is read from bytes.
const MaxVectorValues = 1 << 16

// AppendBinary appends the canonical bytes of v: plan digest (32 bytes), the
// number of values (uint32, little-endian), then each value as a little-endian
// IEEE-754 float64 with every NaN written as 7ff8000000000000.
func (v *Vector) AppendBinary(b []byte) []byte {
	b = append(b, v.Plan[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(v.Values)))
	for _, x := range v.Values {
		u := math.Float64bits(x)
		if x != x {
			u = canonicalNaN
		}
		b = binary.LittleEndian.AppendUint64(b, u)
	}
	return b
}

// Digest is the feature hash: SHA-256("assay/vector/v1\n" || canonical bytes).
func (v *Vector) Digest() Digest {
	return Sum(vectorTag, v.AppendBinary(make([]byte, 0, 36+8*len(v.Values))))
}

// ParseVector reads canonical bytes. It accepts no others, so that every
// vector has exactly one encoding.
func ParseVector(b []byte) (Vector, error) {
	var v Vector
	if len(b) < 36 {
		return v, fmt.Errorf("vector: %d bytes, want at least 36: %w", len(b), ErrCorrupt)
	}
	n := binary.LittleEndian.Uint32(b[32:])
	if n > MaxVectorValues || len(b) != 36+8*int(n) {
		return v, fmt.Errorf("vector: %d bytes do not hold %d values: %w", len(b), n, ErrCorrupt)
	}
	copy(v.Plan[:], b)
	v.Values = make([]float64, n)
	for i := range v.Values {
		u := binary.LittleEndian.Uint64(b[36+8*i:])
		x := math.Float64frombits(u)
		if x != x && u != canonicalNaN {
			return Vector{}, fmt.Errorf("vector: value %d is a NaN with another pattern than the canonical one: %w", i,
				ErrCorrupt)
		}
		v.Values[i] = x
	}
	return v, nil
}
