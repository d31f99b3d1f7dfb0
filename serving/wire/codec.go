// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// vtMessage is what protoc-gen-go-vtproto generates: encoding without reflection.
type vtMessage interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

// Codec is the protobuf codec that uses generated code where there is some
// (this project's services) and grpc's own elsewhere (health, reflection). It
// serves servers and clients alike: grpc.ForceServerCodecV2, grpc.ForceCodecV2.
type Codec struct {
	fallback encoding.CodecV2
	limit    int // bytes of an Attempt, 0: none
}

// NewCodec returns the codec.
func NewCodec() Codec { return Codec{fallback: encoding.GetCodecV2(proto.Name)} }

// WithLimit returns a codec that decodes no Attempt of more than limit bytes: its
// error is a *TooLarge.
func (c Codec) WithLimit(limit int) Codec {
	c.limit = limit
	return c
}

// TooLarge is the error of a message of more bytes than are allowed.
type TooLarge struct{ Bytes, Limit int }

// Error implements error.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("a message of %d bytes, at most %d are allowed", e.Bytes, e.Limit)
}

// Name implements encoding.CodecV2.
func (Codec) Name() string { return proto.Name }

// Marshal implements encoding.CodecV2.
func (c Codec) Marshal(v any) (mem.BufferSlice, error) {
	if e, ok := v.(Encoded); ok {
		return e.data, nil
	}
	m, ok := v.(vtMessage)
	if !ok {
		return c.fallback.Marshal(v)
	}
	n := m.SizeVT()
	if mem.IsBelowBufferPoolingThreshold(n) {
		b := make([]byte, n)
		if _, err := m.MarshalToSizedBufferVT(b); err != nil {
			return nil, fmt.Errorf("marshal %T: %w", v, err)
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	pool := &buffers
	b := pool.Get(n)
	if _, err := m.MarshalToSizedBufferVT((*b)[:n]); err != nil {
		pool.Put(b)
		return nil, fmt.Errorf("marshal %T: %w", v, err)
	}
	return mem.BufferSlice{mem.NewBuffer(b, pool)}, nil
}

// Attempt is a message to decode into, and the error of bytes that are none. A
// server that gives grpc an Attempt answers that error itself: what a codec
// returns, grpc answers as an error of its own (INTERNAL), before any handler.
type Attempt struct {
	Message any
	Err     error
}

// Discard is a message of which nothing is read.
type Discard struct{}

// Unmarshal implements encoding.CodecV2.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	var decode func([]byte) error
	switch m := v.(type) {
	case *Attempt:
		if n := data.Len(); c.limit > 0 && n > c.limit {
			m.Err = &TooLarge{n, c.limit}
			return nil
		}
		m.Err = c.Unmarshal(data, m.Message)
		return nil
	case Discard:
		return nil
	case *Request:
		decode = m.Unmarshal
	case *Batch:
		decode = m.Unmarshal
	case *pb.RecordRequest:
		decode = func(b []byte) error { return bounded(b, m.UnmarshalVT, func(e *pb.Event) { m.Event = e }) }
	case *pb.ExplainRequest:
		decode = func(b []byte) error {
			return bounded(b, m.UnmarshalVT, func(e *pb.Event) { m.What = &pb.ExplainRequest_Event{Event: e} })
		}
	case *v2.ModelInferRequest:
		decode = func(b []byte) error { return boundedInfer(b, m) }
	case vtMessage:
		decode = m.UnmarshalVT
	default:
		return c.fallback.Unmarshal(data, v)
	}
	if len(data) == 1 {
		return decode(data[0].ReadOnlyData())
	}
	b := data.MaterializeToBuffer(&buffers)
	defer b.Free()
	return decode(b.ReadOnlyData())
}
