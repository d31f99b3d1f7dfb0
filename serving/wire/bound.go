// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
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
