// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// CheckStream verifies an Arrow IPC stream of size bytes at r:
//
//	ff ff ff ff | length of metadata, int32 | metadata | body, ...
//
// A length of 0 ends it; what comes after is not read. Streams of before 2019,
// whose frames begin with the length, are refused.
func CheckStream(r io.ReaderAt, size int64) error {
	var c checker
	for at := int64(0); at < size; {
		n, err := frame(r, at, size)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		body, err := c.at(r, at+8, n)
		if err != nil {
			return fmt.Errorf("the frame at byte %d: %w", at, err)
		}
		if body < 0 || body > size-at-8-n {
			return fmt.Errorf("the frame at byte %d has a body of %d bytes that is not there", at, body)
		}
		at += 8 + n + body
	}
	return nil
}

// frame reads the head of the frame at a position: the length of its metadata.
func frame(r io.ReaderAt, at, size int64) (int64, error) {
	var head [8]byte
	if size-at < 8 {
		return 0, fmt.Errorf("a frame begins at byte %d and has no length", at)
	}
	if err := readAt(r, head[:], at); err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(head[:]) != 0xffffffff {
		return 0, fmt.Errorf("no frame begins at byte %d", at)
	}
	n := int64(int32(binary.LittleEndian.Uint32(head[4:])))
	if n < 0 || n > size-at-8 {
		return 0, fmt.Errorf("metadata of %d bytes at byte %d of %d", n, at, size)
	}
	return n, nil
}

// at verifies the metadata of n bytes at a position.
func (c *checker) at(r io.ReaderAt, at, n int64) (body int64, err error) {
	meta := make([]byte, n)
	if err := readAt(r, meta, at); err != nil {
		return 0, err
	}
	return c.message(meta)
}

// CheckFile verifies an Arrow IPC file of size bytes at r:
//
//	"ARROW1" 00 00 | stream | footer | its length, int32 | "ARROW1"
//
// The footer names the place of each message; all of them are looked at.
func CheckFile(r io.ReaderAt, size int64) error {
	const head, tail = 8, 10
	if size < head+tail {
		return errors.New("too short for an Arrow file")
	}
	var end [tail]byte
	if err := readAt(r, end[:], size-tail); err != nil {
		return err
	}
	if string(end[4:]) != "ARROW1" {
		return errors.New("the closing magic bytes are missing; is the file truncated?")
	}
	n := int64(int32(binary.LittleEndian.Uint32(end[:])))
	if n <= 0 || n > size-head-tail {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	foot := make([]byte, n)
	if err := readAt(r, foot, size-tail-n); err != nil {
		return err
	}
	if err := verify(foot, &footer); err != nil {
		return fmt.Errorf("the footer: %w", err)
	}
	f, err := tableAt(foot, int(binary.LittleEndian.Uint32(foot)))
	if err != nil {
		return err
	}
	var c checker
	s, ok := f.child(footerSchema)
	if !ok {
		return errors.New("the footer has no schema")
	}
	if err := c.schema(s); err != nil {
		return err
	}
	for _, slot := range []int{footerDictionaries, footerBatch} {
		if err := c.blocks(r, f, slot, size-tail-n); err != nil {
			return err
		}
	}
	return nil
}

// blocks verifies the messages that the footer f names in a slot; they lie
// below limit.
func (c *checker) blocks(r io.ReaderAt, f table, slot int, limit int64) error {
	at, n := f.vector(slot)
	for i := range n {
		b := f.b[at+24*i:]
		off := int64(binary.LittleEndian.Uint64(b))
		meta := int64(int32(binary.LittleEndian.Uint32(b[8:]))) // with the head of its frame
		body := int64(binary.LittleEndian.Uint64(b[16:]))
		if off < 0 || off > limit || meta < 8 || meta > limit-off || body < 0 || body > limit-off-meta {
			return fmt.Errorf("the footer's block %d lies outside of the file", i)
		}
		length, err := frame(r, off, off+meta)
		if err != nil {
			return err
		}
		claimed, err := c.at(r, off+8, length)
		if err != nil {
			return fmt.Errorf("the message at byte %d: %w", off, err)
		}
		if claimed != body {
			return fmt.Errorf("the message at byte %d has a body of %d bytes, and the footer says %d", off, claimed, body)
		}
	}
	return nil
}

// readAt fills b, where the end of the file right after it is no error.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return err
	}
	return nil
}
