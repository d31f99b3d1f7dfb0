// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bytes"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// The two modes never change; they are variables only because the library
// builds them at run time.
var (
	encoding = must(func() (cbor.EncMode, error) {
		o := cbor.CoreDetEncOptions()
		o.BinaryMarshaler = cbor.BinaryMarshalerNone // our MarshalBinary methods call this mode
		return o.EncMode()
	}())
	decoding = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		BinaryUnmarshaler: cbor.BinaryUnmarshalerNone,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   8,
		MaxArrayElements:  1 << 16,
		MaxMapPairs:       1 << 12,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// MarshalCBOR returns v in core deterministic encoding: equal values give
// equal bytes.
func MarshalCBOR(v any) ([]byte, error) { return encoding.Marshal(v) }

// UnmarshalCBOR reads b into v. It accepts only canonical bytes: what it reads
// must encode to b again. The error matches ErrCorrupt.
func UnmarshalCBOR(b []byte, v any) error {
	if err := decoding.Unmarshal(b, v); err != nil {
		return fmt.Errorf("cbor: %w: %w", err, ErrCorrupt)
	}
	again, err := encoding.Marshal(v)
	if err != nil {
		return fmt.Errorf("cbor: %w: %w", err, ErrCorrupt)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("cbor: bytes are not in the canonical encoding: %w", ErrCorrupt)
	}
	return nil
}

// MarshalBinary returns d's canonical bytes.
func (d *Decision) MarshalBinary() ([]byte, error) { return encoding.Marshal(d) }

// ParseDecision reads canonical bytes and refuses all others.
func ParseDecision(b []byte) (Decision, error) {
	var d Decision
	if err := UnmarshalCBOR(b, &d); err != nil {
		return Decision{}, fmt.Errorf("decision: %w", err)
	}
	if d.Version != DecisionVersion {
		return Decision{}, fmt.Errorf("decision: version %d, this program reads version %d: %w", d.Version,
			DecisionVersion, ErrCorrupt)
	}
	if d.Outcome > Recorded {
		return Decision{}, fmt.Errorf("decision: %s is not known: %w", d.Outcome, ErrCorrupt)
	}
	return d, nil
}

// eventWire is the canonical shape of an Event. Keys are frozen.
type eventWire struct {
	Version  uint8       `cbor:"0,keyasint"`
	ID       string      `cbor:"1,keyasint"`
	Kind     string      `cbor:"2,keyasint"`
	Micros   int64       `cbor:"3,keyasint"`
	Entities []Entity    `cbor:"4,keyasint,omitempty"`
	Fields   []fieldWire `cbor:"5,keyasint,omitempty"`
}

type fieldWire struct {
	_      struct{} `cbor:",toarray"`
	Name   string
	Kind   ValueKind
	Number float64
	Micros int64
	Text   string
}

// MarshalBinary returns e's canonical bytes. Fields keep their order: the same
// fields in another order are another request body.
func (e *Event) MarshalBinary() ([]byte, error) {
	w := eventWire{Version: 1, ID: e.ID, Kind: e.Kind, Micros: e.Time.UnixMicro(), Entities: e.Entities}
	w.Fields = make([]fieldWire, len(e.Fields))
	for i, f := range e.Fields {
		w.Fields[i] = fieldWire{Name: f.Name, Kind: f.Value.Kind, Number: f.Value.number,
			Micros: f.Value.micros, Text: f.Value.text}
	}
	return encoding.Marshal(&w)
}

// ParseEvent reads canonical bytes and refuses all others.
func ParseEvent(b []byte) (Event, error) {
	var w eventWire
	if err := UnmarshalCBOR(b, &w); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	if w.Version != 1 {
		return Event{}, fmt.Errorf("event: version %d, this program reads version 1: %w", w.Version, ErrCorrupt)
	}
	e := Event{ID: w.ID, Kind: w.Kind, Time: time.UnixMicro(w.Micros).UTC(), Entities: w.Entities}
	e.Fields = make([]Field, len(w.Fields))
	for i, f := range w.Fields {
		v := Value{Kind: f.Kind, number: f.Number, micros: f.Micros, text: f.Text}
		if !v.usesOnlyItsKind() {
			return Event{}, fmt.Errorf("event: field %q: a %s with parts of another kind: %w",
				f.Name, f.Kind, ErrCorrupt)
		}
		e.Fields[i] = Field{Name: f.Name, Value: v}
	}
	if err := e.Validate(); err != nil {
		return Event{}, fmt.Errorf("event: %w: %w", err, ErrCorrupt)
	}
	return e, nil
}

// usesOnlyItsKind reports whether v has nothing set but what its kind uses.
func (v Value) usesOnlyItsKind() bool {
	switch v.Kind {
	case Number:
		return v.micros == 0 && v.text == ""
	case Flag:
		return v == FlagValue(v.number != 0)
	case Text:
		return v == TextValue(v.text)
	case Instant:
		return v.number == 0 && v.text == ""
	}
	return v == Value{}
}

func validUTF8(s string) bool { return utf8.ValidString(s) }
