// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// A commit group is one frame of a record file, written by one write and made durable by one sync;
// docs/formats/journal.md draws it. The constants are frozen.
//
//	head      80 bytes, see put
//	table     12 bytes a record: end of its public part, of its business part, of its personal part
//	public    a record: key id 16 || request tag 16 (zero: none) || leaf
//	business  a record: what the programme's key opens; empty if it has none
//	personal  a record: what its owner's key opens; empty once its retention has passed
//	ops       what the group does to subject keys, see KeyOp
//	mac       16 bytes, over all before: a change without the system key is noticed
//
// Groups of version 1 are read, and copied as they are; see head1.go.
const (
	magicPrefix  = "assayg"
	magic2       = "assayg2\n"
	headBytes2   = 80
	maxHeadBytes = headBytes1 // of all versions; no frame is shorter
	rowBytes2    = 12
	// PublicPrefix is what comes before the leaf in a record's public part: key id and request tag.
	PublicPrefix = 32
	// MaxSectionBytes bounds a section of a frame: the largest single record fits.
	MaxSectionBytes = 16 << 20
	// MaxGroupRecords bounds a group.
	MaxGroupRecords = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Tag is a pseudonym of a caller's request id: equal ids have equal tags, and without the journal's own key a tag says
// nothing. The zero Tag is none.
type Tag [16]byte

// Head is the head of a group's frame.
type Head struct {
	Version int    // of the format: 1 or 2
	First   uint64 // sequence number of the first record
	Count   uint32
	Term    uint64 // in which a cluster's leader proposed the group; 0 on one machine

	// Signature is that of the group's promise, in a group of version 1 alone: see Signatures.
	Signature [64]byte

	public, business, personal, ops uint32 // lengths of the sections
	nonce                           [vault.NonceSize]byte
}

// HeadLen is the length of the head.
func (h *Head) HeadLen() int {
	if h.Version == 1 {
		return headBytes1
	}
	return headBytes2
}

// rowLen is the length of a record's row in the table.
func (h *Head) rowLen() int {
	if h.Version == 1 {
		return rowBytes1
	}
	return rowBytes2
}

func (h *Head) tableLen() int    { return int(h.Count) * h.rowLen() }
func (h *Head) publicEnd() int   { return h.tableLen() + int(h.public) }
func (h *Head) businessEnd() int { return h.publicEnd() + int(h.business) }
func (h *Head) personalEnd() int { return h.businessEnd() + int(h.personal) }
func (h *Head) bodyLen() int     { return h.personalEnd() + int(h.ops) }

// Size is the length of the whole frame.
func (h *Head) Size() int64 { return int64(h.HeadLen()+h.bodyLen()) + vault.MACSize }

// End is one more than the last record's number.
func (h *Head) End() uint64 { return h.First + uint64(h.Count) }

// put writes the head into the beginning of b.
func (h *Head) put(b []byte) {
	if h.Version == 1 {
		h.put1(b)
		return
	}
	copy(b, magic2)
	binary.BigEndian.PutUint64(b[8:], h.First)
	binary.BigEndian.PutUint64(b[16:], h.Term)
	for i, n := range [...]uint32{h.Count, h.public, h.business, h.personal, h.ops} {
		binary.BigEndian.PutUint32(b[24+4*i:], n)
	}
	copy(b[44:], h.nonce[:])
	clear(b[56:76]) // reserved
	binary.BigEndian.PutUint32(b[76:], crc32.Checksum(b[:76], castagnoli))
}

// Seal writes the head into b, whose body is there already, and appends the authentication code.
func (h *Head) Seal(auth *vault.Authenticator, b []byte) ([]byte, error) {
	if int64(len(b))+vault.MACSize != h.Size() {
		return nil, fmt.Errorf("group: %d bytes encoded, the head says %d: %w",
			len(b), h.Size()-vault.MACSize, assay.ErrInvalid)
	}
	auth.Nonce(h.nonce[:])
	h.put(b)
	return auth.Append(b, h.nonce[:], b), nil
}

// errHead is the error for a head that cannot be read.
func errHead(why string) error { return fmt.Errorf("group: %s: %w", why, assay.ErrCorrupt) }

// ParseHead reads a head. Its checksum finds accidental damage; Check finds the rest.
func ParseHead(b []byte) (h Head, err error) {
	switch {
	case len(b) < headBytes2:
		return Head{}, errHead("the head is cut short")
	case string(b[:8]) == magic1:
		h, err = parseHead1(b)
	case string(b[:8]) == magic2:
		h, err = parseHead2(b)
	default:
		err = errHead("the head does not begin a group of version 1 or 2")
	}
	if err != nil {
		return Head{}, err
	}
	if h.Count == 0 || h.Count > MaxGroupRecords || h.First > 1<<62 ||
		max(h.public, h.business, h.personal, h.ops) > MaxSectionBytes {
		return Head{}, errHead("the head's lengths are out of bounds")
	}
	return h, nil
}

func parseHead2(b []byte) (Head, error) {
	if crc32.Checksum(b[:76], castagnoli) != binary.BigEndian.Uint32(b[76:]) {
		return Head{}, errHead("the head's checksum is wrong")
	}
	if !isZero(b[56:76]) {
		return Head{}, errHead("the head has bytes that this version does not know")
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(b[24+4*i:]) }
	h := Head{Version: 2, First: binary.BigEndian.Uint64(b[8:]), Term: binary.BigEndian.Uint64(b[16:]),
		Count: at(0), public: at(1), business: at(2), personal: at(3), ops: at(4)}
	copy(h.nonce[:], b[44:])
	return h, nil
}

// Check checks the authentication code of a whole frame.
func (h *Head) Check(auth *vault.Authenticator, b []byte) error {
	n := len(b) - vault.MACSize
	if int64(len(b)) != h.Size() {
		return fmt.Errorf("group of records %d to %d: %d bytes, the head says %d: %w",
			h.First, h.End()-1, len(b), h.Size(), assay.ErrCorrupt)
	}
	if err := auth.Check(b[n:], h.nonce[:], b[:n]); err != nil {
		return fmt.Errorf("group of records %d to %d: its bytes are not those that were written: %w",
			h.First, h.End()-1, err)
	}
	return nil
}

// place is where a part lies within its section.
type place struct{ from, to int }

func (p place) len() int { return p.to - p.from }

// places are those of a record's parts.
type places struct{ public, business, personal place }

// row returns where record i's parts lie within their sections.
func (h *Head) row(table []byte, i int) (p places, err error) {
	ends := func(i int) (public, business, personal int) {
		if i < 0 {
			return 0, 0, 0
		}
		row := table[i*h.rowLen():]
		public, personal = int(binary.BigEndian.Uint32(row)), int(binary.BigEndian.Uint32(row[h.rowLen()-4:]))
		if h.Version != 1 {
			business = int(binary.BigEndian.Uint32(row[4:]))
		}
		return public, business, personal
	}
	p.public.from, p.business.from, p.personal.from = ends(i - 1)
	p.public.to, p.business.to, p.personal.to = ends(i)
	last := i == int(h.Count)-1
	within := func(p place, section uint32) bool {
		return p.from <= p.to && p.to <= int(section) && (!last || p.to == int(section))
	}
	if !within(p.public, h.public) || p.public.len() < PublicPrefix ||
		!within(p.business, h.business) || !within(p.personal, h.personal) {
		return p, fmt.Errorf("record %d: its place in the group is out of bounds: %w",
			h.First+uint64(i), assay.ErrCorrupt)
	}
	return p, nil
}

// putRow writes the ends of record i's parts into the table.
func (h *Head) putRow(table []byte, i int, public, business, personal uint32) {
	row := table[i*h.rowLen():]
	binary.BigEndian.PutUint32(row, public)
	if h.Version != 1 {
		binary.BigEndian.PutUint32(row[4:], business)
	}
	binary.BigEndian.PutUint32(row[h.rowLen()-4:], personal)
}

// StoredRecord is a record of a frame, not yet opened. One that Scan or Groups gives to a callback is valid until that
// returns.
type StoredRecord struct {
	Version  int // of its group
	Key      vault.ID
	Tag      Tag
	Leaf     []byte
	Business []byte // empty if the record has none, or when it was not read
	Personal []byte // empty once its retention has passed, or when it was not read
}

// AppendPublic appends the beginning of a record's public part; its leaf must follow.
func AppendPublic(b []byte, key vault.ID, tag Tag) []byte {
	return append(append(b, key[:]...), tag[:]...)
}

// parsePublic reads a record's public part.
func (h *Head) parsePublic(b []byte) StoredRecord {
	return StoredRecord{Version: h.Version,
		Key: vault.ID(b[:16]), Tag: Tag(b[16:PublicPrefix]), Leaf: b[PublicPrefix:]}
}

// Bytes returns how many bytes of its file the record takes.
func (s *StoredRecord) Bytes() int {
	h := Head{Version: s.Version}
	return h.rowLen() + PublicPrefix + len(s.Leaf) + len(s.Business) + len(s.Personal)
}

// At returns record i of a body, which may end after the public section: then there are no sealed parts.
func (h *Head) At(body []byte, i int) (StoredRecord, error) {
	p, err := h.row(body[:h.tableLen()], i)
	if err != nil {
		return StoredRecord{}, err
	}
	s := h.parsePublic(body[h.tableLen()+p.public.from : h.tableLen()+p.public.to])
	if len(body) >= h.personalEnd() {
		s.Business = body[h.publicEnd()+p.business.from : h.publicEnd()+p.business.to]
		s.Personal = body[h.businessEnd()+p.personal.from : h.businessEnd()+p.personal.to]
	}
	return s, nil
}

// Ops returns what the group does to subject keys. body must be whole.
func (h *Head) Ops(body []byte) ([]KeyOp, error) { return ParseOps(body[h.personalEnd():h.bodyLen()]) }
