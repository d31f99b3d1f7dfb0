// SPDX-License-Identifier: Apache-2.0

package eventparts

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// randomEvent makes an event with values of every kind, among them the numbers
// that encodings get wrong.
func randomEvent(rng *rand.Rand) *assay.Event {
	ev := &assay.Event{ID: text(rng), Kind: text(rng), Time: time.UnixMicro(rng.Int64N(1<<53) - 1<<50).UTC()}
	for i := range rng.IntN(5) {
		ev.Entities = append(ev.Entities, assay.Entity{Role: fmt.Sprint("role", i), ID: text(rng)})
	}
	for i := range rng.IntN(12) {
		ev.Fields = append(ev.Fields, assay.Field{Name: fmt.Sprintf("%s %d", text(rng), i), Value: value(rng)})
	}
	return ev
}

func text(rng *rand.Rand) string {
	s := []rune("A")
	for range rng.IntN(20) {
		s = append(s, []rune("abc -ßж漢🙂\x00")[rng.IntN(10)])
	}
	return string(s)
}

func value(rng *rand.Rand) assay.Value {
	switch rng.IntN(9) {
	case 0:
		return assay.Value{}
	case 1:
		return assay.TextValue(text(rng)[rng.IntN(2):])
	case 2:
		return assay.FlagValue(rng.IntN(2) == 0)
	case 3:
		return assay.InstantValue(time.UnixMicro(int64(rng.Uint64()) >> rng.IntN(60)))
	case 4:
		return assay.NumberValue(math.Float64frombits(rng.Uint64()))
	case 5:
		special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64,
			math.SmallestNonzeroFloat64, maxDecimal, -maxDecimal, maxDecimal - 1, 1 << 53, 0.1, 1e22, 1e-5}
		return assay.NumberValue(special[rng.IntN(len(special))])
	case 6:
		return assay.NumberValue(float64(rng.Int64N(1<<50)) / 100)
	}
	return assay.NumberValue(float64(rng.IntN(1e6)) / powers[rng.IntN(len(powers))])
}

// TestJoin divides random events and joins them again: the canonical bytes are
// those of the event, and a business part is read as it was made.
func TestJoin(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(22, 1))
	var b Business
	decimals := 0
	for i := range 20_000 {
		ev := randomEvent(rng)
		secret := map[string]bool{}
		for _, f := range ev.Fields {
			secret[f.Name] = rng.IntN(3) == 0
			if _, _, ok := decimalOf(f.Value.Number()); ok {
				decimals++
			}
		}
		b.Set(ev, func(name string) bool { return secret[name] })
		business := b.AppendBinary(nil)
		again, err := Join(business, b.AppendPersonal(nil, ev))
		if err != nil {
			t.Fatalf("event %d: %v: %+v", i, err, ev)
		}
		if !bytes.Equal(again.AppendBinary(nil), ev.AppendBinary(nil)) {
			t.Fatalf("event %d: joined to\n%+v, was\n%+v", i, again, ev)
		}
		read, err := ParseBusiness(business)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read.AppendBinary(nil), business) ||
			!bytes.Equal(read.Event.AppendBinary(nil), b.Event.AppendBinary(nil)) || !sameMembers(&read, &b) {
			t.Fatalf("event %d: the business part is read as\n%+v, was\n%+v", i, read, b)
		}
		for _, f := range read.Event.Fields {
			if secret[f.Name] {
				t.Fatalf("event %d: the business part has the personal field %q", i, f.Name)
			}
		}
	}
	if decimals < 20_000 {
		t.Errorf("%d decimals: the test does not reach them", decimals)
	}
}

func sameMembers(a, b *Business) bool {
	return len(a.Members) == 0 && len(b.Members) == 0 || reflect.DeepEqual(a.Members, b.Members)
}

// example is the event of docs/formats/record.md.
func example() *assay.Event {
	return &assay.Event{ID: "o-1", Kind: "order", Time: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		Entities: []assay.Entity{{Role: "buyer", ID: "B-7"}},
		Fields: []assay.Field{{Name: "amount", Value: assay.NumberValue(129.99)},
			{Name: "note", Value: assay.TextValue("ring twice")}, {Name: "rush", Value: assay.FlagValue(true)},
			{Name: "ratio", Value: assay.NumberValue(1. / 3)}}}
}

// TestBytes pins the encoding: journals hold it.
func TestBytes(t *testing.T) {
	t.Parallel()
	ev := example()
	var b Business
	b.Set(ev, func(name string) bool { return name == "note" })
	if b.Members[0] != window.Hash("B-7") || b.Members[0] != 0x680a85c729061f59 {
		t.Errorf("the member hash is %x", b.Members[0])
	}
	want := "01" + "05" + hex.EncodeToString([]byte("order")) + "8080fcd1e6e1b006" +
		"01" + "05" + hex.EncodeToString([]byte("buyer")) + fmt.Sprintf("%016x", window.Hash("B-7")) +
		"04" + "0a06" + hex.EncodeToString([]byte("amount")) + "8ecb01" +
		"06" + "0404" + hex.EncodeToString([]byte("rush")) +
		"0105" + hex.EncodeToString([]byte("ratio")) + "3fd5555555555555"
	if got := hex.EncodeToString(b.AppendBinary(nil)); got != want {
		t.Errorf("business part\n%s, want\n%s", got, want)
	}
	want = "01" + "03" + hex.EncodeToString([]byte("o-1")) + "01" + "03" + hex.EncodeToString([]byte("B-7")) +
		"01" + "0204" + hex.EncodeToString([]byte("note")) + "0a" + hex.EncodeToString([]byte("ring twice"))
	if got := hex.EncodeToString(b.AppendPersonal(nil, ev)); got != want {
		t.Errorf("personal part\n%s, want\n%s", got, want)
	}
}

