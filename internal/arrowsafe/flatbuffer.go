// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxDepth bounds tables within tables. A nested Arrow column needs two a level.
const maxDepth = 128

// kind is how a slot of a table is laid out.
type kind uint8

const (
	scalar    kind = iota // size bytes in the table
	text                  // offset to a length and so many bytes
	child                 // offset to a table
	union                 // offset to a table; the byte in the slot before says which one
	scalars               // offset to a length and so many values of size bytes
	childList             // offset to a length and so many offsets to tables
)

// slot is one field of a table.
type slot struct {
	kind   kind
	size   int       // of a scalar, or of one value of scalars
	table  *layout   // of child and childList
	tables []*layout // of union, by the byte before; nil: not allowed
	open   bool      // of union: numbers beyond tables are allowed, and not verified
}

// layout is the slots of a table, in the order of their numbers.
type layout []slot

var (
	errOutside = errors.New("an offset leads outside of the metadata")
	errShared  = errors.New("the metadata refers to more tables than fit into it")
	errDeep    = fmt.Errorf("tables are nested deeper than %d", maxDepth)
	errUnion   = errors.New("a part of the metadata is of an unknown type")
)

// verifier walks one flatbuffer. A table takes four bytes and the offset to it
// four more. A walk that visits more tables than fit follows shared parts: no
// writer of this format makes them, and they may be endless.
type verifier struct {
	b          []byte
	depth      int
	tablesLeft int
}

// verify checks the flatbuffer b, whose root is a table of the layout l.
func verify(b []byte, l *layout) error {
	v := verifier{b: b, tablesLeft: len(b) / 8}
	root, err := v.offset(0)
	if err != nil {
		return err
	}
	return v.table(root, l)
}

// u32 reads four bytes at a position.
func (v *verifier) u32(at int) (int, error) {
	if at < 0 || at > len(v.b)-4 {
		return 0, errOutside
	}
	return int(binary.LittleEndian.Uint32(v.b[at:])), nil
}

// offset follows the offset at a position.
func (v *verifier) offset(at int) (int, error) {
	n, err := v.u32(at)
	if err != nil {
		return 0, err
	}
	if n > len(v.b)-at {
		return 0, errOutside
	}
	return at + n, nil
}

// table checks the table at a position and all below it.
func (v *verifier) table(at int, l *layout) error {
	if v.tablesLeft--; v.tablesLeft < 0 {
		return errShared
	}
	if v.depth++; v.depth > maxDepth {
		return errDeep
	}
	defer func() { v.depth-- }()
	t, err := tableAt(v.b, at)
	if err != nil {
		return err
	}
	for i, s := range *l {
		pos := t.slot(i)
		if pos == 0 {
			continue
		}
		size := 4
		if s.kind == scalar {
			size = s.size
		}
		if pos > t.end-size {
			return errOutside
		}
		if err := v.slot(pos, i, s, t); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) slot(pos, i int, s slot, t table) error {
	if s.kind == scalar {
		return nil
	}
	at, err := v.offset(pos)
	if err != nil {
		return err
	}
	switch s.kind {
	case text:
		return v.vector(at, 1)
	case scalars:
		return v.vector(at, s.size)
	case child:
		return v.table(at, s.table)
	case union:
		which := 0
		if p := t.slot(i - 1); p != 0 {
			which = int(v.b[p])
		}
		if which >= len(s.tables) && s.open {
			return nil // the reader checks the number first
		}
		if which >= len(s.tables) || s.tables[which] == nil {
			return errUnion
		}
		return v.table(at, s.tables[which])
	}
	if err := v.vector(at, 4); err != nil {
		return err
	}
	n, err := v.u32(at)
	if err != nil {
		return err
	}
	for k := range n {
		below, err := v.offset(at + 4 + 4*k)
		if err != nil {
			return err
		}
		if err := v.table(below, s.table); err != nil {
			return err
		}
	}
	return nil
}

// vector checks that the values after a length are there.
func (v *verifier) vector(at, size int) error {
	n, err := v.u32(at)
	if err != nil {
		return err
	}
	if n > (len(v.b)-at-4)/size {
		return errOutside
	}
	return nil
}

// table is where a table and its vtable lie in b.
type table struct {
	b            []byte
	at, end      int
	vtable, vend int
}

// tableAt finds the vtable of the table at a position.
func tableAt(b []byte, at int) (table, error) {
	if at < 0 || at > len(b)-4 {
		return table{}, errOutside
	}
	le := binary.LittleEndian
	vtable := at - int(int32(le.Uint32(b[at:])))
	if vtable < 0 || vtable > len(b)-4 {
		return table{}, errOutside
	}
	vsize, tsize := int(le.Uint16(b[vtable:])), int(le.Uint16(b[vtable+2:]))
	if vsize < 4 || vsize > len(b)-vtable || tsize < 4 || tsize > len(b)-at {
		return table{}, errOutside
	}
	return table{b: b, at: at, end: at + tsize, vtable: vtable, vend: vtable + vsize}, nil
}

// slot returns the position of the value of slot i; 0: it is not given.
func (t table) slot(i int) int {
	p := t.vtable + 4 + 2*i
	if p+2 > t.vend {
		return 0
	}
	off := int(binary.LittleEndian.Uint16(t.b[p:]))
	if off == 0 {
		return 0
	}
	return t.at + off
}

// int16 reads a verified scalar of two bytes; not given is 0.
func (t table) int16(i int) int16 {
	p := t.slot(i)
	if p == 0 {
		return 0
	}
	return int16(binary.LittleEndian.Uint16(t.b[p:]))
}

// int32 reads a verified scalar of four bytes.
func (t table) int32(i int, notGiven int32) int32 {
	p := t.slot(i)
	if p == 0 {
		return notGiven
	}
	return int32(binary.LittleEndian.Uint32(t.b[p:]))
}

// int64 reads a verified scalar of eight bytes; not given is 0.
func (t table) int64(i int) int64 {
	p := t.slot(i)
	if p == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(t.b[p:]))
}

// byte reads a verified scalar of one byte; not given is 0.
func (t table) byte(i int) byte {
	p := t.slot(i)
	if p == 0 {
		return 0
	}
	return t.b[p]
}

// child reads a verified table; false: it is not given.
func (t table) child(i int) (table, bool) {
	p := t.slot(i)
	if p == 0 {
		return table{}, false
	}
	c, err := tableAt(t.b, p+int(binary.LittleEndian.Uint32(t.b[p:])))
	return c, err == nil
}

// vector returns where the values of a verified vector begin, and how many
// there are.
func (t table) vector(i int) (at, n int) {
	p := t.slot(i)
	if p == 0 {
		return 0, 0
	}
	at = p + int(binary.LittleEndian.Uint32(t.b[p:]))
	return at + 4, int(binary.LittleEndian.Uint32(t.b[at:]))
}

// element returns a table of a verified vector that begins at a position.
func (t table) element(at, i int) (table, error) {
	p := at + 4*i
	return tableAt(t.b, p+int(binary.LittleEndian.Uint32(t.b[p:])))
}

// text reads a verified text; not given is "".
func (t table) text(i int) string {
	at, n := t.vector(i)
	return string(t.b[at : at+n])
}

// shorten gives a verified vector that begins at a position another length.
func (t table) shorten(at, n int) {
	if at != 0 {
		binary.LittleEndian.PutUint32(t.b[at-4:], uint32(n))
	}
}
