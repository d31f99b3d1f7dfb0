// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestSmallMessagesStaySmall: decoding takes memory in proportion to a message,
// whatever is repeated in it, and wherever an unknown field stands.
func TestSmallMessagesStaySmall(t *testing.T) {
	const n = 1 << 20
	unknown := []byte{99<<3&0x7f | 0x80, 6, 1}
	event := func(tag byte) []byte {
		return protowire.AppendBytes([]byte{2<<3 | wireBytes}, append(slices.Clone(unknown), bytes.Repeat([]byte{tag, 0}, n)...))
	}
	fields, entities := event(5<<3|wireBytes), event(4<<3|wireBytes)
	parts := bytes.Repeat(protowire.AppendBytes([]byte{2<<3 | wireBytes}, bytes.Repeat([]byte{5<<3 | wireBytes, 0}, 500)), n/500)
	rows := append(bytes.Repeat([]byte{1<<3 | wireBytes, 0}, n), unknown...)
	for name, c := range map[string]struct {
		message []byte
		decode  func(b []byte) error
	}{
		"fields": {fields, one}, "entities": {entities, one}, "events in parts": {parts, one},
		"a fact": {fields, func(b []byte) error {
			m := new(pb.RecordRequest)
			return errors.Join(NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m), ReadEvent(new(assay.Event), m.Event))
		}},
		"an explanation": {entities, func(b []byte) error {
			m := new(pb.ExplainRequest)
			return errors.Join(NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m), ReadEvent(new(assay.Event), m.GetEvent()))
		}},
		"rows": {rows, func(b []byte) error {
			m := Batch{Next: func() *Request { return nil }}
			if err := m.Unmarshal(b); err != nil || m.Rows != n {
				t.Errorf("rows: %d, %v", m.Rows, err)
			}
			return errCrowded()
		}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.decode(c.message)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 8*uint64(len(c.message)) {
			t.Errorf("%s: %d bytes take %d of memory", name, len(c.message), took)
		}
		if !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// one decodes a request and returns what is wrong with its event.
func one(b []byte) error {
	var r Request
	if err := r.Unmarshal(b); err != nil {
		return err
	}
	return r.Err
}
