// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"math"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assayrisk/assay"
)

// Reply is a ScoreResponse that is encoded from the types of package assay.
type Reply struct {
	Decision     *assay.Decision
	Canonical    []byte // the decision's bytes
	Promise      []byte
	Repeated     bool
	ExpectedLoss float64 // NaN: absent
	Price        float64 // NaN: absent
	LateBy       time.Duration
	LateWindows  []string
}

// Encoded is an encoded message; the codec sends it as it is.
type Encoded struct{ data mem.BufferSlice }

// Encode makes the bytes of the ScoreResponse, in pooled memory. It copies all that
// r points to. TestReply compares it with the generated message.
func (r *Reply) Encode() Encoded {
	pool := &buffers
	n := r.maxSize()
	p := pool.Get(n)
	b := r.append((*p)[:0])
	if cap(b) != cap(*p) { // maxSize was too low: it should not be, and nothing is lost
		pool.Put(p)
		return Encoded{mem.BufferSlice{mem.SliceBuffer(b)}}
	}
	*p = b
	return Encoded{mem.BufferSlice{mem.NewBuffer(p, pool)}}
}

// maxSize is a bound of the length of the encoded reply.
func (r *Reply) maxSize() int {
	d := r.Decision
	n := 345 + len(d.RequestID) + len(d.Score.Grade) + len(r.Canonical) + len(r.Promise)
	for _, s := range d.Rules {
		n += 6 + len(s)
	}
	for i := range d.Reasons {
		n += 6 + reasonSize(&d.Reasons[i])
	}
	for _, s := range r.LateWindows {
		n += 7 + len(s)
	}
	return n
}

func (r *Reply) append(b []byte) []byte {
	d := r.Decision
	b = appendString(b, 1, d.RequestID)
	b = appendVarint(b, 2, d.Sequence)
	b = appendVarint(b, 3, uint64(outcomes[d.Outcome]))
	b = appendDouble(b, 4, d.Score.PD)
	b = appendDouble(b, 5, d.Score.Margin)
	b = appendDouble(b, 6, d.Score.Points)
	b = appendString(b, 7, d.Score.Grade)
	for _, s := range d.Rules {
		b = protowire.AppendString(protowire.AppendTag(b, 8, protowire.BytesType), s)
	}
	for i := range d.Reasons {
		x := &d.Reasons[i]
		b = protowire.AppendVarint(protowire.AppendTag(b, 9, protowire.BytesType), uint64(reasonSize(x)))
		b = appendString(b, 1, x.Code)
		b = appendString(b, 2, x.Text)
		b = appendDouble(b, 3, x.Contribution)
	}
	b = appendBytes(b, 10, d.Score.Model[:])
	b = appendBytes(b, 11, d.Plan[:])
	b = appendBytes(b, 12, d.Policy[:])
	b = appendBytes(b, 13, d.Vector[:])
	b = appendBytes(b, 14, r.Canonical)
	b = appendBytes(b, 15, r.Promise)
	if r.Repeated {
		b = appendVarint(b, 16, 1)
	}
	b = appendSeconds(b, 17, uint64(d.Micros/1e6), uint64(d.Micros%1e6)*1000)
	if !math.IsNaN(r.ExpectedLoss) {
		b = protowire.AppendFixed64(protowire.AppendTag(b, 19, protowire.Fixed64Type), math.Float64bits(r.ExpectedLoss))
	}
	if !math.IsNaN(r.Price) {
		b = protowire.AppendFixed64(protowire.AppendTag(b, 20, protowire.Fixed64Type), math.Float64bits(r.Price))
	}
	if r.LateBy > 0 {
		b = appendSeconds(b, 21, uint64(r.LateBy/time.Second), uint64(r.LateBy%time.Second))
	}
	for _, s := range r.LateWindows {
		b = protowire.AppendString(protowire.AppendTag(b, 22, protowire.BytesType), s)
	}
	return b
}

// appendSeconds appends a Timestamp or a Duration, which must not be negative.
func appendSeconds(b []byte, num protowire.Number, sec, nano uint64) []byte {
	b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.BytesType),
		uint64(varintSize(1, sec)+varintSize(2, nano)))
	return appendVarint(appendVarint(b, 1, sec), 2, nano)
}

func reasonSize(x *assay.Reason) int {
	n := 0
	for _, s := range [...]string{x.Code, x.Text} {
		if s != "" {
			n += 1 + protowire.SizeBytes(len(s))
		}
	}
	if math.Float64bits(x.Contribution) != 0 {
		n += 9
	}
	return n
}

// The functions below follow proto3: a zero value is not written.

// appendTag appends the tag of a field whose number is below 32.
func appendTag(b []byte, num protowire.Number, typ protowire.Type) []byte {
	if num < 16 {
		return append(b, byte(num)<<3|byte(typ))
	}
	return append(b, byte(num)<<3|byte(typ)|0x80, byte(num>>4))
}

// appendLength appends a length.
func appendLength(b []byte, n int) []byte {
	if n < 1<<7 {
		return append(b, byte(n))
	}
	return protowire.AppendVarint(b, uint64(n))
}

func appendString(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return append(appendLength(appendTag(b, num, protowire.BytesType), len(s)), s...)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return append(appendLength(appendTag(b, num, protowire.BytesType), len(v)), v...)
}

func appendVarint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(appendTag(b, num, protowire.VarintType), v)
}

func varintSize(num protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(num) + protowire.SizeVarint(v)
}

func appendDouble(b []byte, num protowire.Number, x float64) []byte {
	u := math.Float64bits(x)
	if u == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(appendTag(b, num, protowire.Fixed64Type), u)
}
