// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

// rawCodec sends and takes bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(d mem.BufferSlice, v any) error {
	if b, ok := v.(*[]byte); ok && b != nil {
		*b = d.Materialize()
	}
	return nil
}

// Dial opens n connections whose Invoke takes encoded messages: []byte to send,
// *[]byte to receive, nil to drop the reply.
func Dial(addr string, n int) ([]*grpc.ClientConn, error) {
	var conns []*grpc.ClientConn
	for range n {
		c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithWriteBufferSize(64<<10), grpc.WithReadBufferSize(64<<10),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(64<<20)))
		if err != nil {
			Close(conns)
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// Close closes connections.
func Close(conns []*grpc.ClientConn) {
	for _, c := range conns {
		c.Close()
	}
}

// ID stands in an encoded request until Fresh replaces it: ids must differ, and
// have one width.
const ID = "request-0000000000000000"

var ids atomic.Uint64

// Fresh returns a copy of an encoded request in which every ID is replaced by
// one that no other call of this process has.
func Fresh(encoded []byte) []byte {
	b := bytes.Clone(encoded)
	x := ids.Add(1)
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(ID))
		if i < 0 {
			return b
		}
		for d, y := from+i+len(ID)-1, x; d >= from+i+len(ID)-16; d, y = d-1, y>>4 {
			b[d] = "0123456789abcdef"[y&15]
		}
		from += i + len(ID)
	}
}
