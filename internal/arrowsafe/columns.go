// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// column is a top-level column, and what it takes of each record batch.
type column struct {
	name              string
	unread            string // what its type is called, "" for one that is read
	entries           listEntries
	libraryType       byte                  // the type as which the library reads it, 0: its own
	typeFields        []int32               // the fields of that type's table
	digits            *arrow.Decimal128Type // of decimals whose digits the library reads as integers
	hasDictionary     bool                  // it has a dictionary
	dictionaryID      int64                 // of that dictionary
	dictionaryEntries listEntries           // what that dictionary takes of its batch
}

// listEntries counts entries of the three lists of a record batch.
type listEntries struct{ nodes, buffers, variadic int }

func (a *listEntries) add(b listEntries) {
	a.nodes, a.buffers, a.variadic = a.nodes+b.nodes, a.buffers+b.buffers, a.variadic+b.variadic
}

// typeNames are the names of the types, by their numbers in the union.
var typeNames = [...]string{
	typeNull: "null", typeInt: "int", typeFloat: "float", typeBinary: "binary", typeText: "utf8", typeBool: "bool",
	typeDecimal: "decimal", typeDate: "date", typeTime: "time", typeTimestamp: "timestamp", typeInterval: "interval",
	typeList: "list", typeStruct: "struct", typeUnion: "union", typeFixedBinary: "fixed_size_binary",
	typeFixedList: "fixed_size_list", typeMap: "map", typeDuration: "duration", typeLargeBinary: "large_binary",
	typeLargeText: "large_utf8", typeLargeList: "large_list", typeRunEnds: "run_end_encoded",
	typeBinaryView: "binary_view", typeTextView: "utf8_view", typeListView: "list_view",
	typeLargeListView: "large_list_view",
}

// countEntries counts what a field and the fields below it take of a record batch
// (Columnar.html#buffer-listing-for-each-layout). Until version 5 of the metadata,
// unions and runs had a bit map of missing values.
func countEntries(f table, version int16) (listEntries, error) {
	if _, coded := f.child(fieldDictionary); coded {
		return listEntries{nodes: 1, buffers: 2}, nil
	}
	return countValueEntries(f, version)
}

func countValueEntries(f table, version int16) (r listEntries, err error) {
	r.nodes = 1
	without := 0 // bit maps of the types that have none any more
	if version < version5 {
		without = 1
	}
	kind := f.byte(fieldType)
	switch kind {
	case typeNull:
	case typeRunEnds:
		r.buffers = without
	case typeInt, typeFloat, typeBool, typeDecimal, typeDate, typeTime, typeTimestamp, typeInterval, typeDuration,
		typeFixedBinary, typeList, typeLargeList, typeMap:
		r.buffers = 2
	case typeBinary, typeText, typeLargeBinary, typeLargeText, typeListView, typeLargeListView:
		r.buffers = 3
	case typeBinaryView, typeTextView:
		r.buffers, r.variadic = 2, 1
	case typeStruct, typeFixedList:
		r.buffers = 1
	case typeUnion:
		t, _ := f.child(fieldType + 1)
		mode := t.int16(unionMode)
		if mode < 0 || mode > 1 {
			return r, fmt.Errorf("column %q is a union of an unknown mode", f.text(fieldName))
		}
		r.buffers = without + 1 + int(mode) // dense ones have offsets
	default:
		return r, fmt.Errorf("column %q has a type that this program does not know (number %d of the format)",
			f.text(fieldName), kind)
	}
	at, n := f.vector(fieldChildren)
	for i := range n {
		below, err := f.element(at, i)
		if err != nil {
			return r, err
		}
		more, err := countEntries(below, version)
		if err != nil {
			return r, err
		}
		r.add(more)
	}
	return r, nil
}

// columnOf decides how the column of a field is read.
func columnOf(f table, version int16) (column, error) {
	c := column{name: f.text(fieldName)}
	var err error
	if c.entries, err = countEntries(f, version); err != nil {
		return c, err
	}
	_, children := f.vector(fieldChildren)
	kind := f.byte(fieldType)
	t, ok := f.child(fieldType + 1)
	if !ok {
		return c, fmt.Errorf("column %q has no type", c.name)
	}
	c.unread = typeNames[kind]
	switch kind {
	case typeNull, typeText, typeLargeText, typeTextView, typeBool, typeDate, typeTimestamp:
		c.unread = ""
	case typeFloat:
		if p := t.int16(0); p >= 0 && p <= 2 {
			c.unread = ""
		}
	case typeInt:
		c.setInteger(t)
	case typeDecimal:
		c.setDecimal(t)
	}
	if c.unread == "" && children > 0 {
		return c, fmt.Errorf("column %q of type %s has columns below it", c.name, typeNames[kind])
	}
	d, coded := f.child(fieldDictionary)
	if !coded {
		return c, nil
	}
	c.hasDictionary, c.dictionaryID = true, d.int64(dictionaryID)
	if index, ok := d.child(dictionaryIndex); ok && !isUsualWidth(index.int32(intWidth, 0)) || c.libraryType != 0 {
		c.unread = typeNames[kind] + " of an unusual width" // no writer that we know makes these
	}
	if c.unread != "" {
		c.unread = "dictionary of " + c.unread
		return c, nil
	}
	c.dictionaryEntries, err = countValueEntries(f, version)
	return c, err
}

func isUsualWidth(width int32) bool { return width == 8 || width == 16 || width == 32 || width == 64 }

// setInteger has integers of up to 64 bits read as they are, and signed ones of
// 128 as decimals without a fraction, whose bytes are the same.
func (c *column) setInteger(t table) {
	signed := t.byte(intSigned) != 0
	switch width := t.int32(intWidth, 0); {
	case isUsualWidth(width):
		c.unread = ""
	case width == 128 && signed:
		c.unread, c.libraryType, c.typeFields = "", typeDecimal, []int32{38, 0, 128}
	case signed:
		c.unread = fmt.Sprintf("int%d", width)
	default:
		c.unread = fmt.Sprintf("uint%d", width)
	}
}

// maxScale bounds the zeros that a decimal's scale adds to its digits.
const maxScale = 76

// setDecimal has decimals of 32 and 64 bits read as integers, of which Reader makes
// decimals again.
func (c *column) setDecimal(t table) {
	precision, scale, width := t.int32(decimalPrecision, 0), t.int32(decimalScale, 0), t.int32(decimalWidth, 128)
	switch {
	case precision < 1 || scale < -maxScale || scale > maxScale:
		c.unread = fmt.Sprintf("decimal(%d, %d)", precision, scale)
	case width == 128 || width == 256:
		c.unread = ""
	case width == 32 || width == 64:
		c.unread, c.libraryType, c.typeFields = "", typeInt, []int32{width, 1}
		c.digits = &arrow.Decimal128Type{Precision: precision, Scale: scale}
	default:
		c.unread = fmt.Sprintf("decimal%d", width)
	}
}

// appendTable appends a table of numbers of four bytes and returns where it
// begins. (A flag, of one byte, is the first of the four: the format is
// little-endian.)
func appendTable(b []byte, numbers []int32) ([]byte, int) {
	le := binary.LittleEndian
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	vtable := len(b)
	b = le.AppendUint16(b, uint16(4+2*len(numbers)))
	b = le.AppendUint16(b, uint16(4+4*len(numbers)))
	for i := range numbers {
		b = le.AppendUint16(b, uint16(4+4*i))
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	at := len(b)
	b = le.AppendUint32(b, uint32(at-vtable))
	for _, n := range numbers {
		b = le.AppendUint32(b, uint32(n))
	}
	return b, at
}
