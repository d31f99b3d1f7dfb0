// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// An empty field of a repeated message is two bytes, and sixty times as much as
// a message of its own: four megabytes of them took a quarter of a gigabyte. So
// they are counted before the generated decoder makes them.

// each calls take with every field of a message: its bytes with the tag, and for
// one that is length-delimited its value. It ends at the first error.
func each(b []byte, take func(num protowire.Number, typ protowire.Type, field, value []byte) error) error {
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

// bounded decodes a message whose field 2 is an event. One with more fields than
// an event may have is not decoded: it gets an event that ReadEvent refuses for
// the same reason.
func bounded(b []byte, decode func([]byte) error, instead func(*pb.Event)) error {
	many, err := crowded(b)
	switch {
	case err != nil:
		return err
	case many:
		instead(&pb.Event{Fields: make([]*pb.Field, assay.MaxFields+1)})
		return nil
	}
	return decode(b)
}

// crowded reports whether the event that is field 2 of a message, all its parts
// together, has more fields or entities than one may have.
func crowded(b []byte) (bool, error) {
	entities, fields := 0, 0
	err := each(b, func(num protowire.Number, typ protowire.Type, _, event []byte) error {
		if num != 2 || typ != protowire.BytesType {
			return nil
		}
		return each(event, func(num protowire.Number, _ protowire.Type, _, _ []byte) error {
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
// request may hold: a model of 10,000 features whose inputs come one by one
// has 50,000.
const MaxInferParts = 1 << 16

// boundedInfer decodes an inference request. One with more parts than
// MaxInferParts is not decoded: it gets so many empty inputs, which its reader
// refuses.
func boundedInfer(b []byte, m *v2.ModelInferRequest) error {
	n, err := inferParts(b, 3)
	switch {
	case err != nil:
		return err
	case n > MaxInferParts:
		m.Inputs = make([]*v2.ModelInferRequest_InferInputTensor, MaxInferParts+1)
		return nil
	}
	return m.UnmarshalVT(b)
}

// inferParts counts the length-delimited fields of an inference request, down to
// those of a tensor's contents: depth is 3 for the request's own, 2 for those of
// an input or output, 1 for those of its parameters and contents.
func inferParts(b []byte, depth int) (parts int, err error) {
	err = each(b, func(num protowire.Number, typ protowire.Type, _, value []byte) error {
		if typ != protowire.BytesType {
			return nil
		}
		parts++
		if depth == 3 && (num == 5 || num == 6) || depth == 2 && (num == 4 || num == 5) {
			n, err := inferParts(value, depth-1)
			parts += n
			return err
		}
		return nil
	})
	return parts, err
}
