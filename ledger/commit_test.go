// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"
)

func TestCommitIsHMAC(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100, 1900, 5000} {
		for _, k := range []int{0, 32, 64, 65} {
			key, data := bytes.Repeat([]byte{5}, k), bytes.Repeat([]byte{6}, n)
			m := hmac.New(sha256.New, key)
			m.Write([]byte(vectorTag))
			m.Write(data)
			if got := CommitVector(key, data); !bytes.Equal(got[:], m.Sum(nil)) {
				t.Errorf("key of %d bytes, data of %d", k, n)
			}
		}
	}
}
