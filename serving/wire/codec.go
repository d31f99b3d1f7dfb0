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

// vtMessage is a message with the methods that protoc-gen-go-vtproto generates:
// they encode and decode without reflection.
type vtMessage interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

// Codec is a protobuf codec. It uses generated code for this project's services
// and gRPC's own codec for others (health, reflection). Servers and clients use
// it: grpc.ForceServerCodecV2, grpc.ForceCodecV2.
type Codec struct {
	fallback encoding.CodecV2
	limit    int // bytes of a DecodeAttempt; 0: no limit
}

// NewCodec returns the codec.
func NewCodec() Codec { return Codec{fallback: encoding.GetCodecV2(proto.Name)} }

// WithLimit returns a codec that decodes no DecodeAttempt of more than limit
// bytes: its error is a *TooLarge.
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

// DecodeAttempt is a message to decode into, and the error if the bytes are not
// such a message. A server that passes gRPC a DecodeAttempt answers that error
// itself; when a codec returns an error, gRPC answers INTERNAL before any handler
// runs.
type DecodeAttempt struct {
	Message any
	Err     error
}

// Discard is a message that is received and not decoded.
type Discard struct{}

// Unmarshal implements encoding.CodecV2.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	var decode func([]byte) error
	switch m := v.(type) {
	case *DecodeAttempt:
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
		decode = func(b []byte) error { return decodeBounded(b, m.UnmarshalVT, func(e *pb.Event) { m.Event = e }) }
	case *pb.ExplainRequest:
		decode = func(b []byte) error {
			return decodeBounded(b, m.UnmarshalVT, func(e *pb.Event) { m.What = &pb.ExplainRequest_Event{Event: e} })
		}
	case *v2.ModelInferRequest:
		decode = func(b []byte) error { return decodeBoundedInfer(b, m) }
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