// TestErasureBytes pins the encoding of an erasure.
func TestErasureBytes(t *testing.T) {
	t.Parallel()
	want := Erasure{"buyer", window.Hash("B-7")}
	part := want.AppendBinary(nil)
	if got := hex.EncodeToString(part); got != "0105"+hex.EncodeToString([]byte("buyer"))+"680a85c729061f59" {
		t.Errorf("the erasure of a buyer is %s", got)
	}
	if got, err := ParseErasure(part); err != nil || got != want {
		t.Errorf("read as %v, %v", got, err)
	}
	for n := range part {
		if _, err := ParseErasure(part[:n]); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
}

// TestRefused: parts of two events do not join, and no part has a second encoding.
func TestRefused(t *testing.T) {
	t.Parallel()
	ev := example()
	var b Business
	b.Set(ev, func(name string) bool { return name == "note" })
	business, personal := b.AppendBinary(nil), b.AppendPersonal(nil, ev)
	other := *ev
	other.Entities = []assay.Entity{{Role: "buyer", ID: "B-8"}}
	ending := func(field string) [2][]byte { // in place of the field `ratio`
		head := business[:len(business)-len("\x01\x05ratio12345678")]
		return [2][]byte{append(bytes.Clone(head), field...), personal}
	}
	for name, parts := range map[string][2][]byte{
		"another buyer":              {business, b.AppendPersonal(nil, &other)},
		"no personal part":           {business, nil},
		"no business part":           {nil, personal},
		"another version":            {append([]byte{2}, business[1:]...), personal},
		"bytes after the end":        {append(bytes.Clone(business), 0), personal},
		"bytes after the end, too":   {business, append(bytes.Clone(personal), 0)},
		"a number with a short form": ending("\x01\x05ratio\x3f\xf0\x00\x00\x00\x00\x00\x00"),
		"another NaN":                ending("\x01\x05ratio\x7f\xf8\x00\x00\x00\x00\x00\x01"),
		"a decimal with a zero":      ending("\x09\x05ratio\x14"),
		"a long length":              ending("\x08\x85\x00ratio\x02"),
		"an unknown tag":             ending("\x07\x05ratio"),
		"a name twice":               ending("\x04\x04rush"),
		"no UTF-8":                   ending("\x04\x04\xff\xff\xff\xff"),
		"one personal field more":    ending("\x06"),
	} {
		if got, err := Join(parts[0], parts[1]); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	for n := range business {
		if _, err := ParseBusiness(business[:n]); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%d bytes of the business part: %v", n, err)
		}
	}
}

func FuzzParseBusiness(f *testing.F) {
	rng := rand.New(rand.NewPCG(22, 2))
	for range 20 {
		var b Business
		b.Set(randomEvent(rng), func(string) bool { return rng.IntN(2) == 0 })
		f.Add(b.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, part []byte) {
		b, err := ParseBusiness(part)
		if err != nil {
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if again := b.AppendBinary(nil); !bytes.Equal(again, part) {
			t.Errorf("%x is read, and written as %x", part, again)
		}
	})
}

func FuzzJoin(f *testing.F) {
	rng := rand.New(rand.NewPCG(22, 3))
	for range 20 {
		var b Business
		ev := randomEvent(rng)
		b.Set(ev, func(string) bool { return rng.IntN(2) == 0 })
		f.Add(b.AppendBinary(nil), b.AppendPersonal(nil, ev))
	}
	f.Fuzz(func(t *testing.T, business, personal []byte) {
		ev, err := Join(business, personal)
		if err != nil {
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		read, err := ParseBusiness(business)
		if err != nil {
			t.Fatal(err)
		}
		secret := map[string]bool{}
		for _, place := range read.personal {
			secret[ev.Fields[place].Name] = true
		}
		var b Business
		b.Set(&ev, func(name string) bool { return secret[name] })
		if !bytes.Equal(b.AppendBinary(nil), business) || !bytes.Equal(b.AppendPersonal(nil, &ev), personal) {
			t.Errorf("%x and %x are read, and written as %x and %x", business, personal, b.AppendBinary(nil),
				b.AppendPersonal(nil, &ev))
		}
	})
}

func FuzzParseErasure(f *testing.F) {
	e := Erasure{"buyer", 7}
	f.Add(e.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, part []byte) {
		e, err := ParseErasure(part)
		if err == nil && !bytes.Equal(e.AppendBinary(nil), part) || err != nil && !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("%x: %v, %v", part, e, err)
		}
	})
}
