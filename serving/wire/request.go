// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// Request is a ScoreRequest whose event is an assay.Event. The codec decodes into
// it without a generated message in between. The slices of Event are reused, and
// all strings share one copy of the message's bytes.
type Request struct {
	ID    string
	Model string
	Event assay.Event
	Bytes int   // length of the encoded message
	Err   error // why its event cannot be read, as ReadEvent says
}

// Reset empties the request and keeps its memory.
func (r *Request) Reset() {
	clear(r.Event.Entities)
	clear(r.Event.Fields)
	*r = Request{Event: assay.Event{Entities: r.Event.Entities[:0], Fields: r.Event.Fields[:0]}}
}

// Unmarshal decodes a ScoreRequest. Bytes that are not a message are an error; an
// event that cannot be read sets r.Err.
//
// Encodings that generated code does not write (repeated fields that must be
// merged, groups, unknown fields) are decoded through the generated message.
// FuzzRequest checks that both ways give the same result.
func (r *Request) Unmarshal(b []byte) error { return r.decode(string(b)) }

func (r *Request) decode(s string) error {
	r.Reset()
	r.Bytes = len(s)
	if r.decodeFast(s) {
		return nil
	}
	r.Reset()
	r.Bytes = len(s)
	b := []byte(s)
	tooMany, err := tooManyParts(b)
	if err != nil {
		return err
	}
	if tooMany {
		r.Err = errTooManyParts()
		return nil
	}
	m := new(pb.ScoreRequest)
	if err := m.UnmarshalVT(b); err != nil {
		return err
	}
	r.ID, r.Model = m.RequestId, m.Model
	r.Err = ReadEvent(&r.Event, m.Event)
	return nil
}

// fieldReader reads protobuf fields. After an error ok stays false.
type fieldReader struct {
	s  string
	ok bool
}

// tag returns the next field number and wire type, 0 at the end.
func (r *fieldReader) tag() (num, typ uint64) {
	if len(r.s) == 0 || !r.ok {
		return 0, 0
	}
	v := r.varint()
	if v>>3 == 0 {
		r.ok = false
	}
	return v >> 3, v & 7
}

func (r *fieldReader) varint() uint64 {
	if len(r.s) > 0 && r.s[0] < 0x80 { // nearly always
		v := uint64(r.s[0])
		r.s = r.s[1:]
		return v
	}
	return r.longVarint()
}

func (r *fieldReader) longVarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < 10; i++ {
		c := r.s[i]
		if i == 9 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.ok = false
	r.s = ""
	return 0
}

func (r *fieldReader) bytes() string {
	n := r.varint()
	if n > uint64(len(r.s)) {
		r.ok = false
		r.s = ""
		return ""
	}
	v := r.s[:n]
	r.s = r.s[n:]
	return v
}

func (r *fieldReader) fixed64() uint64 {
	if len(r.s) < 8 {
		r.ok = false
		r.s = ""
		return 0
	}
	var b [8]byte
	copy(b[:], r.s)
	r.s = r.s[8:]
	return binary.LittleEndian.Uint64(b[:])
}

// Wire types.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
)

// decodeFast decodes the encodings that generated code writes, and reports whether
// it could.
func (r *Request) decodeFast(s string) bool {
	in := fieldReader{s, true}
	seen := false
	for {
		num, typ := in.tag()
		switch {
		case num == 0:
			return in.ok && seen && r.Err == nil
		case num == 1 && typ == wireBytes:
			r.ID = in.bytes()
		case num == 3 && typ == wireBytes:
			r.Model = in.bytes()
		case num == 2 && typ == wireBytes && !seen:
			seen = true
			if !r.readEvent(in.bytes()) {
				return false
			}
		default:
			return false
		}
	}
}

// fieldTag is field 5 of Event, length-delimited.
const fieldTag = 5<<3 | wireBytes

