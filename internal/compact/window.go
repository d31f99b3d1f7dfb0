// SPDX-License-Identifier: Apache-2.0

package compact

import "encoding/binary"

const (
	// maxRecordBytes bounds the records that recordEncoder and recordDecoder take.
	maxRecordBytes = 16 << 10

	// places are those of a window. They are a power of two, so that the compiler knows
	// a masked place to be within them.
	places = 32 << 10
	// padding is kept free behind what a window holds, and lies behind its places: runs
	// of bytes are written as words of 8, of which the last may go beyond.
	padding = 16
)

// window holds a dictionary's content with a record behind it, to which the matches
// of both reach.
type window [places + padding]byte

// load returns the 8 bytes from a place on.
func (w *window) load(at int) uint64 { return binary.LittleEndian.Uint64(w[at&(places-1):]) }

func (w *window) store(at int, v uint64) { binary.LittleEndian.PutUint64(w[at&(places-1):], v) }

// copyFrom writes b[from:from+n] to a place, and may write up to 16 bytes.
func (w *window) copyFrom(b []byte, from, at, n int) {
	if n > 16 || from+16 > len(b) {
		copy(w[at:at+n], b[from:])
		return
	}
	w.store(at, binary.LittleEndian.Uint64(b[from:]))
	w.store(at+8, binary.LittleEndian.Uint64(b[from+8:]))
}

// copyMatch writes n bytes, from so far in front of a place, to the place. Where
// they overlap they repeat.
func (w *window) copyMatch(at, offset, n int) {
	end := at + n
	if offset < 8 {
		for ; at < end; at++ {
			w[at&(places-1)] = w[(at-offset)&(places-1)]
		}
		return
	}
	for ; at < end; at += 8 {
		w.store(at, w.load(at-offset))
	}
}
