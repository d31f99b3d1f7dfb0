// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// sampleEvent has one field of each kind.
func sampleEvent() Event {
	return Event{
		ID: "E-1", Kind: "application", Time: time.Date(2026, 3, 1, 12, 0, 0, 250000, time.UTC),
		Entities: []Entity{{"buyer", "B-7"}, {"seller", "S-9"}},
		Fields: []Field{
			{"amount", NumberValue(1250.75)}, {"sector", TextValue("textiles")}, {"insured", FlagValue(true)},
			{"due", InstantValue(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))}, {"rating", Value{}},
			{"ratio", NumberValue(math.NaN())}, {"limit", NumberValue(math.Inf(1))},
		},
	}
}

func sampleDecision() Decision {
	return Decision{
		Version: DecisionVersion, Sequence: 12, RequestID: "r-12", EventID: "E-1",
		Micros: 1772366400000250, Outcome: Decline,
		Score: Score{Model: Sum("model"), Margin: 0.75, PD: 0.6791787, Points: 465.5, Grade: "G"},
		Plan:  Sum("plan"), Policy: Sum("policy"), Vector: Sum("vector"),
		Rules:   []string{"pd_above_cutoff"},
		Reasons: []Reason{{"R01", "Debt is high for the income.", 0.5}},
	}
}

