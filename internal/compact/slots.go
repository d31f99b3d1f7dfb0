// SPDX-License-Identifier: Apache-2.0

package compact

// minTableBits is that of the smallest tables in the format.
const minTableBits = 5

// shareSlots shares the slots of a table among codes: one for each, so that every
// record can be written, and each further one to the code with the most uses a slot.
func shareSlots(uses []int, tableBits uint8) []int {
	slots := make([]int, len(uses))
	for i := range slots {
		slots[i] = 1
	}
	for range 1<<tableBits - len(uses) {
		best := 0
		for i := range uses {
			if uses[i]*slots[best] > uses[best]*slots[i] {
				best = i
			}
		}
		slots[best]++
	}
	return slots
}

// slotWidth follows how wide the next number in a table's description is (RFC
// 8878, section 4.1.1): as wide as the slots that are left make necessary.
type slotWidth struct {
	left, threshold int
	bits            int
}

func newSlotWidth(tableBits uint8) slotWidth {
	return slotWidth{left: 1<<tableBits + 1, threshold: 1 << tableBits, bits: int(tableBits) + 1}
}

// short is how many of the numbers take one bit less.
func (w *slotWidth) short() int { return 2*w.threshold - 1 - w.left }

func (w *slotWidth) take(slots int) {
	w.left -= slots
	for w.left < w.threshold && w.threshold > 1 {
		w.bits--
		w.threshold >>= 1
	}
}

// appendSlots appends a table's description. No code has zero slots.
func appendSlots(dst []byte, slots []int, tableBits uint8) []byte {
	var s bitString
	s.add(int(tableBits)-minTableBits, 4)
	w := newSlotWidth(tableBits)
	for _, n := range slots {
		switch value := n + 1; {
		case value < w.short():
			s.add(value, w.bits-1)
		case value < w.threshold:
			s.add(value, w.bits)
		default:
			s.add(value+w.short(), w.bits)
		}
		w.take(n)
	}
	return append(dst, s.bytes...)
}

// readSlots reads a description that appendSlots wrote for so many codes, and
// returns what is behind it. It reports false for others.
func readSlots(b []byte, codes int, maxBits uint8) (slots []int, tableBits uint8, rest []byte, ok bool) {
	s := bitString{bytes: b}
	tableBits = uint8(minTableBits + s.peek(4))
	s.bits += 4
	if tableBits > maxBits {
		return nil, 0, nil, false
	}
	for w := newSlotWidth(tableBits); w.left > 1; {
		value := s.peek(w.bits)
		if low := value & (w.threshold - 1); low < w.short() {
			value = low
			s.bits--
		} else if value >= w.threshold {
			value -= w.short()
		}
		s.bits += w.bits
		n := value - 1
		if n <= 0 || n >= w.left || len(slots) == codes {
			return nil, 0, nil, false
		}
		slots = append(slots, n)
		w.take(n)
	}
	if len(slots) != codes || s.bits > 8*len(b) {
		return nil, 0, nil, false
	}
	return slots, tableBits, b[(s.bits+7)/8:], true
}

// bitString holds bits, the first in the lowest bit of the first byte.
type bitString struct {
	bytes []byte
	bits  int // that are written, or read
}

// add appends the lowest n bits of v.
func (s *bitString) add(v, n int) {
	for i := range n {
		if s.bits%8 == 0 {
			s.bytes = append(s.bytes, 0)
		}
		s.bytes[s.bits/8] |= byte(v>>i&1) << (s.bits % 8)
		s.bits++
	}
}

// peek returns the next n bits, with zeros for what is behind the end.
func (s *bitString) peek(n int) (v int) {
	for i := range n {
		if at := s.bits + i; at < 8*len(s.bytes) {
			v |= int(s.bytes[at/8]>>(at%8)&1) << i
		}
	}
	return v
}
