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
//	head    112 bytes, see put
//	table   8 bytes a record: end of its public part, end of its sealed part
//	public  a record: key id 16 || request tag 16 (zero: none) || leaf
//	sealed  a record: what the key opens; empty once its retention has passed
//	ops     what the group does to subject keys, see KeyOp
//	mac     16 bytes, over all before: a change without the system key is noticed
const (
	magic     = "assayg1\n"
	HeadBytes = 112
	nonceAt   = 96 // where the mac's nonce is in the head
	rowBytes  = 8
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
	First               uint64 // sequence number of the first record
	Count               uint32
	public, sealed, ops uint32   // lengths of the sections
	Signature           [64]byte // of the group's promise
	nonce               [vault.NonceSize]byte
}

func (h *Head) tableLen() int  { return int(h.Count) * rowBytes }
func (h *Head) publicEnd() int { return h.tableLen() + int(h.public) }
func (h *Head) sealedEnd() int { return h.publicEnd() + int(h.sealed) }
func (h *Head) bodyLen() int   { return h.sealedEnd() + int(h.ops) }

// Size is the length of the whole frame.
func (h *Head) Size() int64 { return HeadBytes + int64(h.bodyLen()) + vault.MACSize }

// End is one more than the last record's number.
func (h *Head) End() uint64 { return h.First + uint64(h.Count) }

// put writes the head into b[:HeadBytes].
func (h *Head) put(b []byte) {
	copy(b, magic)
	binary.BigEndian.PutUint64(b[8:], h.First)
	binary.BigEndian.PutUint32(b[16:], h.Count)
	binary.BigEndian.PutUint32(b[20:], h.public)
	binary.BigEndian.PutUint32(b[24:], h.sealed)
	binary.BigEndian.PutUint32(b[28:], h.ops)
	copy(b[32:96], h.Signature[:])
	copy(b[nonceAt:], h.nonce[:])
	binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
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

// ParseHead reads a head. Its checksum finds accidental damage; Check finds the rest.
func ParseHead(b []byte) (Head, error) {
	bad := func(why string) (Head, error) {
		return Head{}, fmt.Errorf("group: %s: %w", why, assay.ErrCorrupt)
	}
	if len(b) < HeadBytes {
		return bad("the head is cut short")
	}
	if string(b[:8]) != magic {
		return bad("the head does not begin a group of version 1")
	}
	if crc32.Checksum(b[:108], castagnoli) != binary.BigEndian.Uint32(b[108:]) {
		return bad("the head's checksum is wrong")
	}
	h := Head{
		First: binary.BigEndian.Uint64(b[8:]), Count: binary.BigEndian.Uint32(b[16:]),
		public: binary.BigEndian.Uint32(b[20:]), sealed: binary.BigEndian.Uint32(b[24:]),
		ops: binary.BigEndian.Uint32(b[28:]),
	}
	copy(h.Signature[:], b[32:])
	copy(h.nonce[:], b[nonceAt:])
	if h.Count == 0 || h.Count > MaxGroupRecords || h.First > 1<<62 ||
		h.public > MaxSectionBytes || h.sealed > MaxSectionBytes || h.ops > MaxSectionBytes {
		return bad("the head's lengths are out of bounds")
	}
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

// row returns where record i's parts lie within their sections.
func (h *Head) row(table []byte, i int) (public, sealed [2]int, err error) {
	if i > 0 {
		public[0] = int(binary.BigEndian.Uint32(table[(i-1)*rowBytes:]))
		sealed[0] = int(binary.BigEndian.Uint32(table[(i-1)*rowBytes+4:]))
	}
	public[1] = int(binary.BigEndian.Uint32(table[i*rowBytes:]))
	sealed[1] = int(binary.BigEndian.Uint32(table[i*rowBytes+4:]))
	if public[1] > int(h.public) || public[0]+PublicPrefix > public[1] ||
		sealed[1] > int(h.sealed) || sealed[0] > sealed[1] ||
		i == int(h.Count)-1 && (public[1] != int(h.public) || sealed[1] != int(h.sealed)) {
		return public, sealed, fmt.Errorf("record %d: its place in the group is out of bounds: %w",
			h.First+uint64(i), assay.ErrCorrupt)
	}
	return public, sealed, nil
}

// StoredRecord is a record of a frame, not yet opened. One that Scan or Groups gives to a callback is valid until that
// returns.
type StoredRecord struct {
	Key    vault.ID
	Tag    Tag
	Leaf   []byte
	Sealed []byte // empty once its retention has passed, or when it was not read
}

// AppendPublic appends the beginning of a record's public part; its leaf must follow.
func AppendPublic(b []byte, key vault.ID, tag Tag) []byte {
	return append(append(b, key[:]...), tag[:]...)
}

func parsePublic(b []byte) StoredRecord {
	return StoredRecord{Key: vault.ID(b[:16]), Tag: Tag(b[16:PublicPrefix]), Leaf: b[PublicPrefix:]}
}

// Bytes returns how many bytes of its file the record takes.
func (s *StoredRecord) Bytes() int { return rowBytes + PublicPrefix + len(s.Leaf) + len(s.Sealed) }

// At returns record i of a body, which may end after the public section: then the sealed part is nil.
func (h *Head) At(body []byte, i int) (StoredRecord, error) {
	public, sealed, err := h.row(body[:h.tableLen()], i)
	if err != nil {
		return StoredRecord{}, err
	}
	t := h.tableLen()
	s := parsePublic(body[t+public[0] : t+public[1]])
	if p := h.publicEnd(); len(body) >= p+sealed[1] {
		s.Sealed = body[p+sealed[0] : p+sealed[1]]
	}
	return s, nil
}

// Ops returns what the group does to subject keys. body must be whole.
func (h *Head) Ops(body []byte) ([]KeyOp, error) { return ParseOps(body[h.sealedEnd():h.bodyLen()]) }
