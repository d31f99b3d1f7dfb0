// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// bounded is an allocator for format libraries that believe what a file claims:
// a single buffer beyond max panics, and guard turns that into an error.
type bounded struct {
	memory.Allocator
	max int
}

// boundedBy allows buffers as large as decompression can reasonably make of a
// file of size bytes, and no larger than the whole table may be.
func boundedBy(size, limit int64) bounded {
	return bounded{memory.DefaultAllocator, int(min(1<<20+maxRowsPerByte*size, limit))}
}

// Allocate implements memory.Allocator.
func (b bounded) Allocate(size int) []byte {
	b.check(size)
	return b.Allocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (b bounded) Reallocate(size int, p []byte) []byte {
	b.check(size)
	return b.Allocator.Reallocate(size, p)
}

func (b bounded) check(size int) {
	if size < 0 || size > b.max {
		panic(fmt.Sprintf("a buffer of %d bytes is asked for, at most %d are allowed", size, b.max))
	}
}

// checkArrowStream walks the frames of an Arrow stream, whose lengths the
// library trusts when it allocates, and leaves src at its start:
//
//	ff ff ff ff | length of metadata, int32 | metadata | body
//
// The body's length stands in the metadata (Message.bodyLength).
func checkArrowStream(name string, src readerAt) error {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	for at := int64(0); at < size; {
		var head [8]byte
		if n, err := src.ReadAt(head[:], at); err != nil && !(errors.Is(err, io.EOF) && n == 8) {
			return damaged(name, fmt.Errorf("a frame begins at byte %d and has no length", at))
		}
		if binary.LittleEndian.Uint32(head[:4]) != 0xffffffff {
			return damaged(name, fmt.Errorf("no frame begins at byte %d", at))
		}
		n := int64(int32(binary.LittleEndian.Uint32(head[4:])))
		if n == 0 { // the end mark
			break
		}
		if n < 0 || n > size-at-8 {
			return damaged(name, fmt.Errorf("metadata of %d bytes at byte %d of %d", n, at, size))
		}
		meta := make([]byte, n)
		if _, err := src.ReadAt(meta, at+8); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		body, ok := bodyLength(meta)
		if !ok || body < 0 || body > size-at-8-n {
			return damaged(name, fmt.Errorf("the frame at byte %d has a body that the file does not hold", at))
		}
		at += 8 + n + body
	}
	_, err = src.Seek(0, io.SeekStart)
	return err
}

// bodyLength reads the field bodyLength (the fourth) of a flatbuffer of type
// Message: the root's offset, its table's distance to the vtable, the field's
// place in the vtable, the value.
func bodyLength(b []byte) (int64, bool) {
	le := binary.LittleEndian
	if len(b) < 4 {
		return 0, false
	}
	table := int64(le.Uint32(b))
	if table < 0 || table+4 > int64(len(b)) {
		return 0, false
	}
	vtable := table - int64(int32(le.Uint32(b[table:])))
	if vtable < 0 || vtable+4 > int64(len(b)) {
		return 0, false
	}
	const slot = 4 + 2*3
	if int64(le.Uint16(b[vtable:])) < slot+2 {
		return 0, true // the field is absent: its default
	}
	if vtable+slot+2 > int64(len(b)) {
		return 0, false
	}
	off := int64(le.Uint16(b[vtable+slot:]))
	if off == 0 {
		return 0, true
	}
	if table+off+8 > int64(len(b)) {
		return 0, false
	}
	return int64(le.Uint64(b[table+off:])), true
}
