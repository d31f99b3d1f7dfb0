// SPDX-License-Identifier: Apache-2.0

package memlog

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/transparency-dev/merkle/rfc6962"
)

// Growth is a tree that has grown from From leaves to To, with 0 < From < To of
// up to 2^63. The hash of each subtree that lies wholly on one side of From comes
// from the seed and not from leaves. It is written from RFC 9162 and shares no
// code with Log.
type Growth struct {
	Seed     uint64
	From, To uint64
}

// Root is the root of the first n leaves, for n = From or n = To.
func (g Growth) Root(n uint64) [32]byte { return [32]byte(g.hash(0, n)) }

// Proof is the consistency proof from From to To.
func (g Growth) Proof() [][32]byte { return g.subproof(0, g.To, true) }

// hash is the root of the leaves from lo to hi.
func (g Growth) hash(lo, hi uint64) []byte {
	size := hi - lo
	if lo >= g.From || hi <= g.From && size&(size-1) == 0 {
		var b [24]byte
		binary.BigEndian.PutUint64(b[:], g.Seed)
		binary.BigEndian.PutUint64(b[8:], lo)
		binary.BigEndian.PutUint64(b[16:], hi)
		h := sha256.Sum256(b[:])
		return h[:]
	}
	k := largestPowerBelow(size)
	return rfc6962.DefaultHasher.HashChildren(g.hash(lo, lo+k), g.hash(lo+k, hi))
}

// subproof is SUBPROOF of RFC 9162, section 2.1.4.1, for the leaves from lo to
// hi; whole says that the verifier knows the root of the tree that ends at
// From.
func (g Growth) subproof(lo, hi uint64, whole bool) [][32]byte {
	if hi == g.From {
		if whole {
			return nil
		}
		return [][32]byte{[32]byte(g.hash(lo, hi))}
	}
	k := largestPowerBelow(hi - lo)
	if g.From <= lo+k {
		return append(g.subproof(lo, lo+k, whole), [32]byte(g.hash(lo+k, hi)))
	}
	return append(g.subproof(lo+k, hi, false), [32]byte(g.hash(lo, lo+k)))
}

// largestPowerBelow is the largest power of two below n.
func largestPowerBelow(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }
