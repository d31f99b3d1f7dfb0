// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stranger speaks HTTP/2 frame by frame, as no client library does.
type stranger struct {
	conn   net.Conn
	framer *http2.Framer
	id     uint32
	random *rand.Rand
}

// newStranger connects, and ignores all answers.
func newStranger(address string, seed uint64) (*stranger, error) {
	s, err := listeningStranger(address, seed)
	if err == nil {
		go func() { _, _ = io.Copy(io.Discard, s.conn) }()
	}
	return s, err
}

func listeningStranger(address string, seed uint64) (*stranger, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &stranger{conn: c, framer: http2.NewFramer(c, c), id: 1, random: rand.New(rand.NewPCG(seed, 1))}
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return nil, err
	}
	return s, s.framer.WriteSettings()
}

// settle waits until the server has read all that was sent.
func (s *stranger) settle() error {
	if err := s.framer.WriteSettings(); err != nil {
		return err
	}
	for {
		f, err := s.framer.ReadFrame()
		if err != nil {
			return err
		}
		if f, ok := f.(*http2.SettingsFrame); ok && f.IsAck() {
			return nil
		}
	}
}

// open sends the headers of a call.
func (s *stranger) open(method string, more ...hpack.HeaderField) (uint32, error) {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range append(headersOf(method), more...) {
		f.Sensitive = true // no dynamic table, so that a new encoder for each call will do
		if err := e.WriteField(f); err != nil {
			return 0, err
		}
	}
	id := s.id
	s.id += 2
	return id, s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true})
}

func headersOf(method string) []hpack.HeaderField {
	return []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"},
		{Name: ":path", Value: method}, {Name: ":authority", Value: "x"},
		{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"}}
}

// message sends a message's head that claims n bytes, and what there is of it.
func (s *stranger) message(id uint32, claims int, b []byte, end bool) error {
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(claims))
	return s.framer.WriteData(id, end, append(head, b...))
}
