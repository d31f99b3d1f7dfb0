// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"encoding/binary"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// Kinds of KeyOp. Frozen.
const (
	NewKey   = 1 // a subject's key, wrapped; durable with the first record that it seals
	EraseKey = 2 // a subject's key is destroyed by the record Sequence
)

// KeyOp is a change of the table of subject keys. It is durable with its group, and is then applied to the store:
//
//	kind 1 || subject tag 16 || key id 16 || n 2 || n bytes (the wrapped key, or the erasure's sequence number)
type KeyOp struct {
	Kind     byte
	Subject  [16]byte // tag of the subject
	Key      vault.ID
	Wrapped  []byte // of NewKey
	Sequence uint64 // of EraseKey
}

func (o *KeyOp) append(b []byte) []byte {
	b = append(b, o.Kind)
	b = append(b, o.Subject[:]...)
	b = append(b, o.Key[:]...)
	if o.Kind == EraseKey {
		b = binary.BigEndian.AppendUint16(b, 8)
		return binary.BigEndian.AppendUint64(b, o.Sequence)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(o.Wrapped)))
	return append(b, o.Wrapped...)
}

// size is an upper bound of what append appends.
func (o *KeyOp) size() int { return 1 + 16 + 16 + 2 + 8 + len(o.Wrapped) }

// ParseOps reads a group's ops section.
func ParseOps(b []byte) (ops []KeyOp, err error) {
	const fixed = 1 + 16 + 16 + 2
	bad := func(why string) ([]KeyOp, error) {
		return nil, fmt.Errorf("group: a change of a subject's key %s: %w", why, assay.ErrCorrupt)
	}
	for len(b) > 0 {
		if len(b) < fixed {
			return bad("is cut short")
		}
		o := KeyOp{Kind: b[0], Subject: [16]byte(b[1:17]), Key: vault.ID(b[17:33])}
		n := int(binary.BigEndian.Uint16(b[33:]))
		if len(b) < fixed+n {
			return bad("is cut short")
		}
		v := b[fixed : fixed+n]
		switch {
		case o.Kind == NewKey:
			o.Wrapped = v
		case o.Kind == EraseKey && n == 8:
			o.Sequence = binary.BigEndian.Uint64(v)
		default:
			return bad("is of an unknown kind")
		}
		ops, b = append(ops, o), b[fixed+n:]
	}
	return ops, nil
}
