// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// frames reads the messages of a file or a stream in their order, and is itself a
// stream of what rewriter makes of them:
//
//	ff ff ff ff | length of metadata, int32 | metadata | body, ...
//
// A length of 0 ends it; what comes after is not read. Streams from before 2019,
// whose frames begin with the length, are refused.
type frames struct {
	src      io.ReaderAt
	size     int64
	next     func() (at, length, body int64, err error) // of the metadata; body is -1 where nothing else claims it
	schema   []byte                                     // the first message of a file, which its footer holds
	nextAt   int64                                      // where the message that was read last ends
	rewriter rewriter
	reader   io.Reader // of the message that was read last
	err      error     // what ended it
}

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for f.err == nil {
		if n, err := f.reader.Read(p); n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		f.err = f.advance()
	}
	return 0, f.err
}

// advance reads the next message.
func (f *frames) advance() error {
	if f.schema != nil {
		meta, _, err := f.rewriter.message(f.schema)
		f.schema = nil
		f.present(meta, 0, 0)
		return err
	}
	at, length, claimed, err := f.next()
	if err != nil {
		return err
	}
	if length == 0 {
		return io.EOF
	}
	meta := make([]byte, length)
	if err := readAt(f.src, meta, at); err != nil {
		return err
	}
	meta, body, err := f.rewriter.message(meta)
	if err != nil {
		return fmt.Errorf("the message at byte %d: %w", at-8, err)
	}
	if body < 0 || body > f.size-at-length || claimed >= 0 && body != claimed {
		return fmt.Errorf("the message at byte %d has a body of %d bytes that is not there", at-8, body)
	}
	f.nextAt = at + length + body
	if meta != nil {
		f.present(meta, at+length, body)
	}
	return nil
}

// present makes a message the one that Read reads, with the body at a position.
func (f *frames) present(meta []byte, at, body int64) {
	head := binary.LittleEndian.AppendUint32([]byte{0xff, 0xff, 0xff, 0xff}, uint32(len(meta)))
	f.reader = io.MultiReader(bytes.NewReader(append(head, meta...)), io.NewSectionReader(f.src, at, body))
}

// openStream prepares for reading a stream.
func (f *frames) openStream() {
	f.next = func() (int64, int64, int64, error) {
		if f.nextAt >= f.size {
			return 0, 0, 0, io.EOF
		}
		n, err := frameLength(f.src, f.nextAt, f.size)
		return f.nextAt + 8, n, -1, err
	}
}

// openFile prepares for reading a file:
//
//	"ARROW1" 00 00 | stream | footer | its length, int32 | "ARROW1"
//
// The footer holds the schema (in the files of some writers, the one in the stream
// has no frame) and the positions of the dictionaries and batches, in the order in
// which they are read.
func (f *frames) openFile() error {
	const head, tail = 8, 10
	if f.size < head+tail {
		return errors.New("too short for an Arrow file")
	}
	var end [tail]byte
	if err := readAt(f.src, end[:], f.size-tail); err != nil {
		return err
	}
	if string(end[4:]) != "ARROW1" {
		return errors.New("the closing magic bytes are missing; is the file truncated?")
	}
	n := int64(int32(binary.LittleEndian.Uint32(end[:])))
	if n <= 0 || n > f.size-head-tail {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, f.size)
	}
	foot := make([]byte, n)
	if err := readAt(f.src, foot, f.size-tail-n); err != nil {
		return err
	}
	if err := verify(foot, &footer); err != nil {
		return fmt.Errorf("the footer: %w", err)
	}
	t, err := tableAt(foot, int(binary.LittleEndian.Uint32(foot)))
	if err != nil {
		return err
	}
	if f.schema = schemaMessage(foot, t); f.schema == nil {
		return errors.New("the footer has no schema")
	}
	f.size -= tail + n
	var all [][]byte // blocks of 24 bytes
	for _, slot := range []int{footerDictionaries, footerBatch} {
		at, n := t.vector(slot)
		for i := range n {
			all = append(all, foot[at+24*i:at+24*i+24])
		}
	}
	f.next = func() (int64, int64, int64, error) {
		if len(all) == 0 {
			return 0, 0, 0, io.EOF
		}
		b := all[0]
		all = all[1:]
		return f.block(b)
	}
	return nil
}

// schemaMessage makes a message of the schema in a verified footer: it puts the
// message's head before the footer, whose offsets are relative to their own
// position. nil: the footer has no schema.
func schemaMessage(foot []byte, t table) []byte {
	const length, root, header = 32, 16, 20
	s, ok := t.child(footerSchema)
	if !ok {
		return nil
	}
	le := binary.LittleEndian
	b := make([]byte, length, length+len(foot))
	le.PutUint32(b, root)
	for i, v := range []uint16{12, 12, 8, 10, header - root, 0} { // sizes, version, kind, header, no body
		le.PutUint16(b[4+2*i:], v)
	}
	le.PutUint32(b[root:], root-4)
	le.PutUint32(b[header:], uint32(length+s.at-header))
	le.PutUint16(b[root+8:], uint16(t.int16(footerVersion)))
	b[root+10] = kindSchema
	return append(b, foot...)
}

// block finds the message that a block of the footer names.
func (f *frames) block(b []byte) (at, length, body int64, err error) {
	at = int64(binary.LittleEndian.Uint64(b))
	meta := int64(int32(binary.LittleEndian.Uint32(b[8:]))) // with the head of its frame
	body = int64(binary.LittleEndian.Uint64(b[16:]))
	if at < 0 || at > f.size || meta < 8 || meta > f.size-at || body < 0 || body > f.size-at-meta {
		return 0, 0, 0, errors.New("a block of the footer lies outside of the file")
	}
	length, err = frameLength(f.src, at, at+meta)
	if err == nil && length == 0 {
		err = fmt.Errorf("the message at byte %d is empty", at)
	}
	return at + 8, length, body, err
}

// frameLength reads the head of the frame at a position and returns the length of
// its metadata.
func frameLength(r io.ReaderAt, at, size int64) (int64, error) {
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

// readAt fills b. It is no error if the file ends right after it.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return err
	}
	return nil
}
