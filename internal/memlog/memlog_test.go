// SPDX-License-Identifier: Apache-2.0

package memlog

import (
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// TestLog checks every pair of small trees with the library's verifier, and
// that a fork is one.
func TestLog(t *testing.T) {
	t.Parallel()
	l := New("x")
	l.Grow(40)
	for to := uint64(1); to <= 40; to++ {
		for from := uint64(1); from <= to; from++ {
			p, err := l.Consistency(t.Context(), from, to)
			if err != nil {
				t.Fatal(err)
			}
			a, b := l.Root(from), l.Root(to)
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, from, to, p, a[:], b[:]); err != nil {
				t.Errorf("%d -> %d: %v", from, to, err)
			}
		}
	}
	five, six := l.Root(5), l.Root(6)
	l.Fork(5)
	l.Grow(35)
	if l.Root(5) != five || l.Root(6) == six || l.Size() != 40 {
		t.Error("a fork at 5 has not kept 5 leaves and changed the sixth")
	}
}

// TestGrowth checks drawn trees of all sizes with the library's verifier.
func TestGrowth(t *testing.T) {
	t.Parallel()
	for from := uint64(1); from < 70; from++ {
		for to := from + 1; to < 140; to += 1 + from%3 {
			for _, scale := range []uint64{1, 1 << 33} {
				g := Growth{Seed: from, From: from * scale, To: to*scale + from%2}
				var path [][]byte
				for _, n := range g.Proof() {
					path = append(path, n[:])
				}
				a, b := g.Root(g.From), g.Root(g.To)
				if err := proof.VerifyConsistency(rfc6962.DefaultHasher, g.From, g.To, path, a[:], b[:]); err != nil {
					t.Fatalf("%+v: %v", g, err)
				}
			}
		}
	}
}
