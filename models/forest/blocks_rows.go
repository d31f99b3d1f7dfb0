// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/bits"
)

// exitRows is the data of blocks: a row for the children of each block. A row has
// a slot of 32 bytes for each exit, of which a block takes the first or the last 24
// bytes, and a leaf any 8. Other rows use what a row leaves free.
type exitRows struct {
	data  []uint8
	taken []uint64 // a bit for each 8 bytes
	from  int      // rows are placed from this element of taken on
}

// rowWindow is how many elements of taken, of 512 bytes each, are searched for room
// for a row.
const rowWindow = 6

// grow makes the data longer by the 512 bytes of one element of taken.
func (r *exitRows) grow() {
	const size = 64 * leafSize
	at := len(r.data)
	if at+size > cap(r.data) {
		r.data = append(aligned(at + size + at/4)[:0], r.data...)
	}
	r.data = r.data[:at+size]
	r.taken = append(r.taken, 0)
	r.from = max(r.from, len(r.taken)-rowWindow)
}

// takeRow gives the position of a row of n exits. The exits whose bits are set in
// open are blocks, the others leaves.
func (r *exitRows) takeRow(open uint16, n int) int {
	outside := uint64(0)
	if open != 0 { // a block begins with its slot or 8 bytes later
		outside = 0xcccccccccccccccc
	}
	for w := r.from; ; w++ {
		for w+2 > len(r.taken) {
			r.grow()
		}
		// Where a leaf cannot begin, and where a block cannot.
		var not [2][2]uint64
		low, high := r.taken[w], r.taken[w+1]
		not[0] = [2]uint64{low, high}
		not[1] = [2]uint64{low | low>>1 | low>>2 | high<<63 | high<<62, high | high>>1 | high>>2}
		used := outside
		for k := 0; k < n && used != math.MaxUint64; k++ {
			at := &not[open>>k&1]
			used |= at[0]>>(4*k) | at[1]<<(64-4*k)
		}
		if used == math.MaxUint64 {
			continue
		}
		at := bits.TrailingZeros64(^used)
		row := uint64(0)
		for k := range n {
			row |= (1 + 6*uint64(open>>k&1)) << (4 * k)
		}
		r.taken[w] |= row << at
		r.taken[w+1] |= row >> (64 - at)
		return (64*w + at) * leafSize
	}
}
