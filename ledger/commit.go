// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/sha256"

	assay "github.com/assayrisk/assay"
)

// Domain separators of the two commitments. Frozen.
const (
	decisionTag = "assay/commit/decision/v1\n"
	vectorTag   = "assay/commit/vector/v1\n"
)

// CommitDecision returns HMAC-SHA256(key, tag || canonical decision). The key
// is 32 random-looking bytes of this record alone: without it the commitment
// says nothing about the decision, and with it the decision cannot be another.
func CommitDecision(key, decision []byte) assay.Digest { return commit(key, decisionTag, decision) }

// CommitVector returns HMAC-SHA256(key, tag || canonical vector).
func CommitVector(key, vector []byte) assay.Digest { return commit(key, vectorTag, vector) }

// commit is HMAC-SHA256 (RFC 2104) written out, because each record of the
// journal needs two and the library's way allocates ten times;
// TestCommitIsHMAC compares the two.
func commit(key []byte, tag string, data []byte) assay.Digest {
	var stack [2048]byte
	buf := stack[:sha256.BlockSize]
	var k [sha256.BlockSize]byte
	if len(key) > len(k) {
		h := sha256.Sum256(key)
		copy(k[:], h[:])
	} else {
		copy(k[:], key)
	}
	for i := range k {
		buf[i] = k[i] ^ 0x36
	}
	buf = append(buf, tag...)
	buf = append(buf, data...)
	inner := sha256.Sum256(buf)
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range k {
		outer[i] = k[i] ^ 0x5c
	}
	copy(outer[sha256.BlockSize:], inner[:])
	return sha256.Sum256(outer[:])
}
