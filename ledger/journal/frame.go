// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// A commit group lies in a record file as one frame, written by one write and
// made durable by one sync; docs/formats/journal.md draws it:
//
//	head    112 bytes, see put
//	table   8 bytes a record: end of its public part, end of its sealed part
//	public  a record: key id 16 || request tag 16 (zero: none) || leaf
//	sealed  a record: what the key opens; empty once its retention has passed
//	ops     what the group does to subject keys, see keyOp
//	mac     16 bytes, over all before: who has not the system key changes nothing unseen
const (
	frameMagic  = "assayg1\n"
	frameHead   = 112
	frameNonce  = 96 // where the mac's nonce stands in the head
	frameRow    = 8
	publicFixed = 32
	// maxFrameBytes bounds a section of a frame: the largest single record fits.
	maxFrameBytes = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the head of a group's frame.
type frame struct {
	first               uint64 // sequence number of the first record
	count               uint32
	public, sealed, ops uint32 // lengths of the sections
	signature           [64]byte
	nonce               [vault.NonceSize]byte
}

func (f *frame) tableLen() int  { return int(f.count) * frameRow }
func (f *frame) publicEnd() int { return f.tableLen() + int(f.public) }
func (f *frame) bodyLen() int   { return f.publicEnd() + int(f.sealed) + int(f.ops) }
func (f *frame) size() int64    { return frameHead + int64(f.bodyLen()) + vault.MACSize }
func (f *frame) end() uint64    { return f.first + uint64(f.count) }

// put writes the head into b[:frameHead].
func (f *frame) put(b []byte) {
	copy(b, frameMagic)
	binary.BigEndian.PutUint64(b[8:], f.first)
	binary.BigEndian.PutUint32(b[16:], f.count)
	binary.BigEndian.PutUint32(b[20:], f.public)
	binary.BigEndian.PutUint32(b[24:], f.sealed)
	binary.BigEndian.PutUint32(b[28:], f.ops)
	copy(b[32:96], f.signature[:])
	copy(b[frameNonce:], f.nonce[:])
	binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
}

// parseFrame reads a head. Its checksum finds accidents; check finds the rest.
func parseFrame(b []byte) (frame, error) {
	bad := func(why string) (frame, error) {
		return frame{}, fmt.Errorf("group: %s: %w", why, assay.ErrCorrupt)
	}
	if len(b) < frameHead {
		return bad("the head is cut short")
	}
	if string(b[:8]) != frameMagic {
		return bad("the head does not begin a group of version 1")
	}
	if crc32.Checksum(b[:108], castagnoli) != binary.BigEndian.Uint32(b[108:]) {
		return bad("the head's checksum is wrong")
	}
	f := frame{
		first: binary.BigEndian.Uint64(b[8:]), count: binary.BigEndian.Uint32(b[16:]),
		public: binary.BigEndian.Uint32(b[20:]), sealed: binary.BigEndian.Uint32(b[24:]), ops: binary.BigEndian.Uint32(b[28:]),
	}
	copy(f.signature[:], b[32:])
	copy(f.nonce[:], b[frameNonce:])
	if f.count == 0 || f.count > groupLimit || f.first > 1<<62 || f.public > maxFrameBytes || f.sealed > maxFrameBytes || f.ops > maxFrameBytes {
		return bad("the head's lengths are out of bounds")
	}
	return f, nil
}

// check checks the authentication code of a whole frame.
func (f *frame) check(auth *vault.Authenticator, b []byte) error {
	n := len(b) - vault.MACSize
	if int64(len(b)) != f.size() {
		return fmt.Errorf("group of records %d to %d: %d bytes, the head says %d: %w", f.first, f.end()-1, len(b), f.size(), assay.ErrCorrupt)
	}
	if err := auth.Check(b[n:], f.nonce[:], b[:n]); err != nil {
		return fmt.Errorf("group of records %d to %d: its bytes are not those that were written: %w", f.first, f.end()-1, err)
	}
	return nil
}

// row returns where record i's parts lie within their sections.
func (f *frame) row(table []byte, i int) (public, sealed [2]int, err error) {
	if i > 0 {
		public[0] = int(binary.BigEndian.Uint32(table[(i-1)*frameRow:]))
		sealed[0] = int(binary.BigEndian.Uint32(table[(i-1)*frameRow+4:]))
	}
	public[1] = int(binary.BigEndian.Uint32(table[i*frameRow:]))
	sealed[1] = int(binary.BigEndian.Uint32(table[i*frameRow+4:]))
	if public[1] > int(f.public) || public[0]+publicFixed > public[1] || sealed[1] > int(f.sealed) || sealed[0] > sealed[1] ||
		i == int(f.count)-1 && (public[1] != int(f.public) || sealed[1] != int(f.sealed)) {
		return public, sealed, fmt.Errorf("record %d: its place in the group is out of bounds: %w", f.first+uint64(i), assay.ErrCorrupt)
	}
	return public, sealed, nil
}

// stored is a record as it lies in a frame, not yet opened. Its bytes are lent.
type stored struct {
	key    vault.ID
	tag    Tag
	leaf   []byte
	sealed []byte // empty once its retention has passed, or when it was not read
}

func parsePublic(b []byte) stored {
	return stored{key: vault.ID(b[:16]), tag: Tag(b[16:32]), leaf: b[publicFixed:]}
}

// at returns record i of a body, which may end after the public section: then
// the sealed part is nil.
func (f *frame) at(body []byte, i int) (stored, error) {
	public, sealed, err := f.row(body[:f.tableLen()], i)
	if err != nil {
		return stored{}, err
	}
	t := f.tableLen()
	s := parsePublic(body[t+public[0] : t+public[1]])
	if p := f.publicEnd(); len(body) >= p+sealed[1] {
		s.sealed = body[p+sealed[0] : p+sealed[1]]
	}
	return s, nil
}

// group is one commit: its promise covers count records from first.
type group struct {
	first     uint64
	count     uint32
	tree      ledger.Group
	signature [64]byte
	tags      []Tag // of its records, in order; for the index
	ops       []keyOp
}

// build lays the group out as a frame in buf; b has its public section.
func (g *group) build(auth *vault.Authenticator, buf []byte, entries []*entry, b *leafBlock) ([]byte, error) {
	f := frame{first: g.first, count: g.count, signature: g.signature}
	n := frameHead + f.tableLen()
	need := n + len(b.public) + vault.MACSize
	for _, e := range entries {
		need += len(e.sealed)
	}
	for i := range g.ops {
		need += g.ops[i].size()
	}
	if cap(buf) < need {
		buf = make([]byte, n, need+need/4)
	}
	buf = buf[:n]
	buf, f.public = append(buf, b.public...), uint32(len(b.public))
	for i, e := range entries {
		buf = append(buf, e.sealed...)
		f.sealed += uint32(len(e.sealed))
		binary.BigEndian.PutUint32(buf[frameHead+i*frameRow:], b.ends[i])
		binary.BigEndian.PutUint32(buf[frameHead+i*frameRow+4:], f.sealed)
	}
	n = len(buf)
	for i := range g.ops {
		buf = g.ops[i].append(buf)
	}
	f.ops = uint32(len(buf) - n)
	return f.seal(auth, buf)
}

// seal writes the head before a laid-out body, and the mac after it.
func (f *frame) seal(auth *vault.Authenticator, b []byte) ([]byte, error) {
	if int64(len(b))+vault.MACSize != f.size() {
		return nil, fmt.Errorf("group: %d bytes laid out, the head says %d: %w", len(b), f.size()-vault.MACSize, assay.ErrInvalid)
	}
	auth.Nonce(f.nonce[:])
	f.put(b)
	return auth.Append(b, f.nonce[:], b), nil
}
