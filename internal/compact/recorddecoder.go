// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"encoding/binary"
	"math/bits"
)

// recordDecoder reads frames that recordEncoder wrote. It refuses all others, and
// does not say why.
type recordDecoder struct {
	window window
	start  int // of a record in the window
	tables *tables
}

func newRecordDecoder(d *Dictionary) *recordDecoder {
	r := &recordDecoder{start: len(d.content), tables: d.tables}
	copy(r.window[:], d.content)
	return r
}

// recordFrame is a frame whose head is one that recordEncoder writes.
type recordFrame struct {
	bytes []byte
	id    uint32 // of the dictionary
	size  int    // of the content
	kind  int    // of the block
	block int    // its place
}

// parseRecordFrame reads the head of a frame.
func parseRecordFrame(b []byte) (f recordFrame, ok bool) {
	if len(b) < 10+blockHeadBytes || binary.LittleEndian.Uint32(b) != frameMagic {
		return f, false
	}
	at := 10
	switch b[4] {
	case singleSegment | fourByteID:
		f.size = int(b[9])
	case singleSegment | fourByteID | twoByteSize:
		f.size = twoByteLeast + int(binary.LittleEndian.Uint16(b[9:]))
		at++
	default:
		return f, false
	}
	if len(b) < at+blockHeadBytes {
		return f, false
	}
	h := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
	f.bytes, f.id, f.kind, f.block = b, binary.LittleEndian.Uint32(b[5:]), h&(3<<1), at+blockHeadBytes
	return f, f.size <= maxRecordBytes && h&lastBlock != 0 && h>>3 == len(b)-f.block
}

// read appends what f holds.
func (r *recordDecoder) read(dst []byte, f *recordFrame) ([]byte, bool) {
	switch f.kind {
	case rawBlock:
		return append(dst, f.bytes[f.block:]...), len(f.bytes)-f.block == f.size
	case compressedBlock:
		ok := r.readBlock(f)
		return append(dst, r.window[r.start:r.start+f.size]...), ok
	}
	return dst, false
}

// readBlock writes what f holds into the window, behind the dictionary's content.
func (r *recordDecoder) readBlock(f *recordFrame) bool {
	b := f.bytes
	literal, at := rawLiterals(b, f.block)
	if at < 0 || at+3 >= len(b) {
		return false
	}
	literalsEnd, count := at, int(b[at])
	at++
	if count >= longCount {
		count = (count-longCount)<<8 | int(b[at])
		at++
	}
	if count == 0 || count >= longestCount || b[at] != dictionaryTables || at+1 == len(b) || b[len(b)-1] == 0 {
		return false
	}
	literal, place, ok := r.readSequences(b, at+1, count, literal, literalsEnd, r.start+f.size)
	if !ok || literalsEnd-literal != r.start+f.size-place {
		return false
	}
	copy(r.window[place:], b[literal:literalsEnd])
	return true
}

// readSequences reads count sequences from b[first:], and writes into the window up
// to end, with literals from b[literal:literalsEnd]. It returns the places of the
// next literal, and in the window.
func (r *recordDecoder) readSequences(b []byte, first, count, literal, literalsEnd, end int) (int, int, bool) {
	literalTable, matchTable, offsetTable :=
		&r.tables.slots[literalCodes], &r.tables.slots[matchCodes], &r.tables.slots[offsetCodes]
	s := bitsBefore(b, 8*len(b)-bits.LeadingZeros8(b[len(b)-1])-1)
	literalState, s := s.take(literalTable.bits)
	offsetState, s := s.take(offsetTable.bits)
	matchState, s := s.take(matchTable.bits)
	place, offset := r.start, r.tables.offset
	for {
		l, m, o := literalTable.slot(literalState), matchTable.slot(matchState), offsetTable.slot(offsetState)
		s = bitsBefore(b, s.at)
		var literals, match, code int
		code, s = s.take(o.extra)
		match, s = s.take(m.extra)
		literals, s = s.take(l.extra)
		literals, match, code = literals+int(l.base), match+int(m.base), code+int(o.base)
		if code > offsetBias {
			offset = code - offsetBias
		} else if code != repeatOffset || literals == 0 {
			return 0, 0, false
		}
		if literals > literalsEnd-literal || literals+match > end-place || offset > place+literals {
			return 0, 0, false
		}
		r.window.copyFrom(b, literal, place, literals)
		literal, place = literal+literals, place+literals
		r.window.copyMatch(place, offset, match)
		place += match
		if count--; count == 0 {
			return literal, place, s.at == 8*first
		}
		if s.at < 8*first {
			return 0, 0, false
		}
		s = bitsBefore(b, s.at)
		literalState, s = s.take(l.bits)
		matchState, s = s.take(m.bits)
		offsetState, s = s.take(o.bits)
		literalState, matchState, offsetState =
			literalState+int(l.next), matchState+int(m.next), offsetState+int(o.next)
	}
}

// rawLiterals reads the head of literals that are as they are, and returns the
// place of the first and the one behind the last; -1 if they are not there.
func rawLiterals(b []byte, at int) (start, end int) {
	if at+3 > len(b) {
		return 0, -1
	}
	h := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
	switch {
	case h&7 == 0:
		start, end = at+1, h&0xff>>3
	case h&15 == 1<<2:
		start, end = at+2, h&0xffff>>4
	case h&15 == 3<<2:
		start, end = at+3, h>>4
	default:
		return 0, -1
	}
	if end += start; end > len(b) {
		return 0, -1
	}
	return start, end
}
