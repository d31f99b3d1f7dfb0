// SPDX-License-Identifier: Apache-2.0

package compact

import "encoding/binary"

// recordEncoder writes frames of one block, which state the size of their content
// and the id of the dictionary:
//
//	magic (4) | descriptor (1) | id (4) | size (1 or 2) | head of the block (3) | block
//
// The block is the record as it is, or if that is longer:
//
//	literals, with their number (1 to 3) | number of sequences (1 or 2) | 252 | sequences
type recordEncoder struct {
	*matcher
	tables *tables
	id     uint32
	out    outBuffer
}

const (
	frameMagic = 0xfd2fb528

	// Bits of a frame's descriptor (RFC 8878, section 3.1.1.1.1).
	singleSegment = 1 << 5
	fourByteID    = 3
	twoByteSize   = 1 << 6
	twoByteLeast  = 256 // the size that is stated as zero in two bytes

	// The head of a block: its length, its kind, and the mark of the last one (section
	// 3.1.1.2).
	blockHeadBytes  = 3
	rawBlock        = 0 << 1
	compressedBlock = 2 << 1
	lastBlock       = 1

	// dictionaryTables says that the codes of sequences are the dictionary's (section
	// 3.1.1.3.2.1).
	dictionaryTables = 3<<6 | 3<<4 | 3<<2

	// longCount is where the number of sequences begins to take two bytes, and
	// longestCount where it would take three.
	longCount, longestCount = 128, 127 << 8
)

func newRecordEncoder(d *Dictionary) *recordEncoder {
	return &recordEncoder{matcher: newMatcher(d.content, d.heads), tables: d.tables, id: d.id}
}

// frame returns the frame of a record, valid until the next call.
func (e *recordEncoder) frame(record []byte) []byte {
	out, at := e.out[:], 10
	binary.LittleEndian.PutUint32(out, frameMagic)
	binary.LittleEndian.PutUint32(out[5:], e.id)
	if n := len(record); n < twoByteLeast {
		out[4], out[9] = singleSegment|fourByteID, byte(n)
	} else {
		out[4] = singleSegment | fourByteID | twoByteSize
		binary.LittleEndian.PutUint16(out[9:], uint16(n-twoByteLeast))
		at++
	}
	head := out[at : at+blockHeadBytes]
	at += blockHeadBytes
	end, kind := e.block(at, record), compressedBlock
	if end == 0 {
		end, kind = at+copy(out[at:], record), rawBlock
	}
	h := (end-at)<<3 | kind | lastBlock
	head[0], head[1], head[2] = byte(h), byte(h>>8), byte(h>>16)
	return out[:end]
}

// block writes a compressed block at a place, and returns the place behind it; 0 if
// it would not be shorter than the record.
func (e *recordEncoder) block(at int, record []byte) int {
	literals, sequences := e.divide(record, e.tables.offset)
	limit := at + len(record)
	if len(sequences) == 0 || len(literals)+8 > len(record) {
		return 0
	}
	at = e.writeLiterals(at, literals)
	if n := len(sequences); n < longCount {
		e.out[at] = byte(n)
		at++
	} else {
		e.out[at], e.out[at+1] = byte(n>>8+longCount), byte(n)
		at += 2
	}
	e.out[at] = dictionaryTables
	if at = e.writeSequences(at+1, limit, sequences); at >= limit {
		return 0
	}
	return at
}

// writeLiterals writes literals as they are (RFC 8878, section 3.1.1.3.1).
func (e *recordEncoder) writeLiterals(at int, literals []byte) int {
	n := len(literals)
	switch {
	case n < 1<<5:
		e.out[at] = byte(n << 3)
		at++
	case n < 1<<12:
		binary.LittleEndian.PutUint16(e.out[at:], uint16(n<<4|1<<2))
		at += 2
	default:
		binary.LittleEndian.PutUint32(e.out[at:], uint32(n<<4|3<<2))
		at += 3
	}
	return at + copy(e.out[at:], literals)
}

// writeSequences writes sequences at a place, the last first, and returns the place
// behind them; limit when that is reached before all are written.
func (e *recordEncoder) writeSequences(at, limit int, sequences []sequence) int {
	codes := &e.tables.codes
	literalTable, matchTable, offsetTable := codes[literalCodes], codes[matchCodes], codes[offsetCodes]
	s := &sequences[len(sequences)-1]
	l, m, o := literalCode(s.literals), matchCode(s.match), offsetCode(s.offset)
	literalState, matchState, offsetState := literalTable.start(l.code), matchTable.start(m.code), offsetTable.start(o)
	var p pendingBits
	for i := len(sequences) - 1; ; {
		p = p.add(uint64(s.literals-l.base), l.bits)
		p = p.add(uint64(s.match-m.base), m.bits)
		p = p.add(uint64(s.offset)-1<<o, o)
		p, at = p.flush(&e.out, at)
		if i--; i < 0 {
			break
		}
		if at >= limit {
			return limit
		}
		s = &sequences[i]
		l, m, o = literalCode(s.literals), matchCode(s.match), offsetCode(s.offset)
		p, offsetState = offsetTable.write(p, offsetState, o)
		p, matchState = matchTable.write(p, matchState, m.code)
		p, literalState = literalTable.write(p, literalState, l.code)
		p, at = p.flush(&e.out, at)
	}
	p = matchTable.end(p, matchState)
	p = offsetTable.end(p, offsetState)
	p = literalTable.end(p, literalState)
	return p.end(&e.out, at)
}
