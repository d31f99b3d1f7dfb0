// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/assayrisk/assay/internal/arrowsafe"
)

// patchedFile is a Parquet file whose footer is another one of the same length.
type patchedFile struct {
	readerAt
	at     int64
	footer []byte
}

// ReadAt implements io.ReaderAt.
func (p *patchedFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.readerAt.ReadAt(b, off)
	if end := off + int64(n); end > p.at {
		from := max(off, p.at)
		copy(b[from-off:n], p.footer[from-p.at:])
	}
	return n, err
}

// hideUnknownTypes hides what the library would stumble over: logical types that are
// newer than it (VARIANT, GEOMETRY, GEOGRAPHY). Their columns are left with the
// types of their bytes, which are no numbers, texts or times.
func hideUnknownTypes(name string, src readerAt, size int64) (readerAt, error) {
	var tail [8]byte
	if _, err := src.ReadAt(tail[:], size-8); err != nil {
		return nil, damaged(name, err)
	}
	footer := make([]byte, binary.LittleEndian.Uint32(tail[:])) // checked by checkParquetFooter
	at := size - 8 - int64(len(footer))
	if n, err := src.ReadAt(footer, at); n < len(footer) {
		return nil, damaged(name, err)
	}
	t := thrift{b: footer}
	found, err := t.hideLogicalTypes()
	if err != nil {
		return nil, damaged(name, fmt.Errorf("the footer: %w", err))
	}
	if !found {
		return src, nil
	}
	return &patchedFile{src, at, append(footer, tail[:]...)}, nil
}

// thrift walks a structure in Thrift's compact protocol
// (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
type thrift struct {
	b     []byte
	at    int
	depth int
}

// Numbers of the protocol's types, and of fields in parquet.thrift.
const (
	thriftTrue, thriftFalse, thriftByte, thriftDouble = 1, 2, 3, 7
	thriftBinary, thriftList, thriftSet, thriftMap    = 8, 9, 10, 11
	thriftStruct, thriftUUID                          = 12, 13
	thriftShort, thriftInt, thriftLong                = 4, 5, 6

	metaSchema         = 2
	elementLogicalType = 10
	lastLogicalType    = 15 // the library's last, FLOAT16
)

var errThrift = errors.New("it is cut off, or no Thrift")

// hideLogicalTypes gives each logicalType of a SchemaElement that the library
// does not know the number of a field that it does not know either.
func (t *thrift) hideLogicalTypes() (found bool, err error) {
	err = t.fields(func(id int, kind byte, _ int) error {
		if id != metaSchema || kind != thriftList {
			return t.skip(kind)
		}
		return t.elements(func(kind byte) error {
			if kind != thriftStruct {
				return t.skip(kind)
			}
			return t.fields(func(id int, kind byte, head int) error {
				if id != elementLogicalType || kind != thriftStruct {
					return t.skip(kind)
				}
				known := true
				err := t.fields(func(id int, kind byte, _ int) error {
					known = known && id <= lastLogicalType
					return t.skip(kind)
				})
				if err != nil || known || t.at >= len(t.b) || t.b[t.at] != 0 { // it is the last field
					return err
				}
				found = true
				if t.b[head]>>4 != 0 {
					t.b[head] += 1 << 4
				} else {
					t.b[head+1] += 2
				}
				return nil
			})
		})
	})
	return found, err
}

// fields calls visit for each field of a structure: its number, its type, and
// where its head lies. visit moves past the value.
func (t *thrift) fields(visit func(id int, kind byte, head int) error) error {
	for id := 0; ; {
		if t.at >= len(t.b) {
			return errThrift
		}
		head := t.at
		b := t.b[head]
		t.at++
		if b == 0 {
			return nil
		}
		if b>>4 != 0 {
			id += int(b >> 4)
		} else {
			n, err := t.varint()
			if err != nil {
				return err
			}
			id = int(int16(n>>1) ^ -int16(n&1))
		}
		if err := visit(id, b&15, head); err != nil {
			return err
		}
	}
}

// elements calls visit for each element of a list.
func (t *thrift) elements(visit func(kind byte) error) error {
	if t.at >= len(t.b) {
		return errThrift
	}
	b := t.b[t.at]
	t.at++
	n := uint64(b >> 4)
	if n == 15 {
		var err error
		if n, err = t.varint(); err != nil {
			return err
		}
	}
	kind := b & 15
	if kind == thriftTrue || kind == thriftFalse {
		kind = thriftByte // in a list, a flag takes a byte
	}
	for range n { // each takes a byte at least, or is no Thrift
		if err := visit(kind); err != nil {
			return err
		}
	}
	return nil
}

func (t *thrift) varint() (uint64, error) {
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		return 0, errThrift
	}
	t.at += n
	return v, nil
}

// skip moves past a value.
func (t *thrift) skip(kind byte) error {
	if t.depth++; t.depth > 64 {
		return errThrift
	}
	defer func() { t.depth-- }()
	n := uint64(0)
	var err error
	switch kind {
	case thriftTrue, thriftFalse: // the head says it
	case thriftByte:
		n = 1
	case thriftDouble:
		n = 8
	case thriftUUID:
		n = 16
	case thriftBinary:
		n, err = t.varint()
	case thriftList, thriftSet:
		return t.elements(t.skip)
	case thriftMap:
		return t.skipMap()
	case thriftStruct:
		return t.fields(func(_ int, kind byte, _ int) error { return t.skip(kind) })
	case thriftShort, thriftInt, thriftLong:
		_, err = t.varint()
	default:
		return errThrift
	}
	if err != nil || n > uint64(len(t.b)-t.at) {
		return errThrift
	}
	t.at += int(n)
	return nil
}

func (t *thrift) skipMap() error {
	n, err := t.varint()
	if err != nil || n == 0 {
		return err
	}
	if t.at >= len(t.b) {
		return errThrift
	}
	kinds := t.b[t.at]
	t.at++
	for range n {
		for _, kind := range []byte{kinds >> 4, kinds & 15} {
			if kind == thriftTrue || kind == thriftFalse {
				kind = thriftByte
			}
			if err := t.skip(kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// schemaKey is where writers of Arrow keep their own schema in a Parquet file.
const schemaKey = "ARROW:schema"

// dropForeignSchema hides the Arrow schema in a file's footer from the library, if
// it is damaged or the library does not know all of its types, and returns the
// types of the columns that are not read, by name: Parquet knows less of them.
func dropForeignSchema(pr *file.Reader, known func() bool) map[string]arrow.DataType {
	unread := map[string]arrow.DataType{}
	for _, kv := range pr.MetaData().KeyValueMetadata() {
		if kv.Key != schemaKey || kv.Value == nil {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(*kv.Value)
		if err == nil {
			var r *arrowsafe.Reader
			if r, err = arrowsafe.NewReader(bytes.NewReader(b), int64(len(b)), false, boundedBy(0, 1<<20)); err == nil {
				if known() {
					return unread
				}
				for _, f := range r.Schema().Fields() {
					if u, ok := f.Type.(*arrowsafe.Unread); ok {
						unread[f.Name] = u
					}
				}
				r.Release()
			}
		}
		kv.Key = "(not read) " + schemaKey
	}
	return unread
}

var _ io.ReaderAt = (*patchedFile)(nil)
