// SPDX-License-Identifier: Apache-2.0

package compact

import "math/bits"

// maxTableBits is that of the greatest tables.
const maxTableBits = 9

// tableBits is the greatest size of a table that the format allows, as a power of
// two.
func tableBits(kind codeKind) uint8 {
	if kind == offsetCodes {
		return 8
	}
	return maxTableBits
}

// codeTable is a finite-state entropy code (RFC 8878, section 4.1). Its state is
// one of the table's slots, each of which is of one code. To write a code, some low
// bits of the state are given off, and the others say which of the code's slots
// comes next.
type codeTable struct {
	bits uint8
	next [1 << maxTableBits]uint16 // by code, its slots; each plus the size of the table
	step [64]codeStep              // by code
}

// codeStep says how a code is written: how many bits a state gives off is given
// plus the state, shifted by 16. What is left of the state, plus first, is a place
// in next.
type codeStep struct {
	given uint32
	first int32
}

// newCodeTable makes the table in which every code has so many slots, at least one.
func newCodeTable(slots []int, tableBits uint8) *codeTable {
	t, size := &codeTable{bits: tableBits}, 1<<tableBits
	place := make([]int, len(slots)) // of the next slot of each code
	before := 0
	for code, n := range slots {
		// States from n<<most on give off most bits, and those below one less.
		most := int(tableBits) + 1 - max(bits.Len(uint(n-1)), 1)
		t.step[code] = codeStep{given: uint32(most<<16) - uint32(n<<most), first: int32(before - n)}
		place[code] = before
		before += n
	}
	for slot, code := range slotCodes(slots, tableBits) {
		t.next[place[code]] = uint16(size + slot)
		place[code]++
	}
	return t
}

// slotCodes says of which code each slot is: the codes are spread as the format
// prescribes.
func slotCodes(slots []int, tableBits uint8) []uint8 {
	size := 1 << tableBits
	codes := make([]uint8, size)
	at, step := 0, size>>1+size>>3+3
	for code, n := range slots {
		for range n {
			codes[at] = uint8(code)
			at = (at + step) & (size - 1)
		}
	}
	return codes
}

// start is the state after the first code.
func (t *codeTable) start(code uint8) uint32 {
	s := &t.step[code&63]
	given := (s.given + 1<<15) >> 16
	return t.after((given<<16-s.given)>>(given&31), s)
}

// write adds the bits that state gives off for code, and returns the next state.
func (t *codeTable) write(p pendingBits, state uint32, code uint8) (pendingBits, uint32) {
	s := &t.step[code&63]
	given := (state + s.given) >> 16
	return p.add(uint64(state)&(1<<(given&31)-1), uint8(given)), t.after(state>>(given&31), s)
}

// end adds the last state, with which a reader starts.
func (t *codeTable) end(p pendingBits, state uint32) pendingBits {
	return p.add(uint64(state)&(1<<t.bits-1), t.bits)
}

// after is the state that follows what is left of the one before.
func (t *codeTable) after(left uint32, s *codeStep) uint32 {
	return uint32(t.next[(left+uint32(s.first))&(1<<maxTableBits-1)])
}

// slotTable is a codeTable for reading: for every slot, what its code says, and
// which slots can come next.
type slotTable struct {
	bits  uint8
	slots [1 << maxTableBits]slot
}

type slot struct {
	base  uint16 // of the code's length or offset
	next  uint16 // the first of the slots that can come next
	extra uint8  // bits that are added to base
	bits  uint8  // that are added to next
}

func (t *slotTable) slot(state int) *slot { return &t.slots[state&(1<<maxTableBits-1)] }

// newSlotTable makes the table in which every code has so many slots, and means a
// length or offset.
func newSlotTable(slots []int, tableBits uint8, codes *[64]lengthCode) slotTable {
	t := slotTable{bits: tableBits}
	seen := append([]int(nil), slots...)
	for i, code := range slotCodes(slots, tableBits) {
		n := seen[code]
		seen[code]++
		given := tableBits + 1 - uint8(bits.Len(uint(n)))
		t.slots[i] = slot{base: codes[code].base, extra: codes[code].bits,
			next: uint16(n<<given - 1<<tableBits), bits: given}
	}
	return t
}
