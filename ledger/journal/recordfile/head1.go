// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"encoding/binary"
	"hash/crc32"
)

// Groups of version 1 hold the promise's signature in the head, and one sealed part a record, which is read as the
// personal part. The constants are frozen.
//
//	head    112 bytes, see put1
//	table   8 bytes a record: end of its public part, end of its sealed part
//	public, sealed, ops, mac
const (
	magic1     = "assayg1\n"
	headBytes1 = 112
	rowBytes1  = 8
)

// put1 writes the head of a group of version 1, which retirement makes anew.
func (h *Head) put1(b []byte) {
	copy(b, magic1)
	binary.BigEndian.PutUint64(b[8:], h.First)
	for i, n := range [...]uint32{h.Count, h.public, h.personal, h.ops} {
		binary.BigEndian.PutUint32(b[16+4*i:], n)
	}
	copy(b[32:96], h.Signature[:])
	copy(b[96:], h.nonce[:])
	binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
}

func parseHead1(b []byte) (Head, error) {
	if len(b) < headBytes1 {
		return Head{}, errHead("the head is cut short")
	}
	if crc32.Checksum(b[:108], castagnoli) != binary.BigEndian.Uint32(b[108:]) {
		return Head{}, errHead("the head's checksum is wrong")
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(b[16+4*i:]) }
	h := Head{Version: 1, First: binary.BigEndian.Uint64(b[8:]),
		Count: at(0), public: at(1), personal: at(2), ops: at(3)}
	copy(h.Signature[:], b[32:])
	copy(h.nonce[:], b[96:])
	return h, nil
}
