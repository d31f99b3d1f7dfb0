// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

// rawCodec sends and receives bytes as they are. The client costs the same
// whatever it asks, and leaves most of the machine to the server.
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
		c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithWriteBufferSize(64<<10), grpc.WithReadBufferSize(64<<10),
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

// ID is written into a request where an id belongs, until a Template replaces
// it. All ids have its width.
const ID = "request-0000000000000000"

// lastID makes request ids unique over all templates of a process.
var lastID atomic.Uint64

// Template is an encoded message and the places of the ids in it. Each two
// places in succession share an id: that of a request and that of its event.
type Template struct {
	bytes []byte
	at    []int // offsets of ids
}

// NewTemplate finds the ids in a message.
func NewTemplate(b []byte) Template {
	t := Template{bytes: b}
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(ID))
		if i < 0 {
			return t
		}
		t.at = append(t.at, from+i)
		from += i + len(ID)
	}
}

// Next returns the message with ids that no other message of this process has.
func (t *Template) Next() []byte {
	b := bytes.Clone(t.bytes)
	for k := 0; k < len(t.at); k += 2 {
		x := lastID.Add(1)
		for _, at := range t.at[k:min(k+2, len(t.at))] {
			for d, y := len(ID)-1, x; d >= len(ID)-16; d, y = d-1, y>>4 {
				b[at+d] = "0123456789abcdef"[y&15]
			}
		}
	}
	return b
}
