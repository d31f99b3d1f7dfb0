// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"bytes"
	"encoding/binary"
)

// literalsTable is what a dictionary must have in front of its tables: a Huffman
// code for literals. It has one bit for the bytes 0 and 1 each, and is not used:
// literals here are mostly digests, ids and the low bits of numbers, of which a code
// saves less than it costs.
var literalsTable = []byte{128, 1 << 4}

// tables are the codes of a dictionary, and the offset with which a record starts.
type tables struct {
	codes  [codeKinds]*codeTable
	slots  [codeKinds]slotTable
	offset int
}

var lengthsOf = [codeKinds]*[64]lengthCode{&literalLengths, &matchLengths, &offsets}

// tableOrder is that of the tables in a dictionary.
var tableOrder = []codeKind{offsetCodes, matchCodes, literalCodes}

// offsetsBytes holds the three offsets behind the tables.
const offsetsBytes = 3 * 4

// appendTables appends the tables for codes that are used so often, and offsets:
// the one for a record's start, and two that are not used.
func appendTables(dst []byte, uses *[codeKinds][]int, offset int) []byte {
	dst = append(dst, literalsTable...)
	for _, kind := range tableOrder {
		dst = appendSlots(dst, shareSlots(uses[kind], tableBits(kind)), tableBits(kind))
	}
	for _, o := range []int{offset, 1, 1} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(o))
	}
	return dst
}

// readTables reads what appendTables wrote, and returns what is behind it, the
// content. It reports false for what appendTables does not write.
func readTables(b []byte) (t *tables, content []byte, ok bool) {
	if b, ok = bytes.CutPrefix(b, literalsTable); !ok {
		return nil, nil, false
	}
	t = &tables{}
	for _, kind := range tableOrder {
		slots, bits, rest, ok := readSlots(b, codeCounts[kind], tableBits(kind))
		if !ok {
			return nil, nil, false
		}
		t.codes[kind], t.slots[kind], b = newCodeTable(slots, bits), newSlotTable(slots, bits, lengthsOf[kind]), rest
	}
	if len(b) < offsetsBytes+minContentBytes || len(b) > offsetsBytes+maxContentBytes {
		return nil, nil, false
	}
	content = b[offsetsBytes:]
	offset := binary.LittleEndian.Uint32(b)
	t.offset = int(offset)
	return t, content, offset >= 1 && offset <= uint32(len(content))
}

// countUses counts how often samples need each code, and each offset of a first
// match, after content and with this offset at the start.
func countUses(content []byte, samples [][]byte, offset int) (uses [codeKinds][]int, first map[int]int) {
	for kind := range uses {
		uses[kind] = make([]int, codeCounts[kind])
	}
	first = map[int]int{}
	m := newMatcher(content, headsOf(content))
	for _, s := range samples {
		_, sequences := m.divide(s[:min(len(s), maxRecordBytes)], offset)
		for i, q := range sequences {
			uses[literalCodes][literalCode(q.literals).code]++
			uses[matchCodes][matchCode(q.match).code]++
			uses[offsetCodes][offsetCode(q.offset)]++
			if i > 0 {
				continue
			}
			if q.offset == repeatOffset {
				first[offset]++
			} else {
				first[int(q.offset)-offsetBias]++
			}
		}
	}
	return uses, first
}

// startOffset is the offset most used for first matches, the least of equals, among
// those within the content; 1 if there is none.
func startOffset(first map[int]int, contentBytes int) int {
	best := 1
	for offset, n := range first {
		if offset <= contentBytes && (n > first[best] || n == first[best] && offset < best) {
			best = offset
		}
	}
	return best
}
