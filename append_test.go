// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

func TestAppendFloatIsTheShortestOne(t *testing.T) {
	t.Parallel()
	values := []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 65504, 65505, 65536, math.Inf(1),
		math.Inf(-1), math.NaN(),
		math.Float64frombits(0x7ff8000000000001), math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat32,
		math.MaxFloat32, math.MaxFloat64, 1e-8}
	for e := -30; e <= 20; e++ { // around the edges of binary16
		for _, m := range []float64{1, 1.5, 1 + 1.0/1024, 1 + 1.0/2048, 1 + 1.0/(1<<23)} {
			values = append(values, math.Ldexp(m, e), -math.Ldexp(m, e))
		}
	}
	for _, x := range values {
		want, err := encoding.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendFloat(nil, x); !bytes.Equal(got, want) {
			t.Errorf("%v: %x, want %x", x, got, want)
		}
	}
}

// FuzzAppendBinary makes nouns of the input and compares both encoders.
func FuzzAppendBinary(f *testing.F) {
	f.Add("id", "application", int64(1_700_000_000_000_000), uint64(7), math.Float64bits(0.1), uint8(2), uint8(2))
	f.Add("", "k", int64(-1), uint64(1<<40), math.Float64bits(math.Inf(-1)), uint8(0), uint8(0))
	f.Add("x", "\u00e9", int64(0), uint64(0), uint64(0x7ff8000000000001), uint8(30), uint8(30))
	f.Fuzz(func(t *testing.T, a, b string, us int64, seq, bits uint64, n, m uint8) {
		if !validUTF8(a) || !validUTF8(b) {
			return
		}
		x := math.Float64frombits(bits)
		e := Event{ID: a, Kind: b, Time: time.UnixMicro(us)}
		for i := range n {
			e.Entities = append(e.Entities, Entity{Role: a, ID: b})
			e.Fields = append(e.Fields,
				Field{b, []Value{{}, NumberValue(x), TextValue(a), FlagValue(x > 0),
					InstantValue(time.UnixMicro(us))}[i%5]})
		}
		d := Decision{Version: n, Sequence: seq, RequestID: a, EventID: b, Micros: us, Outcome: Outcome(m),
			Score: Score{Model: Sum("m\n", []byte(a)), Margin: x, PD: 1 / x, Points: float64(float32(x)), Grade: b},
			Plan:  Sum("p\n", []byte(b)), Vector: Digest(binary.LittleEndian.AppendUint64(make([]byte, 24), bits))}
		for range m {
			d.Rules = append(d.Rules, b)
			d.Reasons = append(d.Reasons, Reason{Code: a, Text: b, Contribution: x})
		}
		for _, c := range []struct {
			name    string
			marshal func() ([]byte, error)
			append  func([]byte) []byte
		}{{"event", e.MarshalBinary, e.AppendBinary}, {"decision", d.MarshalBinary, d.AppendBinary}} {
			want, err := c.marshal()
			if err != nil {
				t.Fatal(err)
			}
			if got := c.append([]byte("before")); !bytes.Equal(got[6:], want) {
				t.Errorf("%s: %x, want %x", c.name, got[6:], want)
			}
		}
	})
}

func TestDigestVector(t *testing.T) {
	t.Parallel()
	v := Vector{Plan: Sum("p\n"), Values: []float64{1, math.NaN(), -0.5}}
	if DigestVector(v.AppendBinary(nil)) != v.Digest() {
		t.Error("the digest of the bytes is not the vector's")
	}
}

func BenchmarkEventAppendBinary(b *testing.B) {
	e := Event{ID: "request-0000000000000000", Kind: "application", Time: time.UnixMicro(1_700_000_000_000_000)}
	for range 24 {
		e.Fields = append(e.Fields, Field{"a field's name", NumberValue(1234.0625)})
	}
	buf := make([]byte, 0, 4096)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = e.AppendBinary(buf[:0])
		}
	})
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
