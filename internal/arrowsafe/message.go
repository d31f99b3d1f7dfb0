// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The tables of Schema.fbs. Field holds fields, so it is completed below.
var (
	flag, short, word, long = slot{size: 1}, slot{size: 2}, slot{size: 4}, slot{size: 8}
	name                    = slot{kind: text}

	keyValue  = layout{name, name}
	keyValues = slot{kind: childList, table: &keyValue}
	none      = layout{}
	unit      = layout{short}
	width     = layout{word}
	intType   = layout{word, flag}
	types     = []*layout{
		typeNull: &none, 2: &intType, 3: &unit, 4: &none, 5: &none, 6: &none, 7: {word, word, word}, 8: &unit, 9: {short, word}, 10: {short, name},
		11: &unit, 12: &none, 13: &none, 14: {short, slot{kind: scalars, size: 4}}, 15: &width, 16: &width, 17: {flag}, 18: &unit, 19: &none, 20: &none,
		21: &none, 22: &none, typeBinaryView: &none, typeTextView: &none, 25: &none, 26: &none,
	}
	dictionary = layout{long, slot{kind: child, table: &intType}, flag, short}
	schema     = layout{short, slot{kind: childList, table: field()}, keyValues, slot{kind: scalars, size: 8}}
)

// Numbers in the union Type that matter here.
const (
	typeNull       = 1
	typeBinaryView = 23
	typeTextView   = 24
)

// Slots that are read again after they were verified.
const (
	schemaFields                                  = 1
	fieldType, fieldDictionary, fieldChildren     = 2, 4, 5
	batchBuffers, batchVariadic                   = 2, 4
	messageKind, messageHeader, messageBody       = 1, 2, 3
	dictionaryData                                = 1
	footerSchema, footerDictionaries, footerBatch = 1, 2, 3
)

// field is the layout of Field: name, nullable, type, dictionary, children,
// custom metadata.
func field() *layout {
	f := layout{name, flag, flag, {kind: union, of: types}, {kind: child, table: &dictionary}, {kind: childList}, keyValues}
	f[fieldChildren].table = &f
	return &f
}

// The tables of Message.fbs and File.fbs. A Block is three numbers in 24 bytes;
// a FieldNode and a Buffer are two in 16.
var (
	batch = layout{long, slot{kind: scalars, size: 16}, slot{kind: scalars, size: 16}, slot{kind: child, table: &layout{flag, flag}}, slot{kind: scalars, size: 8}}
	dict  = layout{long, slot{kind: child, table: &batch}, flag}

	headers = []*layout{kindSchema: &schema, kindDictionary: &dict, kindBatch: &batch}
	message = layout{short, flag, slot{kind: union, of: headers}, long, keyValues}
	blocks  = slot{kind: scalars, size: 24}
	footer  = layout{short, slot{kind: child, table: &schema}, blocks, blocks, keyValues}
)

// Numbers in the union MessageHeader. Tensors are not read.
const (
	kindSchema     = 1
	kindDictionary = 2
	kindBatch      = 3
)

// checker carries what one message says to the next.
type checker struct{ views int }

// message verifies one message and returns the length of its body.
func (c *checker) message(meta []byte) (body int64, err error) {
	if err := verify(meta, &message); err != nil {
		return 0, err
	}
	m, err := tableAt(meta, int(binary.LittleEndian.Uint32(meta)))
	if err != nil {
		return 0, err
	}
	h, ok := m.child(messageHeader)
	if !ok {
		return 0, errors.New("a message says nothing")
	}
	switch m.byte(messageKind) {
	case kindSchema:
		err = c.schema(h)
	case kindBatch:
		err = checkVariadic(h, c.views)
	case kindDictionary:
		if d, ok := h.child(dictionaryData); ok {
			err = checkVariadic(d, 0)
		}
	}
	return m.int64(messageBody), err
}

// schema counts the columns whose text lies in buffers of its own number.
func (c *checker) schema(s table) error {
	c.views = 0
	return c.fields(s, schemaFields)
}

func (c *checker) fields(t table, slot int) error {
	at, n := t.vector(slot)
	for i := range n {
		p := at + 4*i
		f, err := tableAt(t.b, p+int(binary.LittleEndian.Uint32(t.b[p:])))
		if err != nil {
			return err
		}
		kind := f.byte(fieldType)
		if kind == 0 {
			return errors.New("a column has no type")
		}
		view := kind == typeBinaryView || kind == typeTextView
		if _, coded := f.child(fieldDictionary); view && coded {
			return errors.New("a dictionary of text views is not supported: write plain text")
		}
		if view {
			c.views++
		}
		if err := c.fields(f, fieldChildren); err != nil {
			return err
		}
	}
	return nil
}

// checkVariadic checks how many buffers each column of views claims.
func checkVariadic(b table, views int) error {
	_, buffers := b.vector(batchBuffers)
	at, n := b.vector(batchVariadic)
	if n < views {
		return fmt.Errorf("%d columns of text views have %d counts of buffers", views, n)
	}
	for i := range n {
		if k := binary.LittleEndian.Uint64(b.b[at+8*i:]); k > uint64(buffers) {
			return fmt.Errorf("a column of text views claims %d of %d buffers", k, buffers)
		}
	}
	return nil
}
