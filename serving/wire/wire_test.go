// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

func sample() assay.Event {
	return assay.Event{
		ID: "e1", Kind: "application", Time: time.UnixMicro(1_700_000_000_123_456).UTC(),
		Entities: []assay.Entity{{Role: "buyer", ID: "B-1"}, {Role: "seller", ID: "S-1"}},
		Fields: []assay.Field{
			{Name: "amount", Value: assay.NumberValue(12.5)},
			{Name: "odd", Value: assay.NumberValue(math.Inf(1))},
			{Name: "country", Value: assay.TextValue("DE")},
			{Name: "empty", Value: assay.TextValue("")},
			{Name: "yes", Value: assay.FlagValue(true)},
			{Name: "no", Value: assay.FlagValue(false)},
			{Name: "due", Value: assay.InstantValue(time.UnixMicro(-1))},
			{Name: "none"},
		},
	}
}

// TestRoundTrip: an event that goes over the wire and back has the same
// canonical bytes.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	e := sample()
	want, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Event(&e).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	m := new(pb.Event)
	if err := m.UnmarshalVT(raw); err != nil {
		t.Fatal(err)
	}
	got := assay.Event{Fields: make([]assay.Field, 3)} // its memory is reused
	if err := ReadEvent(&got, m); err != nil {
		t.Fatal(err)
	}
	have, err := got.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("canonical bytes changed on the way:\n%x\n%x", have, want)
	}
}

func TestReadEventRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, field string
		m           *pb.Event
	}{
		{"no event", "event", nil},
		{"no time", "time", &pb.Event{Id: "e", Kind: "k"}},
		{"bad time", "time", &pb.Event{Id: "e", Kind: "k", Time: &timestamppb.Timestamp{Nanos: -1}}},
		{"bad field time", "due",
			&pb.Event{Id: "e", Kind: "k", Time: timestamppb.Now(),
				Fields: []*pb.Field{{Name: "due",
					Value: &pb.Field_Time{Time: &timestamppb.Timestamp{Seconds: math.MaxInt64}}}}}},
		{"too many", "event",
			&pb.Event{Id: "e", Kind: "k", Time: timestamppb.Now(), Fields: make([]*pb.Field, assay.MaxFields+1)}},
		{"nil entity", "entities", &pb.Event{Id: "e", Kind: "k", Time: timestamppb.Now(), Entities: []*pb.Entity{nil}}},
		{"nil field", "fields", &pb.Event{Id: "e", Kind: "k", Time: timestamppb.Now(), Fields: []*pb.Field{nil}}},
	} {
		var e assay.Event
		var fe *assay.FieldError
		if err := ReadEvent(&e, c.m); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s: got %v, want a FieldError for %q", c.name, err, c.field)
		}
	}
}

func TestOutcomesAreInverse(t *testing.T) {
	t.Parallel()
	for o := assay.Failed; o <= assay.Recorded; o++ {
		if got, ok := Outcome(outcomes[o]); !ok || got != o {
			t.Errorf("%s comes back as %s, %v", o, got, ok)
		}
	}
	if _, ok := Outcome(pb.Outcome_OUTCOME_UNSPECIFIED); ok {
		t.Error("unspecified must not be an outcome")
	}
}

// FuzzReadEvent: what is read and valid survives the way back and forth.
func FuzzReadEvent(f *testing.F) {
	e := sample()
	raw, err := Event(&e).MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(pb.Event)
		if m.UnmarshalVT(b) != nil {
			return
		}
		var e, again assay.Event
		if ReadEvent(&e, m) != nil || e.Validate() != nil {
			return
		}
		one, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := ReadEvent(&again, Event(&e)); err != nil {
			t.Fatal(err)
		}
		two, err := again.MarshalBinary()
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%x became %x (%v)", one, two, err)
		}
	})
}
