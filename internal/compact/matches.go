// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"encoding/binary"
	"math/bits"
)

const (
	hashBits   = 12
	foundBytes = 4 // the shortest match that is looked for
)

// sequence says: so many literals, then a match of so many bytes. The offset says
// how far in front of its place the match is, plus offsetBias; or it is
// repeatOffset.
type sequence struct{ literals, match, offset uint16 }

const (
	// repeatOffset is the offset of the match before. The format has it behind literals
	// only.
	repeatOffset = 1
	offsetBias   = 3
)

// hashHeads is, for each hash, the newest place in a window whose bytes have it.
type hashHeads [1 << hashBits]uint16

// hash is that of the first foundBytes of 8.
func hash(v uint64) uint64 {
	return v << (64 - 8*foundBytes) * 0x9fb21c651e98df25 >> (64 - hashBits)
}

// headsOf enters the places of content.
func headsOf(content []byte) *hashHeads {
	heads := &hashHeads{}
	for at := 0; at+8 <= len(content); at++ {
		heads[hash(binary.LittleEndian.Uint64(content[at:]))] = uint16(at)
	}
	return heads
}

// matcher divides records into literals and matches.
type matcher struct {
	content   []byte
	known     *hashHeads // of content
	window    window
	heads     hashHeads
	literals  [maxRecordBytes + padding]byte
	sequences [maxRecordBytes / foundBytes]sequence
}

func newMatcher(content []byte, known *hashHeads) *matcher {
	m := &matcher{content: content, known: known}
	copy(m.window[:], content)
	return m
}

// divide divides a record of at most maxRecordBytes. The offset in front of its
// first sequence is given. What it returns is valid until the next call; literals
// behind the last sequence end the record.
func (m *matcher) divide(record []byte, offset int) (literals []byte, sequences []sequence) {
	copy(m.heads[:], m.known[:])
	start := len(m.content)
	end := start + copy(m.window[start:start+maxRecordBytes], record)
	w, anchor, at, l, n := &m.window, start, start, 0, 0
	for at < end-8 {
		v := w.load(at)
		h := hash(v)
		from, code := int(m.heads[h]), repeatOffset
		m.heads[h] = uint16(at)
		if uint32(v) == uint32(w.load(at-offset)) && at > anchor {
			from = at - offset
		} else if uint32(v) == uint32(w.load(from)) {
			for at > anchor && from > 0 && w[(at-1)&(places-1)] == w[(from-1)&(places-1)] {
				at, from = at-1, from-1
			}
			if at-from != offset || at == anchor {
				code = at - from + offsetBias
			}
			offset = at - from
		} else {
			at += 1 + (at-anchor)>>6 // the longer nothing is found, the less is looked for
			continue
		}
		l = m.copyLiterals(l, anchor, at)
		length := m.common(at, from, end)
		m.sequences[n] = sequence{uint16(at - anchor), uint16(length), uint16(code)}
		n++
		m.heads[hash(w.load(at+2))] = uint16(at + 2)
		at += length
		anchor = at
		m.heads[hash(w.load(at-2))] = uint16(at - 2)
	}
	l = m.copyLiterals(l, anchor, end)
	return m.literals[:l], m.sequences[:n]
}

// copyLiterals writes window[from:to] behind the first l literals, and returns how
// many there are then.
func (m *matcher) copyLiterals(l, from, to int) int {
	n := to - from
	if n > 16 {
		return l + copy(m.literals[l:], m.window[from:to])
	}
	dst := (*[16]byte)(m.literals[l&(maxRecordBytes-1):])
	binary.LittleEndian.PutUint64(dst[:], m.window.load(from))
	binary.LittleEndian.PutUint64(dst[8:], m.window.load(from+8))
	return l + n
}

// common is how many bytes from two places on are the same, up to end.
func (m *matcher) common(at, from, end int) int {
	n := 0
	for n < end-at {
		if x := m.window.load(at+n) ^ m.window.load(from+n); x != 0 {
			n += bits.TrailingZeros64(x) >> 3
			break
		}
		n += 8
	}
	return min(n, end-at)
}
