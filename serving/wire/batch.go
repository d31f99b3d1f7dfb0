// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// Batch is a ScoreBatchRequest whose rows are decoded into the Requests that Next
// returns, without a generated message in between. All strings of all rows share
// one copy of the message's bytes.
type Batch struct {
	// Next returns the memory for the next row, or nil to end: the rows that follow
	// are counted and not decoded.
	Next func() *Request
	// Admit, if set, is called with the number of rows before any is decoded. If it
	// returns false, none is decoded, and Unmarshal returns nil. It is not called
	// for a message that holds anything but rows or is not well-formed.
	Admit func(rows int) bool
	Rows  int // in the message
	Arrow *pb.ArrowBatch
}

// Unmarshal decodes a ScoreBatchRequest. Bytes that are not a message are an
// error; a row whose event cannot be read has its Err set. FuzzBatch compares it
// with the generated message.
func (r *Batch) Unmarshal(b []byte) error {
	r.Rows, r.Arrow = 0, nil
	in := fieldReader{string(b), true}
	if r.Admit != nil {
		if n := countRows(in.s); n > 0 && !r.Admit(n) {
			return nil
		}
	}
	for {
		num, typ := in.tag()
		if num == 0 && in.ok {
			return nil
		}
		if num != 1 || typ != wireBytes { // an Arrow batch, or an unknown field
			return r.decodeRest(b)
		}
		row := in.bytes()
		if !in.ok {
			return r.decodeRest(b)
		}
		if err := r.decodeRow(func(to *Request) error { return to.decode(row) }); err != nil {
			return err
		}
	}
}

// countRows returns the number of rows of a message that holds only rows; 0 for
// any other.
func countRows(s string) int {
	in, n := fieldReader{s, true}, 0
	for {
		num, typ := in.tag()
		if num == 0 && in.ok {
			return n
		}
		if num != 1 || typ != wireBytes {
			return 0
		}
		in.bytes()
		n++
	}
}

// decodeRow decodes one row, unless Next ends the rows.
func (r *Batch) decodeRow(decode func(*Request) error) error {
	r.Rows++
	if to := r.Next(); to != nil {
		return decode(to)
	}
	return nil
}

// decodeRest decodes all but the rows through the generated message. Rows that
// Unmarshal decoded already are skipped.
func (r *Batch) decodeRest(b []byte) error {
	var others []byte
	n, before := 0, r.Rows
	err := forEachField(b, func(num protowire.Number, typ protowire.Type, field, value []byte) error {
		if num != 1 || typ != protowire.BytesType {
			others = append(others, field...)
			return nil
		}
		if n++; n <= before {
			return nil
		}
		return r.decodeRow(func(to *Request) error { return to.decode(string(value)) })
	})
	if err != nil {
		return err
	}
	m := new(pb.ScoreBatchRequest)
	if err := m.UnmarshalVT(others); err != nil {
		return err
	}
	r.Arrow = m.Arrow
	return nil
}

// Replies builds the bytes of a ScoreBatchResponse, row by row, in pooled memory.
// TestReplies compares it with the generated message.
type Replies struct {
	buf   *[]byte
	bytes []byte
}

// NewReplies returns Replies with room for so many bytes. Its Encoded must be sent.
func NewReplies(room int) *Replies {
	p := buffers.Get(room)
	return &Replies{p, (*p)[:0]}
}

// MaxRowSize is a bound of the length of r as a row of Replies.
func (r *Reply) MaxRowSize() int { return r.maxSize() + 8 }

// rowTag is field 1 of ScoreBatchResponse, length-delimited.
const rowTag = 1<<3 | 2

// Add appends a row.
func (r *Replies) Add(x *Reply) {
	start := len(r.bytes)
	b := x.append(append(r.bytes, rowTag, 0, 0)) // most lengths are varints of two bytes
	if n := len(b) - start - 3; n >= 1<<7 && n < 1<<14 {
		b[start+1], b[start+2] = byte(n)|0x80, byte(n>>7)
		r.bytes = b
		return
	}
	row := append([]byte(nil), b[start+3:]...)
	r.bytes = protowire.AppendBytes(append(b[:start], rowTag), row)
}

// AddMessage appends a row from a message, such as an error.
func (r *Replies) AddMessage(m *pb.ScoreResponse) error {
	row, err := m.MarshalVT()
	if err != nil {
		return err
	}
	r.bytes = protowire.AppendBytes(append(r.bytes, rowTag), row)
	return nil
}

// Encoded returns the message; r must not be used after it.
func (r *Replies) Encoded() Encoded {
	pool := &buffers
	if cap(r.bytes) != cap(*r.buf) { // it did not fit into the pooled buffer
		pool.Put(r.buf)
		return Encoded{mem.BufferSlice{mem.SliceBuffer(r.bytes)}}
	}
	*r.buf = r.bytes
	return Encoded{mem.BufferSlice{mem.NewBuffer(r.buf, pool)}}
}

// EncodedMessage encodes m, for handlers that answer with Encoded.
func EncodedMessage(m *pb.ScoreBatchResponse) (Encoded, error) {
	b, err := m.MarshalVT()
	return Encoded{mem.BufferSlice{mem.SliceBuffer(b)}}, err
}
