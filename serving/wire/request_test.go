// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

func sampleRequest(t testing.TB) []byte {
	t.Helper()
	e := sample()
	b, err := (&pb.ScoreRequest{RequestId: "r", Model: "m", Event: Event(&e)}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRequestIsDecodedFast: a request as generated code writes it is decoded
// without a message, and decoding into memory that was used before allocates only
// the copy of its bytes.
func TestRequestIsDecodedFast(t *testing.T) {
	b := sampleRequest(t)
	var r Request
	if !r.decodeFast(string(b)) {
		t.Fatal("decodeFast refused a message of generated code")
	}
	allocs := testing.AllocsPerRun(100, func() {
		if err := r.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations, want 1", allocs)
	}
}

func FuzzRequest(f *testing.F) {
	b := sampleRequest(f)
	f.Add(b)
	f.Add(append(bytes.Clone(b), b...))                                                  // merged events
	f.Add(append(bytes.Clone(b), 0x08, 0x01))                                            // field 1 as a varint
	f.Add(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7)) // unknown field
	f.Add([]byte{0x12, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Request
		err := got.Unmarshal(b)
		m := new(pb.ScoreRequest)
		if merr := m.UnmarshalVT(b); (merr == nil) != (err == nil) {
			if merr == nil && proto.Unmarshal(b, new(pb.ScoreRequest)) != nil {
				return // the generated decoder takes some tags that are not well-formed
			}
			if tooMany, _ := tooManyParts(b); tooMany && err == nil && got.Err != nil {
				return // too many to be looked into
			}
			t.Fatalf("the message says %v, the request %v", merr, err)
		} else if merr != nil {
			return
		}
		var want assay.Event
		werr := ReadEvent(&want, m.Event)
		if (werr == nil) != (got.Err == nil) {
			t.Fatalf("ReadEvent says %v, the request %v", werr, got.Err)
		}
		if werr != nil {
			return
		}
		if got.ID != m.RequestId || got.Model != m.Model || !same(&want, &got.Event) {
			t.Errorf("the two ways differ: %+v and %+v", want, got.Event)
		}
	})
}

// same compares canonical bytes, which hold invalid events too.
func same(a, b *assay.Event) bool {
	x, err1 := a.MarshalBinary()
	y, err2 := b.MarshalBinary()
	return (err1 == nil) == (err2 == nil) && bytes.Equal(x, y)
}

func BenchmarkRequest(b *testing.B) {
	raw := sampleRequest(b)
	var r Request
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Unmarshal(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequestThroughMessage(b *testing.B) {
	raw := sampleRequest(b)
	var e assay.Event
	b.ReportAllocs()
	for b.Loop() {
		m := new(pb.ScoreRequest)
		if err := m.UnmarshalVT(raw); err != nil {
			b.Fatal(err)
		}
		if err := ReadEvent(&e, m.Event); err != nil {
			b.Fatal(err)
		}
	}
}
