// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestGoldenExplanations pins the bits of explanations: reasons are made from them, and
// every architecture must give the same. A multiplication that is fused with what
// follows, as Go may on arm64, gives others.
func TestGoldenExplanations(t *testing.T) {
	h := sha256.New()
	for _, shape := range []foresttest.Shape{
		{Trees: 40, Leaves: 31, Features: 20, Missing: 0.3},
		{Trees: 9, Leaves: 70, Features: 60, Chain: true},
	} {
		m := foresttest.Model(1, shape)
		f, err := Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		rows := foresttest.Rows(1, m, 40)
		out := make([]float64, 40*(f.Features()+1))
		f.ContributionsAll(out, rows)
		for _, v := range out {
			h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
	}
	const want = "04f95742b782f3637b85fce3549d9be994f1da9c3687a7e5f65815fee9f5ae17"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
