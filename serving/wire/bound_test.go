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
	"google.golang.org/protobuf/proto"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// TestSmallMessagesStaySmall: decoding takes memory in proportion to a message,
// whatever is repeated in it, and wherever an unknown field is.
func TestSmallMessagesStaySmall(t *testing.T) {
	n := 1 << 20
	if testing.Short() {
		n = 1 << 17
	}
	unknown := []byte{99<<3&0x7f | 0x80, 6, 1}
	event := func(tag byte) []byte {
		return protowire.AppendBytes([]byte{2<<3 | wireBytes},
			append(slices.Clone(unknown), bytes.Repeat([]byte{tag, 0}, n)...))
	}
	fields, entities := event(5<<3|wireBytes), event(4<<3|wireBytes)
	parts := bytes.Repeat(protowire.AppendBytes([]byte{2<<3 | wireBytes},
		bytes.Repeat([]byte{5<<3 | wireBytes, 0}, 500)), n/500)
	infer := func(b []byte) error {
		m := new(v2.ModelInferRequest)
		if err := NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m); err != nil ||
			len(m.Inputs) != MaxInferParts+1 {
			t.Errorf("inference: %d inputs, %v", len(m.Inputs), err)
		}
		return errTooManyParts()
	}
	input := func(b []byte) []byte { return protowire.AppendBytes([]byte{5<<3 | wireBytes}, b) }
	texts := input(protowire.AppendBytes([]byte{5<<3 | wireBytes}, bytes.Repeat([]byte{8<<3 | wireBytes, 0}, n)))
	rows := append(bytes.Repeat([]byte{1<<3 | wireBytes, 0}, n), unknown...)
	for name, c := range map[string]struct {
		message []byte
		decode  func(b []byte) error
	}{
		"fields": {fields, eventError}, "entities": {entities, eventError}, "events in parts": {parts, eventError},
		"a fact": {fields, func(b []byte) error {
			m := new(pb.RecordRequest)
			return errors.Join(NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m),
				ReadEvent(new(assay.Event), m.Event))
		}},
		"an explanation": {entities, func(b []byte) error {
			m := new(pb.ExplainRequest)
			return errors.Join(NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m),
				ReadEvent(new(assay.Event), m.GetEvent()))
		}},
		"inputs":                 {bytes.Repeat([]byte{5<<3 | wireBytes, 0}, n), infer},
		"outputs":                {bytes.Repeat([]byte{6<<3 | wireBytes, 0}, n), infer},
		"raw contents":           {bytes.Repeat([]byte{7<<3 | wireBytes, 0}, n), infer},
		"parameters":             {bytes.Repeat([]byte{4<<3 | wireBytes, 0}, n), infer},
		"parameters of an input": {input(bytes.Repeat([]byte{4<<3 | wireBytes, 0}, n)), infer},
		"texts of a tensor":      {texts, infer},
		"rows": {rows, func(b []byte) error {
			m := Batch{Next: func() *Request { return nil }}
			if err := m.Unmarshal(b); err != nil || m.Rows != n {
				t.Errorf("rows: %d, %v", m.Rows, err)
			}
			return errTooManyParts()
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

// eventError decodes a request and returns the error of its event.
func eventError(b []byte) error {
	var r Request
	if err := r.Unmarshal(b); err != nil {
		return err
	}
	return r.Err
}

// TestInferRequestsAreWhole: inference requests are decoded as the generated code
// decodes them, with every kind of part.
func TestInferRequestsAreWhole(t *testing.T) {
	t.Parallel()
	p := map[string]*v2.InferParameter{"binary_data": {ParameterChoice: &v2.InferParameter_BoolParam{BoolParam: true}}}
	in := &v2.ModelInferRequest{
		ModelName: "m", Id: "1", Parameters: p, RawInputContents: [][]byte{{1, 2, 3, 4, 5, 6, 7, 8}},
		Inputs: []*v2.ModelInferRequest_InferInputTensor{{
			Name: "features", Datatype: "FP64", Shape: []int64{1, 1}, Parameters: p,
			Contents: &v2.InferTensorContents{Fp64Contents: []float64{1.5}, BytesContents: [][]byte{{1}}},
		}},
		Outputs: []*v2.ModelInferRequest_InferRequestedOutputTensor{{Name: "pd", Parameters: p}},
	}
	b, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := countInferParts(b, 3); n != 17 || err != nil {
		t.Errorf("%d parts, %v; want 17", n, err)
	}
	out := new(v2.ModelInferRequest)
	if err := NewCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, out); err != nil || !proto.Equal(in, out) {
		t.Errorf("decoded %v, %v", out, err)
	}
	for i := range b { // a message that is cut short is an error, or decodes as the generated code decodes it
		want := new(v2.ModelInferRequest)
		got := new(v2.ModelInferRequest)
		werr, gerr := want.UnmarshalVT(b[:i]), decodeBoundedInfer(b[:i], got)
		if (werr == nil) != (gerr == nil) || werr == nil && !proto.Equal(want, got) {
			t.Errorf("cut at %d: %v, the generated code says %v", i, gerr, werr)
		}
	}
}