func (r *Request) readEvent(s string) bool {
	e, in := &r.Event, fieldReader{s, true}
	timed := false
	for {
		// Most parts of an event are fields of less than 128 bytes.
		for len(in.s) > 1 && in.s[0] == fieldTag && in.s[1] < 0x80 && int(in.s[1]) <= len(in.s)-2 {
			end := 2 + int(in.s[1])
			if len(e.Fields) == assay.MaxFields || !r.readField(in.s[2:end]) {
				return false
			}
			in.s = in.s[end:]
		}
		num, typ := in.tag()
		if num == 0 {
			return in.ok && timed
		}
		if typ != wireBytes {
			return false
		}
		v := in.bytes()
		switch num {
		case 1:
			e.ID = v
		case 2:
			e.Kind = v
		case 3:
			us, ok := readMicros(v)
			if !ok || timed {
				return false
			}
			e.Time, timed = time.UnixMicro(us).UTC(), true
		case 4:
			if len(e.Entities) == assay.MaxEntities || !r.readEntity(v) {
				return false
			}
		case 5:
			if len(e.Fields) == assay.MaxFields || !r.readField(v) {
				return false
			}
		default:
			return false
		}
	}
}

func (r *Request) readEntity(s string) bool {
	in := fieldReader{s, true}
	var x assay.Entity
	for {
		num, typ := in.tag()
		switch {
		case num == 0:
			r.Event.Entities = append(r.Event.Entities, x)
			return in.ok
		case num == 1 && typ == wireBytes:
			x.Role = in.bytes()
		case num == 2 && typ == wireBytes:
			x.ID = in.bytes()
		default:
			return false
		}
	}
}

func (r *Request) readField(s string) bool {
	r.Event.Fields = append(r.Event.Fields, assay.Field{})
	if readShortField(&r.Event.Fields[len(r.Event.Fields)-1], s) {
		return true
	}
	in := fieldReader{s, true}
	var f assay.Field
	for {
		num, typ := in.tag()
		switch {
		case num == 0:
			r.Event.Fields[len(r.Event.Fields)-1] = f
			return in.ok
		case num == 1 && typ == wireBytes:
			f.Name = in.bytes()
			continue
		case f.Value.Kind != assay.Missing: // a second value: the last would win
			return false
		}
		switch {
		case num == 2 && typ == wireFixed64:
			f.Value = assay.NumberValue(math.Float64frombits(in.fixed64()))
		case num == 3 && typ == wireBytes:
			f.Value = assay.TextValue(in.bytes())
		case num == 4 && typ == wireVarint:
			f.Value = assay.FlagValue(in.varint() != 0)
		case num == 5 && typ == wireBytes:
			us, ok := readMicros(in.bytes())
			if !ok {
				return false
			}
			f.Value = assay.InstantValue(time.UnixMicro(us))
		default:
			return false
		}
	}
}

// readShortField reads the most common form of a field: a name and then a number
// or a text, each of less than 128 bytes. The loop in readField reads the same
// from such bytes.
func readShortField(f *assay.Field, s string) bool {
	if len(s) < 4 || s[0] != 1<<3|wireBytes || s[1] >= 0x80 || int(s[1]) > len(s)-4 {
		return false
	}
	v := s[2+s[1]:]
	switch {
	case v[0] == 2<<3|wireFixed64 && len(v) == 9:
		f.Name = s[2 : 2+s[1]]
		f.Value = assay.NumberValue(
			math.Float64frombits(uint64(v[1]) | uint64(v[2])<<8 | uint64(v[3])<<16 | uint64(v[4])<<24 |
				uint64(v[5])<<32 | uint64(v[6])<<40 | uint64(v[7])<<48 | uint64(v[8])<<56))
		return true
	case v[0] == 3<<3|wireBytes && v[1] < 0x80 && int(v[1]) == len(v)-2:
		f.Name = s[2 : 2+s[1]]
		f.Value = assay.TextValue(v[2:])
		return true
	}
	return false
}

// readMicros reads a Timestamp in microseconds; false if it is out of range.
func readMicros(s string) (int64, bool) {
	in := fieldReader{s, true}
	var sec, nano int64
	for {
		num, typ := in.tag()
		switch {
		case num == 0:
			// The bounds of google.protobuf.Timestamp: years 1 to 9999.
			if !in.ok || sec < -62135596800 || sec > 253402300799 || nano < 0 || nano > 999_999_999 {
				return 0, false
			}
			return sec*1e6 + nano/1000, true
		case num == 1 && typ == wireVarint:
			sec = int64(in.varint())
		case num == 2 && typ == wireVarint:
			nano = int64(int32(in.varint()))
		default:
			return 0, false
		}
	}
}
