// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Unread is the type of a column that is not read because it holds neither
// numbers, texts nor times.
type Unread struct {
	arrow.DataType
	name string
}

// ID implements arrow.DataType: it is none of the library's.
func (*Unread) ID() arrow.Type { return arrow.EXTENSION }

// Name implements arrow.DataType.
func (u *Unread) Name() string { return u.name }

// String implements fmt.Stringer.
func (u *Unread) String() string { return u.name }

// Reader reads record batches from an untrusted Arrow IPC file or stream. It
// returns the columns of numbers, texts and times; the library never sees the
// others.
type Reader struct {
	frames *frames
	lib    *ipc.Reader
	schema *arrow.Schema // of all columns
	read   *arrow.Schema // of those that are read
	digits []*arrow.Decimal128Type
}

// NewReader opens the file or stream of size bytes at src. Its columns allocate
// their buffers from mem.
func NewReader(src io.ReaderAt, size int64, asFile bool, mem memory.Allocator) (*Reader, error) {
	f := &frames{src: src, size: size, reader: bytes.NewReader(nil)}
	if !asFile {
		f.openStream()
	} else if err := f.openFile(); err != nil {
		return nil, err
	}
	lib, err := ipc.NewReaderFromMessageReader(ipc.NewMessageReader(f), ipc.WithAllocator(mem))
	if f.err != nil && !errors.Is(f.err, io.EOF) {
		return nil, f.err
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{frames: f, lib: lib}
	fields := make([]arrow.Field, len(f.rewriter.columns))
	var read []arrow.Field
	for i, c := range f.rewriter.columns {
		if c.unread != "" {
			fields[i] = arrow.Field{Name: c.name, Type: &Unread{arrow.Null, c.unread}, Nullable: true}
			continue
		}
		fields[i] = lib.Schema().Field(len(read))
		if c.digits != nil {
			fields[i].Type = c.digits
		}
		r.digits = append(r.digits, c.digits)
		read = append(read, fields[i])
	}
	r.schema, r.read = arrow.NewSchema(fields, nil), arrow.NewSchema(read, nil)
	return r, nil
}

// Schema returns every column, in the order of the file.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// RecordColumn returns the index in a record of column i of Schema, -1 if that is
// not read.
func (r *Reader) RecordColumn(i int) int {
	place := -1
	for k, c := range r.frames.rewriter.columns[:i+1] {
		if c.unread == "" {
			place++
		} else if k == i {
			return -1
		}
	}
	return place
}

// Read returns the next record, of the columns that are read; io.EOF ends it.
// The record is the caller's to release.
func (r *Reader) Read() (arrow.Record, error) {
	rec, err := r.lib.Read()
	if f := r.frames.err; f != nil && !errors.Is(f, io.EOF) {
		return nil, f
	}
	if err != nil {
		return nil, err
	}
	cols := make([]arrow.Array, rec.NumCols())
	for i, c := range rec.Columns() {
		if r.digits[i] == nil {
			c.Retain()
			cols[i] = c
		} else if cols[i], err = decimals(c, r.digits[i]); err != nil {
			return nil, err
		}
	}
	out := array.NewRecord(r.read, cols, rec.NumRows())
	for _, c := range cols {
		c.Release()
	}
	return out, nil
}

// Release gives back what the reader holds.
func (r *Reader) Release() { r.lib.Release() }

// decimals makes decimals of an array of their digits.
func decimals(a arrow.Array, t *arrow.Decimal128Type) (arrow.Array, error) {
	b := array.NewDecimal128Builder(memory.DefaultAllocator, t)
	defer b.Release()
	b.Reserve(a.Len())
	for i := range a.Len() {
		switch a := a.(type) {
		case *array.Int32:
			appendDigits(b, a.IsNull(i), int64(a.Value(i)))
		case *array.Int64:
			appendDigits(b, a.IsNull(i), a.Value(i))
		default:
			return nil, fmt.Errorf("decimals were read as %s", a.DataType())
		}
	}
	return b.NewArray(), nil
}

func appendDigits(b *array.Decimal128Builder, null bool, digits int64) {
	if null {
		b.AppendNull()
	} else {
		b.Append(decimal128.FromI64(digits))
	}
}
