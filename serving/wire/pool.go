// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// Pool keeps memory for messages by powers of two of its size, and does not
// clear it: whoever takes a buffer writes all of its length before it is sent.
// grpc's own pool clears a buffer's whole capacity each time, a megabyte for a
// message of 33 KB.
//
// Its zero value is ready to use, and safe for concurrent use.
type Pool struct {
	tiers [maxTier - minTier + 1]sync.Pool // *[]byte of 1<<(minTier+i) bytes
}

// Buffers of 1<<minTier to 1<<maxTier bytes are kept. mem.NewBuffer does not give
// back those of up to 1 KB, so there are none.
const (
	minTier = 11
	maxTier = 22
)

var _ mem.BufferPool = (*Pool)(nil)

// Get implements mem.BufferPool. The bytes are those of whoever had them before.
func (p *Pool) Get(length int) *[]byte {
	tier := max(bits.Len(uint(max(length, 1)-1)), minTier)
	if tier > maxTier {
		b := make([]byte, length)
		return &b
	}
	if b, ok := p.tiers[tier-minTier].Get().(*[]byte); ok {
		*b = (*b)[:length]
		return b
	}
	b := make([]byte, length, 1<<tier)
	return &b
}

// Put implements mem.BufferPool.
func (p *Pool) Put(b *[]byte) {
	tier := bits.Len(uint(cap(*b))) - 1
	if tier < minTier || tier > maxTier {
		return
	}
	p.tiers[tier-minTier].Put(b)
}

// buffers is the pool of this package's codec and replies.
var buffers Pool

// Buffers returns the pool that the codec and the replies take their memory
// from, for the transport under them.
func Buffers() *Pool { return &buffers }