// TestGoldenDigests pins the canonical bytes of the nouns: a change here is a
// change of format, and stored records would no longer verify.
func TestGoldenDigests(t *testing.T) {
	t.Parallel()
	v := Vector{Plan: Sum("plan"),
		Values: []float64{0, math.Copysign(0, -1), 1.5, math.NaN(), math.Float64frombits(0xfff8000000000001),
			math.Inf(-1)}}
	e, d := sampleEvent(), sampleDecision()
	eb, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	db, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []struct {
		name      string
		got, want string
	}{
		{"vector", v.Digest().String(), "e26b4ace860a2f6f9893b4f8b81f6177236a209987b187b4a0d14cb73f5b0c2e"},
		{"event", Sum("", eb).String(), "94fa58b4b66874596b880c4efaaa786ae3158fe9fb8b474b51b68a4c96a6f3fc"},
		{"decision", Sum("", db).String(), "90003459687ddbcad0dd757ac112569b55a39cfebf4c8f8da75483454c3a046e"},
	} {
		if g.got != g.want {
			t.Errorf("%s: digest %s, want %s", g.name, g.got, g.want)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	e := sampleEvent()
	b, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	e2, err := ParseEvent(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := e2.MarshalBinary(); string(again) != string(b) {
		t.Error("an event changed on its way through bytes")
	}
	if x, ok := e2.Field("amount"); !ok || x.Number() != 1250.75 || e2.Entity("seller") != "S-9" ||
		e2.Entity("bank") != "" {
		t.Errorf("read back %+v", e2)
	}
	d := sampleDecision()
	b, err = d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	d2, err := ParseDecision(b)
	if err != nil || d2.Score != d.Score || d2.Reasons[0] != d.Reasons[0] || d2.Outcome != Decline {
		t.Errorf("read back %+v, %v", d2, err)
	}
	v := Vector{Plan: Sum("p"), Values: []float64{1, math.NaN()}}
	v2, err := ParseVector(v.AppendBinary(nil))
	if err != nil || v2.Digest() != v.Digest() {
		t.Errorf("read back %+v, %v", v2, err)
	}
}

// TestOneEncoding flips every bit of valid bytes: each result is refused or
// reads as something that encodes to those very bytes.
func TestOneEncoding(t *testing.T) {
	t.Parallel()
	e, d := sampleEvent(), sampleDecision()
	eb, _ := e.MarshalBinary()
	db, _ := d.MarshalBinary()
	for _, kind := range []struct {
		name  string
		bytes []byte
		again func([]byte) ([]byte, error)
	}{{"event", eb, recodeEvent}, {"decision", db, recodeDecision}} {
		for i := range len(kind.bytes) * 8 {
			b := []byte(string(kind.bytes))
			b[i/8] ^= 1 << (i % 8)
			got, err := kind.again(b)
			if err == nil && string(got) != string(b) {
				t.Fatalf("%s, bit %d: two encodings of one value", kind.name, i)
			}
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s, bit %d: error %v, want ErrCorrupt", kind.name, i, err)
			}
		}
	}
}

func recodeEvent(b []byte) ([]byte, error) {
	e, err := ParseEvent(b)
	if err != nil {
		return nil, err
	}
	return e.MarshalBinary()
}

func recodeDecision(b []byte) ([]byte, error) {
	d, err := ParseDecision(b)
	if err != nil {
		return nil, err
	}
	return d.MarshalBinary()
}

func recodeVector(b []byte) ([]byte, error) {
	v, err := ParseVector(b)
	if err != nil {
		return nil, err
	}
	return v.AppendBinary(nil), nil
}

func fuzzParser(f *testing.F, recode func([]byte) ([]byte, error)) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, err := recode(b); err == nil && string(again) != string(b) {
			t.Errorf("%x reads, and encodes to %x", b, again)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	e := sampleEvent()
	b, _ := e.MarshalBinary()
	f.Add(b)
	f.Add([]byte{0xa0})
	fuzzParser(f, recodeEvent)
}

func FuzzParseDecision(f *testing.F) {
	d := sampleDecision()
	b, _ := d.MarshalBinary()
	f.Add(b)
	fuzzParser(f, recodeDecision)
}

func FuzzParseVector(f *testing.F) {
	v := Vector{Values: []float64{1, math.NaN()}}
	f.Add(v.AppendBinary(nil))
	fuzzParser(f, recodeVector)
}

func TestEventValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxNameBytes+1)
	for field, change := range map[string]func(*Event){
		"id":            func(e *Event) { e.ID = "" },
		"kind":          func(e *Event) { e.Kind = long },
		"time":          func(e *Event) { e.Time = time.Time{} },
		"entities":      func(e *Event) { e.Entities = make([]Entity, MaxEntities+1) },
		"entities.role": func(e *Event) { e.Entities[0].Role = "" },
		"buyer":         func(e *Event) { e.Entities[1] = Entity{"buyer", "B-8"} },
		"seller":        func(e *Event) { e.Entities[1].ID = "\xff" },
		"fields":        func(e *Event) { e.Fields = make([]Field, MaxFields+1) },
		"fields.name":   func(e *Event) { e.Fields[0].Name = "" },
		"sector":        func(e *Event) { e.Fields[1].Value = TextValue(strings.Repeat("x", MaxTextBytes+1)) },
		"insured":       func(e *Event) { e.Fields[2].Value.Kind = 9 },
		"amount":        func(e *Event) { e.Fields[1].Name = "amount" },
		"f40": func(e *Event) {
			for i := range 40 {
				e.Fields = append(e.Fields, Field{Name: "f" + string(rune('0'+i/10)) + string(rune('0'+i%10))})
			}
			e.Fields = append(e.Fields, Field{Name: "f40"}, Field{Name: "f40"})
		},
	} {
		e := sampleEvent()
		change(&e)
		err := e.Validate()
		var fe *FieldError
		if !errors.As(err, &fe) || fe.Field != field || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", field, err)
		}
	}
	e := sampleEvent()
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
}

func TestDigestText(t *testing.T) {
	t.Parallel()
	d := Sum("x\n", []byte("a"), []byte("b"))
	if d != Sum("x\n", []byte("ab")) || d == Sum("y\n", []byte("ab")) {
		t.Error("the digest is not of tag || data")
	}
	back, err := ParseDigest(d.String())
	if err != nil || back != d {
		t.Errorf("read back %v, %v", back, err)
	}
	for _, s := range []string{"", "00", strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if _, err := ParseDigest(s); err == nil {
			t.Errorf("digest %q was accepted", s)
		}
	}
	for o := Failed; o <= Recorded; o++ {
		if p, err := ParseOutcome(o.String()); err != nil || p != o {
			t.Errorf("outcome %v: %v", o, err)
		}
	}
}
