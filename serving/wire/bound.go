// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// An empty element of a repeated message field takes two bytes on the wire and
// sixty times as much once it is decoded: four megabytes of them took a quarter of
// a gigabyte. So they are counted before the generated decoder allocates them.

// forEachField calls take with every field of a message: its bytes with the tag,
// and its value if it is length-delimited. It stops at the first error.
func forEachField(b []byte, take func(num protowire.Number, typ protowire.Type, field, value []byte) error) error {
	for len(b) > 0 {
		num, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		n := protowire.ConsumeFieldValue(num, typ, b[tag:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		var value []byte
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(b[tag:])
		}
		if err := take(num, typ, b[:tag+n], value); err != nil {
			return err
		}
		b = b[tag+n:]
	}
	return nil
}

// decodeBounded decodes a message whose field 2 is an event. If the event has more
// fields or entities than it may have, the message is not decoded: it gets an event
// that ReadEvent refuses for that reason.
func decodeBounded(b []byte, decode func([]byte) error, instead func(*pb.Event)) error {
	tooMany, err := tooManyParts(b)
	switch {
	case err != nil:
		return err
	case tooMany:
		instead(&pb.Event{Fields: make([]*pb.Field, assay.MaxFields+1)})
		return nil
	}
	return decode(b)
}

// tooManyParts reports whether the event in field 2 of a message has more fields
// or entities than an event may have. The field may come in several parts.
func tooManyParts(b []byte) (bool, error) {
	entities, fields := 0, 0
	err := forEachField(b, func(num protowire.Number, typ protowire.Type, _, event []byte) error {
		if num != 2 || typ != protowire.BytesType {
			return nil
		}
		return forEachField(event, func(num protowire.Number, _ protowire.Type, _, _ []byte) error {
			switch num {
			case 4:
				entities++
			case 5:
				fields++
			}
			return nil
		})
	})
	return entities > assay.MaxEntities || fields > assay.MaxFields, err
}

// MaxInferParts is how many messages, texts and byte strings an inference
// request may hold: with one input for each of 10,000 features it has 50,000.
const MaxInferParts = 1 << 16

// decodeBoundedInfer decodes an inference request. If it has more parts than
// MaxInferParts, it is not decoded: it gets so many empty inputs that the server
// refuses it.
func decodeBoundedInfer(b []byte, m *v2.ModelInferRequest) error {
	n, err := countInferParts(b, 3)
	switch {
	case err != nil:
		return err
	case n > MaxInferParts:
		m.Inputs = make([]*v2.ModelInferRequest_InferInputTensor, MaxInferParts+1)
		return nil
	}
	return m.UnmarshalVT(b)
}

// countInferParts counts the length-delimited fields of an inference request and of
// the messages in it. depth is 3 for the request, 2 for an input or output, and 1
// for its parameters and contents.
func countInferParts(b []byte, depth int) (parts int, err error) {
	err = forEachField(b, func(num protowire.Number, typ protowire.Type, _, value []byte) error {
		if typ != protowire.BytesType {
			return nil
		}
		parts++
		if depth == 3 && (num == 5 || num == 6) || depth == 2 && (num == 4 || num == 5) {
			n, err := countInferParts(value, depth-1)
			parts += n
			return err
		}
		return nil
	})
	return parts, err
}
