// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// Pool keeps buffers for messages, in sizes of powers of two. It does not clear
// them: whoever takes a buffer writes all of its length before it is sent. gRPC's
// own pool clears the whole capacity of a buffer each time, which is a megabyte
// for a message of 33 KB.
//
// Its zero value is ready to use, and safe for concurrent use.
type Pool struct {
	tiers [maxTier - minTier + 1]sync.Pool // *[]byte of 1<<(minTier+i) bytes
}

// Buffers of 1<<minTier to 1<<maxTier bytes are kept. There are none of up to 1 KB,
// since mem.NewBuffer does not return those to the pool.
const (
	minTier = 11
	maxTier = 22
)

var _ mem.BufferPool = (*Pool)(nil)

// Get implements mem.BufferPool. The buffer holds old bytes.
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

// Buffers returns the pool of the codec and the replies, for the transport to use
// as well.
func Buffers() *Pool { return &buffers }
