// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"fmt"
	"math"
	"time"
)

// Event is something that happened in the world: an application to be scored,
// or a fact (order, receipt, invoice, payment, default) that later events'
// features are made from. It is the first of the five nouns.
type Event struct {
	ID       string    // unique within the caller's world, 1 to MaxNameBytes bytes
	Kind     string    // as the plan names it: "application", "payment", ...
	Time     time.Time // event time, UTC, to the microsecond
	Entities []Entity  // the parties and objects that it concerns, in the plan's order
	Fields   []Field   // its values; names are unique
}

// Entity is one party or object of an event: role "buyer", id "B-0042".
type Entity struct {
	Role string `cbor:"1,keyasint"`
	ID   string `cbor:"2,keyasint"`
}

// Field is one named value of an event.
type Field struct {
	Name  string
	Value Value
}

// ValueKind is the kind of a Value.
type ValueKind uint8

// The kinds of value. Their numbers are frozen: stored records hold them.
const (
	Missing ValueKind = 0 // the field is named and has no value
	Number  ValueKind = 1
	Text    ValueKind = 2
	Flag    ValueKind = 3
	Instant ValueKind = 4
)

// String returns the kind as plans and error messages name it.
func (k ValueKind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Number:
		return "number"
	case Text:
		return "text"
	case Flag:
		return "flag"
	case Instant:
		return "time"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Value is a number, a text, a flag, an instant, or missing (the zero Value).
// It holds no pointers but the text's, so that a slice of fields costs one
// allocation.
type Value struct {
	Kind   ValueKind
	number float64 // Number; Flag as 0 or 1
	micros int64   // Instant, microseconds since 1970-01-01T00:00:00Z
	text   string  // Text
}

// NumberValue returns a numeric value. NaN and infinities are kept: whether
// they are allowed is the plan's decision.
func NumberValue(x float64) Value { return Value{Kind: Number, number: x} }

// TextValue returns a text value.
func TextValue(s string) Value { return Value{Kind: Text, text: s} }

// FlagValue returns a boolean value.
func FlagValue(b bool) Value {
	v := Value{Kind: Flag}
	if b {
		v.number = 1
	}
	return v
}

// InstantValue returns a time value, truncated to the microsecond.
func InstantValue(t time.Time) Value { return Value{Kind: Instant, micros: t.UnixMicro()} }

// Number returns the number, NaN unless the kind is Number or Flag.
func (v Value) Number() float64 {
	if v.Kind == Number || v.Kind == Flag {
		return v.number
	}
	return math.NaN()
}

// Text returns the text, empty unless the kind is Text.
func (v Value) Text() string { return v.text }

// Flag returns the boolean, false unless the kind is Flag.
func (v Value) Flag() bool { return v.Kind == Flag && v.number != 0 }

// Instant returns the time in UTC, the zero time unless the kind is Instant.
func (v Value) Instant() time.Time {
	if v.Kind != Instant {
		return time.Time{}
	}
	return time.UnixMicro(v.micros).UTC()
}

// Micros returns an Instant's microseconds since the Unix epoch.
func (v Value) Micros() int64 { return v.micros }

// Field returns the value of the named field and whether the event names it.
func (e *Event) Field(name string) (Value, bool) {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return e.Fields[i].Value, true
		}
	}
	return Value{}, false
}

// Entity returns the id under the role, "" if the event has none.
func (e *Event) Entity(role string) string {
	for i := range e.Entities {
		if e.Entities[i].Role == role {
			return e.Entities[i].ID
		}
	}
	return ""
}

// Bounds on what one event may carry. They are checked before anything is
// stored, so that no caller can make a record that cannot be read back.
const (
	MaxNameBytes = 256     // ids, kinds, roles, field names
	MaxTextBytes = 4 << 10 // one text value
	MaxEntities  = 16
	MaxFields    = 1024
)

// Validate checks the bounds above, the uniqueness of field names and roles,
// and that the time can be stored. The error is a *FieldError.
func (e *Event) Validate() error {
	if err := checkName("id", e.ID); err != nil {
		return err
	}
	if err := checkName("kind", e.Kind); err != nil {
		return err
	}
	if y := e.Time.Year(); e.Time.IsZero() || y < 1900 || y > 2500 {
		return &FieldError{"time", "must be set, between the years 1900 and 2500"}
	}
	if len(e.Entities) > MaxEntities {
		return &FieldError{"entities", fmt.Sprintf("%d entities, at most %d are allowed", len(e.Entities), MaxEntities)}
	}
	if len(e.Fields) > MaxFields {
		return &FieldError{"fields", fmt.Sprintf("%d fields, at most %d are allowed", len(e.Fields), MaxFields)}
	}
	for i := range e.Entities {
		if err := checkName("entities.role", e.Entities[i].Role); err != nil {
			return err
		}
		if err := checkName(e.Entities[i].Role, e.Entities[i].ID); err != nil {
			return err
		}
		for j := range i {
			if e.Entities[i].Role == e.Entities[j].Role {
				return &FieldError{e.Entities[i].Role, "the role is given twice"}
			}
		}
	}
	var seen nameSet
	for i := range e.Fields {
		f := &e.Fields[i]
		if err := checkName("fields.name", f.Name); err != nil {
			return err
		}
		if f.Value.Kind > Instant {
			return &FieldError{f.Name, "the value has an unknown kind"}
		}
		if len(f.Value.text) > MaxTextBytes {
			return &FieldError{f.Name,
				fmt.Sprintf("text of %d bytes, at most %d are allowed", len(f.Value.text), MaxTextBytes)}
		}
		if !validUTF8(f.Value.text) {
			return &FieldError{f.Name, "text is not valid UTF-8"}
		}
		if seen.add(e.Fields[:i], f.Name) {
			return &FieldError{f.Name, "the field is given twice"}
		}
	}
	return nil
}

// nameSet finds a name that is given twice. Few events have one, so a set of
// 1,024 bits answers for most names. Only a bit that is set already makes it
// look further: through the names before, or, from mapThreshold names on, in a map.
type nameSet struct {
	bits  [16]uint64
	names map[string]struct{}
}

// mapThreshold is the number of names from which on a map is used.
const mapThreshold = 64

// add reports whether name is among before, which were added, and adds it.
func (s *nameSet) add(before []Field, name string) (twice bool) {
	if len(before) >= mapThreshold {
		if s.names == nil {
			s.names = make(map[string]struct{}, 4*mapThreshold)
			for i := range before {
				s.names[before[i].Name] = struct{}{}
			}
		}
		if _, twice = s.names[name]; !twice {
			s.names[name] = struct{}{}
		}
		return twice
	}
	h := uint64(len(name))
	for i := max(0, len(name)-8); i < len(name); i++ { // names often differ at their ends alone
		h = h<<8 ^ uint64(name[i])
	}
	h *= 0x9E3779B97F4A7C15
	word, bit := h>>60, uint64(1)<<(h>>54&63)
	if s.bits[word]&bit == 0 {
		s.bits[word] |= bit
		return false
	}
	for i := range before {
		if before[i].Name == name {
			return true
		}
	}
	return false
}

func checkName(what, s string) error {
	switch {
	case s == "":
		return &FieldError{what, "must not be empty"}
	case len(s) > MaxNameBytes:
		return &FieldError{what, fmt.Sprintf("%d bytes, at most %d are allowed", len(s), MaxNameBytes)}
	case !validUTF8(s):
		return &FieldError{what, "is not valid UTF-8"}
	}
	return nil
}
