// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math/bits"
	"strings"
	"testing"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestPool: a buffer has the length that was asked for and the capacity of its
// tier, whatever buffers were put back before.
func TestPool(t *testing.T) {
	t.Parallel()
	var p Pool
	sizes := []int{0, 1, 255, 256, 257, 1023, 1024, 1025, 65_000, 1 << maxTier, 1<<maxTier + 1}
	for range 3 {
		for _, n := range sizes {
			b := p.Get(n)
			if len(*b) != n {
				t.Fatalf("Get(%d) has the length %d", n, len(*b))
			}
			if want := 1 << max(minTier, bits.Len(uint(max(n, 1)-1))); n <= 1<<maxTier && cap(*b) < want {
				t.Fatalf("Get(%d) has room for %d, want %d", n, cap(*b), want)
			}
			for i := range *b {
				(*b)[i] = byte(n)
			}
			*b = (*b)[:n/2] // users give back a part of the length
			p.Put(b)
		}
	}
	odd := make([]byte, 5000) // not a power of two: serves as the tier below it
	p.Put(&odd)
	small := make([]byte, 10)
	p.Put(&small) // dropped
	for range 4 {
		for _, n := range []int{10, 4000, 4500} {
			if b := p.Get(n); len(*b) != n {
				t.Fatalf("Get(%d) has the length %d", n, len(*b))
			}
		}
	}
}

// TestPooledMessagesAreWhole: a message in pooled memory has no bytes of the one
// before it.
func TestPooledMessagesAreWhole(t *testing.T) {
	t.Parallel()
	c := NewCodec()
	for n := 5000; n > 0; n -= 613 {
		p := buffers.Get(n)
		for i := range *p {
			(*p)[i] = 0xff
		}
		buffers.Put(p)
		want := &pb.ScoreResponse{RequestId: strings.Repeat("r", n), Sequence: uint64(n)}
		plain, err := want.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Materialize()) != string(plain) {
			t.Fatalf("a message of %d bytes came out of the codec differently", len(plain))
		}
		got.Free()
	}
}
