// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// Kinds of what a group does to subject keys. Frozen.
const (
	opNewKey = 1 // a subject's key, wrapped; durable with the first record that it seals
	opErase  = 2 // a subject's key is destroyed by the record Sequence
)

// keyOp is a change of the table of subject keys. It is durable with its group,
// and is then carried out in the store:
//
//	kind 1 || subject tag 16 || key id 16 || n 2 || n bytes (the wrapped key, or the erasure's sequence number)
type keyOp struct {
	kind     byte
	tag      [16]byte
	id       vault.ID
	wrapped  []byte // opNewKey
	sequence uint64 // opErase
	name     string // not stored: of the keyring's entry
	owner    *subject
}

func (o *keyOp) append(b []byte) []byte {
	b = append(b, o.kind)
	b = append(b, o.tag[:]...)
	b = append(b, o.id[:]...)
	if o.kind == opErase {
		b = binary.BigEndian.AppendUint16(b, 8)
		return binary.BigEndian.AppendUint64(b, o.sequence)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(o.wrapped)))
	return append(b, o.wrapped...)
}

// size is at least what append appends.
func (o *keyOp) size() int { return 1 + 16 + 16 + 2 + 8 + len(o.wrapped) }

// parseOps reads a group's ops section.
func parseOps(b []byte) (ops []keyOp, err error) {
	const fixed = 1 + 16 + 16 + 2
	bad := func(why string) ([]keyOp, error) {
		return nil, fmt.Errorf("group: a change of a subject's key %s: %w", why, assay.ErrCorrupt)
	}
	for len(b) > 0 {
		if len(b) < fixed {
			return bad("is cut short")
		}
		o := keyOp{kind: b[0], tag: [16]byte(b[1:17]), id: vault.ID(b[17:33])}
		n := int(binary.BigEndian.Uint16(b[33:]))
		if len(b) < fixed+n {
			return bad("is cut short")
		}
		v := b[fixed : fixed+n]
		switch {
		case o.kind == opNewKey:
			o.wrapped = v
		case o.kind == opErase && n == 8:
			o.sequence = binary.BigEndian.Uint64(v)
		default:
			return bad("is of an unknown kind")
		}
		ops, b = append(ops, o), b[fixed+n:]
	}
	return ops, nil
}
