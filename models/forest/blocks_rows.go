// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/bits"
)

// rows is the data of blocks: rows of what each block leads to. A row has a slot
// of 32 bytes for each exit, of which a block takes the first 24 bytes or the
// last, and a leaf any 8. What a row leaves free, others take.
type rows struct {
	data  []uint8
	taken []uint64 // a bit for each 8 bytes
	from  int      // of taken: what is before is full enough
}

// rowWindow is the number of elements of taken, of 512 bytes each, where room
// for a row is looked for.
const rowWindow = 6

// more makes the data longer by what one element of taken stands for.
func (r *rows) more() {
	const size = 64 * leafSize
	at := len(r.data)
	if at+size > cap(r.data) {
		r.data = append(aligned(at + size + at/4)[:0], r.data...)
	}
	r.data = r.data[:at+size]
	r.taken = append(r.taken, 0)
	r.from = max(r.from, len(r.taken)-rowWindow)
}

// take gives the position of a row of n exits; those of open are blocks.
func (r *rows) take(open uint16, n int) int {
	outside := uint64(0)
	if open != 0 { // a block begins with its slot or 8 bytes later
		outside = 0xcccccccccccccccc
	}
	for w := r.from; ; w++ {
		for w+2 > len(r.taken) {
			r.more()
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
