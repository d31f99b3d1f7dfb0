// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	assay "github.com/assayrisk/assay"
)

// Domain separators of the two commitments. Frozen.
var (
	decisionTag = []byte("assay/commit/decision/v1\n")
	vectorTag   = []byte("assay/commit/vector/v1\n")
)

// CommitDecision returns HMAC-SHA256(key, tag || canonical decision). The key is
// 32 random-looking bytes that only this record uses: without it the commitment
// says nothing about the decision, and with it no other decision fits.
func CommitDecision(key, decision []byte) assay.Digest { return commit(key, decisionTag, decision) }

// CommitVector returns HMAC-SHA256(key, tag || canonical vector).
func CommitVector(key, vector []byte) assay.Digest { return commit(key, vectorTag, vector) }

// hashers are SHA-256 states to be used again: each record of the journal needs four.
var hashers = sync.Pool{New: func() any { return &hasher{h: sha256.New()} }}

type hasher struct {
	h   hash.Hash
	pad [sha256.BlockSize]byte
	sum [sha256.Size]byte
}

// commit is HMAC-SHA256 (RFC 2104) written by hand, because each record of the
// journal needs two and the library allocates ten times for each;
// TestCommitIsHMAC compares the two.
func commit(key []byte, tag, data []byte) (out assay.Digest) {
	s := hashers.Get().(*hasher)
	defer hashers.Put(s)
	clear(s.pad[:])
	if len(key) > len(s.pad) {
		k := sha256.Sum256(key)
		copy(s.pad[:], k[:])
	} else {
		copy(s.pad[:], key)
	}
	xorBlock(&s.pad, 0x3636363636363636)
	s.h.Reset()
	s.h.Write(s.pad[:])
	s.h.Write(tag)
	s.h.Write(data)
	s.h.Sum(s.sum[:0])
	xorBlock(&s.pad, 0x3636363636363636^0x5c5c5c5c5c5c5c5c)
	s.h.Reset()
	s.h.Write(s.pad[:])
	s.h.Write(s.sum[:])
	s.h.Sum(out[:0])
	return out
}

// xorBlock applies a mask to each eight bytes of a block.
func xorBlock(b *[sha256.BlockSize]byte, mask uint64) {
	for i := 0; i < len(b); i += 8 {
		binary.NativeEndian.PutUint64(b[i:], binary.NativeEndian.Uint64(b[i:])^mask)
	}
}
