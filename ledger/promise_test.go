// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// TestGroupIsRFC6962 compares the group's tree with the library's proofs.
func TestGroupIsRFC6962(t *testing.T) {
	t.Parallel()
	var g GroupTree
	for n := 1; n <= 70; n++ {
		leaves := make([]assay.Digest, n)
		for i := range leaves {
			binary.BigEndian.PutUint32(leaves[i][:], uint32(i*n))
		}
		g.Reset(leaves)
		root := g.Root()
		for i := range leaves {
			var path [][]byte
			for _, h := range g.AppendPath(nil, i) {
				path = append(path, bytes.Clone(h[:]))
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), uint64(n), leaves[i][:],
				path, root[:]); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
		}
	}
}
