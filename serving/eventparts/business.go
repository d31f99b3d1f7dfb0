// SPDX-License-Identifier: Apache-2.0

// Package eventparts divides an event into two parts that a record keeps under
// different keys, and joins them again.
//
//	event ─┬▶ business part   kind, time, roles, member hashes, fields that are not personal   outlives an erasure
//	       └▶ personal part   event id, entity ids, personal fields                            ends with it
//
// Join gives the event back, and its canonical bytes are those of the event that
// was divided (TestJoin). Windows read the business part alone, so what they hold
// does not depend on which personal parts can still be read.
//
// docs/formats/record.md draws both parts. An event has exactly one encoding, and
// the decoders refuse every other.
package eventparts

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// version is the first byte of either part.
const version = 1

// Unnamed stands for what a business part does not say: the event's id, and the
// ids of its entities.
const Unnamed = "-"

// Business is the part of an event that holds nothing personal.
type Business struct {
	Event   assay.Event // its id and those of its entities are Unnamed; it lacks the personal fields
	Members []uint64    // window.Hash of the entities' ids, in the order of Event.Entities

	personal []int // places of the personal fields among all fields, rising
}

// Set makes b the business part of ev, in the memory that b has. personal says
// which fields are personal. The event must have passed Event.Validate; its texts
// are not copied.
func (b *Business) Set(ev *assay.Event, personal func(field string) bool) {
	entities, fields := b.Event.Entities[:0], b.Event.Fields[:0]
	b.Members, b.personal = b.Members[:0], b.personal[:0]
	for i := range ev.Entities {
		entities = append(entities, assay.Entity{Role: ev.Entities[i].Role, ID: Unnamed})
		b.Members = append(b.Members, window.Hash(ev.Entities[i].ID))
	}
	for i := range ev.Fields {
		if personal(ev.Fields[i].Name) {
			b.personal = append(b.personal, i)
		} else {
			fields = append(fields, ev.Fields[i])
		}
	}
	b.Event = assay.Event{ID: Unnamed, Kind: ev.Kind, Time: time.UnixMicro(ev.Time.UnixMicro()).UTC(),
		Entities: entities, Fields: fields}
}

// AppendBinary appends the encoded part.
func (b *Business) AppendBinary(dst []byte) []byte {
	dst = appendText(append(dst, version), b.Event.Kind)
	dst = binary.AppendVarint(dst, b.Event.Time.UnixMicro())
	dst = binary.AppendUvarint(dst, uint64(len(b.Members)))
	for i, m := range b.Members {
		dst = binary.BigEndian.AppendUint64(appendText(dst, b.Event.Entities[i].Role), m)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Event.Fields)+len(b.personal)))
	marks, place := b.personal, 0
	for i := range b.Event.Fields {
		for len(marks) > 0 && marks[0] == place {
			dst, marks, place = append(dst, tagPersonal), marks[1:], place+1
		}
		dst, place = appendField(dst, &b.Event.Fields[i]), place+1
	}
	for range marks {
		dst = append(dst, tagPersonal)
	}
	return dst
}

// ParseBusiness reads an encoded business part. The error matches
// assay.ErrCorrupt.
func ParseBusiness(part []byte) (b Business, err error) {
	r := newReader(part)
	b.Event.ID, b.Event.Kind = Unnamed, r.text()
	b.Event.Time = time.UnixMicro(r.varint()).UTC()
	if n := r.count(assay.MaxEntities); n > 0 {
		b.Event.Entities, b.Members = make([]assay.Entity, 0, n), make([]uint64, 0, n)
		for range n {
			b.Event.Entities = append(b.Event.Entities, assay.Entity{Role: r.text(), ID: Unnamed})
			b.Members = append(b.Members, r.uint64())
		}
	}
	if n := r.count(assay.MaxFields); n > 0 {
		b.Event.Fields = make([]assay.Field, 0, n)
		for place := range n {
			tag := r.byte()
			if tag == tagPersonal {
				b.personal = append(b.personal, place)
				continue
			}
			b.Event.Fields = append(b.Event.Fields, r.field(tag))
		}
	}
	if err := r.end(); err != nil {
		return Business{}, fmt.Errorf("the business part of an event: %w", err)
	}
	if err := b.Event.Validate(); err != nil {
		return Business{}, fmt.Errorf("the business part of an event: %w: %w", err, assay.ErrCorrupt)
	}
	return b, nil
}

// AppendPersonal appends the encoded personal part of ev, whose business part is
// b.
func (b *Business) AppendPersonal(dst []byte, ev *assay.Event) []byte {
	dst = appendText(append(dst, version), ev.ID)
	dst = binary.AppendUvarint(dst, uint64(len(ev.Entities)))
	for i := range ev.Entities {
		dst = appendText(dst, ev.Entities[i].ID)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.personal)))
	for _, place := range b.personal {
		dst = appendField(dst, &ev.Fields[place])
	}
	return dst
}

// Join makes the event of its two encoded parts. The error matches
// assay.ErrCorrupt, also when the parts are of different events.
func Join(business, personal []byte) (assay.Event, error) {
	b, err := ParseBusiness(business)
	if err != nil {
		return assay.Event{}, err
	}
	ev, err := b.Join(personal)
	if err != nil {
		return assay.Event{}, fmt.Errorf("the personal part of an event: %w", err)
	}
	return ev, nil
}

// Join makes the event of b and its encoded personal part.
func (b *Business) Join(personal []byte) (assay.Event, error) {
	r := newReader(personal)
	ev := b.Event
	ev.ID = r.text()
	if n := r.count(assay.MaxEntities); n != len(b.Members) {
		return assay.Event{}, fmt.Errorf("it names %d entities, the business part %d: %w", n, len(b.Members),
			assay.ErrCorrupt)
	}
	ev.Entities = slices.Clone(ev.Entities)
	for i := range ev.Entities {
		ev.Entities[i].ID = r.text()
		if window.Hash(ev.Entities[i].ID) != b.Members[i] {
			return assay.Event{}, fmt.Errorf("the business part has another %s: %w", ev.Entities[i].Role,
				assay.ErrCorrupt)
		}
	}
	if n := r.count(assay.MaxFields); n != len(b.personal) {
		return assay.Event{}, fmt.Errorf("it has %d fields, the business part wants %d: %w", n, len(b.personal),
			assay.ErrCorrupt)
	}
	ev.Fields = make([]assay.Field, 0, len(b.Event.Fields)+len(b.personal))
	rest := b.Event.Fields
	for _, place := range b.personal {
		between := place - len(ev.Fields)
		ev.Fields, rest = append(ev.Fields, rest[:between]...), rest[between:]
		ev.Fields = append(ev.Fields, r.field(r.byte()))
	}
	ev.Fields = append(ev.Fields, rest...)
	if err := r.end(); err != nil {
		return assay.Event{}, err
	}
	if err := ev.Validate(); err != nil {
		return assay.Event{}, fmt.Errorf("%w: %w", err, assay.ErrCorrupt)
	}
	return ev, nil
}
