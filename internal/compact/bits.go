// SPDX-License-Identifier: Apache-2.0

package compact

import "encoding/binary"

// outBytes has room for a frame that is given up once it is as long as its record.
const outBytes = 2 * maxRecordBytes

// outBuffer is what frames are written to.
type outBuffer [outBytes + padding]byte

// pendingBits are bits that are not written yet, the first in the lowest. They are
// passed by value, so that they stay in registers.
type pendingBits struct {
	bits uint64
	n    uint
}

// add adds the lowest n bits of v, whose others are zero. Between two calls of
// flush at most 56 bits fit.
func (p pendingBits) add(v uint64, n uint8) pendingBits {
	return pendingBits{p.bits | v<<(p.n&63), p.n + uint(n)}
}

// flush writes whole bytes at a place of out, and returns the place behind them.
func (p pendingBits) flush(out *outBuffer, at int) (pendingBits, int) {
	binary.LittleEndian.PutUint64(out[at&(outBytes-1):], p.bits)
	return pendingBits{p.bits >> (p.n &^ 7 & 63), p.n & 7}, at + int(p.n>>3)
}

// end writes everything, with the bit that ends a stream which is read from its
// end, and returns the place behind it.
func (p pendingBits) end(out *outBuffer, at int) int {
	_, at = p.add(1, 1).add(0, 7).flush(out, at)
	return at
}

// streamBits are the next bits of a stream that is read from its end: at least 57,
// the next in the highest. They are passed by value, so that they stay in registers.
type streamBits struct {
	bits uint64
	at   int // of the bit behind those that are not taken
}

// bitsBefore returns the bits of b before one, which has 64 before it.
func bitsBefore(b []byte, at int) streamBits {
	end := uint(at+7) >> 3
	return streamBits{binary.LittleEndian.Uint64(b[end-8:]) << (8*end - uint(at)), at}
}

// take returns the next n bits.
func (s streamBits) take(n uint8) (int, streamBits) {
	return int(s.bits >> 1 >> (63 - n&63)), streamBits{s.bits << (n & 63), s.at - int(n)}
}
