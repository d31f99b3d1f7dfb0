// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"github.com/assayrisk/assay/ledger/vault"
)

// Group is one commit, ready to be written.
type Group struct {
	First    uint64   // sequence number of its first record
	Term     uint64   // see Head
	Public   []byte   // the records' public parts, one after the other: what AppendPublic begins, then the leaf
	Ends     []uint32 // where each ends
	Business [][]byte // the records' business parts, sealed
	Personal [][]byte // the records' personal parts, sealed
	Ops      []KeyOp  // what it does to subject keys
}

// Encode encodes a group as a frame, for Append. It uses the memory of buf, if that is large enough.
func (r *Files) Encode(buf []byte, g *Group) ([]byte, error) {
	h := Head{Version: 2, First: g.First, Term: g.Term, Count: uint32(len(g.Ends)), public: uint32(len(g.Public))}
	n := h.HeadLen() + h.tableLen()
	need := n + len(g.Public) + vault.MACSize
	for i := range g.Personal {
		need += len(g.Business[i]) + len(g.Personal[i])
	}
	for i := range g.Ops {
		need += g.Ops[i].size()
	}
	if cap(buf) < need {
		buf = make([]byte, n, need+need/4)
	}
	buf = append(buf[:n], g.Public...)
	table := buf[h.HeadLen():n]
	for _, b := range g.Business {
		buf = append(buf, b...)
	}
	for i, b := range g.Personal {
		buf = append(buf, b...)
		h.business += uint32(len(g.Business[i]))
		h.personal += uint32(len(b))
		h.putRow(table, i, g.Ends[i], h.business, h.personal)
	}
	n = len(buf)
	for i := range g.Ops {
		buf = g.Ops[i].append(buf)
	}
	h.ops = uint32(len(buf) - n)
	return h.Seal(r.auth, buf)
}
