// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Budget is an allocator for decoders that believe what a file claims. An
// allocation of more than Buffer bytes panics with a *TooLarge, and so does one
// that makes it more than Total bytes in all (0: no such limit). The library's
// readers turn panics into errors; who calls other parts of it must recover.
type Budget struct {
	Buffer, Total int64
	spent         atomic.Int64
}

// TooLarge is the panic of a Budget.
type TooLarge struct{ Asked, Allowed int64 }

// Error implements error.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("%d bytes of memory are asked for, at most %d are allowed", e.Asked, e.Allowed)
}

// Allocate implements memory.Allocator.
func (b *Budget) Allocate(size int) []byte {
	b.spend(size, size)
	return memory.DefaultAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (b *Budget) Reallocate(size int, p []byte) []byte {
	b.spend(size, size-cap(p))
	return memory.DefaultAllocator.Reallocate(size, p)
}

// Free implements memory.Allocator. It does not give freed bytes back to the
// budget, which also bounds the work of decoding.
func (b *Budget) Free(p []byte) { memory.DefaultAllocator.Free(p) }

func (b *Budget) spend(size, more int) {
	if size < 0 || int64(size) > b.Buffer {
		panic(&TooLarge{int64(size), b.Buffer})
	}
	if all := b.spent.Add(int64(max(more, 0))); b.Total > 0 && all > b.Total {
		panic(&TooLarge{all, b.Total})
	}
}
