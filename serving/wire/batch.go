// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// Batch is a ScoreBatchRequest as the server wants it: each row decoded into
// the Request that Next gives, with no message in between. All strings of all
// rows share one copy of the message's bytes.
type Batch struct {
	// Next gives the memory of the next row, or nil when there are rows enough:
	// those that follow are counted and not decoded.
	Next func() *Request
	// Admit, if set, is told how many rows there are before any of them is
	// decoded; when it says no, none is, and Unmarshal returns nil. A message
	// that holds anything but rows, or is not well-formed, is decoded without.
	Admit func(rows int) bool
	Rows  int // that the message holds
	Arrow *pb.ArrowBatch
}

// Unmarshal decodes a ScoreBatchRequest. Bytes that are no message are an
// error; a row whose event cannot be a noun has it in its Err. FuzzBatch holds
// it to the generated message.
func (r *Batch) Unmarshal(b []byte) error {
	r.Rows, r.Arrow = 0, nil
	in := reader{string(b), true}
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
		if num != 1 || typ != wireBytes { // an Arrow batch, or nothing that this knows
			return r.message(b)
		}
		row := in.bytes()
		if !in.ok {
			return r.message(b)
		}
		if err := r.row(func(to *Request) error { return to.decode(row) }); err != nil {
			return err
		}
	}
}

// countRows returns the number of rows of a message that holds nothing else, 0
// for any other.
func countRows(s string) int {
	in, n := reader{s, true}, 0
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

// row gives one row to decode.
func (r *Batch) row(decode func(*Request) error) error {
	r.Rows++
	if to := r.Next(); to != nil {
		return decode(to)
	}
	return nil
}

// message takes all but rows through the generated message. Rows that were
// decoded before stay as they are: the message begins with the same ones.
func (r *Batch) message(b []byte) error {
	var others []byte
	n, before := 0, r.Rows
	err := each(b, func(num protowire.Number, typ protowire.Type, field, value []byte) error {
		if num != 1 || typ != protowire.BytesType {
			others = append(others, field...)
			return nil
		}
		if n++; n <= before {
			return nil
		}
		return r.row(func(to *Request) error { return to.decode(string(value)) })
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

// Replies builds the bytes of a ScoreBatchResponse, row by row, in pooled
// memory. TestReplies holds it to the generated message.
type Replies struct {
	buf   *[]byte
	bytes []byte
}

// NewReplies returns one with room for so many bytes. Its Encoded must be sent.
func NewReplies(room int) *Replies {
	p := buffers.Get(room)
	return &Replies{p, (*p)[:0]}
}

// Bound is at least the length of the row that r makes.
func (r *Reply) Bound() int { return r.bound() + 8 }

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

// AddMessage appends a row that is a message, such as an error.
func (r *Replies) AddMessage(m *pb.ScoreResponse) error {
	row, err := m.MarshalVT()
	if err != nil {
		return err
	}
	r.bytes = protowire.AppendBytes(append(r.bytes, rowTag), row)
	return nil
}

// Encoded returns the message; r is used up.
func (r *Replies) Encoded() Encoded {
	pool := &buffers
	if cap(r.bytes) != cap(*r.buf) { // it outgrew the room
		pool.Put(r.buf)
		return Encoded{mem.BufferSlice{mem.SliceBuffer(r.bytes)}}
	}
	*r.buf = r.bytes
	return Encoded{mem.BufferSlice{mem.NewBuffer(r.buf, pool)}}
}

// EncodedMessage is m as the codec sends it, for handlers that answer with
// Encoded.
func EncodedMessage(m *pb.ScoreBatchResponse) (Encoded, error) {
	b, err := m.MarshalVT()
	return Encoded{mem.BufferSlice{mem.SliceBuffer(b)}}, err
}
