// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"crypto/sha256"
)

// Digest returns the SHA-256 of the bytes that WriteJSON writes. Recorded in a
// journal when a model goes live, it shows whether the report
// was replaced later.
func (r *Report) Digest() ([sha256.Size]byte, error) {
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(b.Bytes()), nil
}
