// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/hmac"
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

func commit(key []byte, tag string, data []byte) assay.Digest {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(tag))
	m.Write(data)
	var d assay.Digest
	m.Sum(d[:0])
	return d
}
