// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"encoding/binary"

	"github.com/assayrisk/assay/ledger/vault"
)

// Group is one commit, ready to be written.
type Group struct {
	First     uint64   // sequence number of its first record
	Signature [64]byte // of its promise
	Public    []byte   // the records' public parts, one after the other: what AppendPublic begins, then the leaf
	Ends      []uint32 // where each ends
	Sealed    [][]byte // the records' sealed parts
	Ops       []KeyOp  // what it does to subject keys
}

// Encode encodes a group as a frame, for Append. It uses the memory of buf, if that is large enough.
func (r *Files) Encode(buf []byte, g *Group) ([]byte, error) {
	h := Head{First: g.First, Count: uint32(len(g.Ends)), Signature: g.Signature}
	n := HeadBytes + h.tableLen()
	need := n + len(g.Public) + vault.MACSize
	for _, sealed := range g.Sealed {
		need += len(sealed)
	}
	for i := range g.Ops {
		need += g.Ops[i].size()
	}
	if cap(buf) < need {
		buf = make([]byte, n, need+need/4)
	}
	buf = buf[:n]
	buf, h.public = append(buf, g.Public...), uint32(len(g.Public))
	for i, sealed := range g.Sealed {
		buf = append(buf, sealed...)
		h.sealed += uint32(len(sealed))
		binary.BigEndian.PutUint32(buf[HeadBytes+i*rowBytes:], g.Ends[i])
		binary.BigEndian.PutUint32(buf[HeadBytes+i*rowBytes+4:], h.sealed)
	}
	n = len(buf)
	for i := range g.Ops {
		buf = g.Ops[i].append(buf)
	}
	h.ops = uint32(len(buf) - n)
	return h.Seal(r.auth, buf)
}
