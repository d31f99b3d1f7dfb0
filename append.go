// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"encoding/binary"
	"math"
)

// The two encoders below write what MarshalBinary writes, without reflection:
// every request passes through both. FuzzAppendBinary holds them to the same
// bytes.

// AppendBinary appends e's canonical bytes. Unlike MarshalBinary it does not
// check that texts are valid UTF-8: Validate does.
func (e *Event) AppendBinary(b []byte) []byte {
	pairs := 4
	if len(e.Entities) > 0 {
		pairs++
	}
	if len(e.Fields) > 0 {
		pairs++
	}
	b = appendHead(b, cborMap, uint64(pairs))
	b = append(b, 0, 1, 1)
	b = appendText(b, e.ID)
	b = append(b, 2)
	b = appendText(b, e.Kind)
	b = append(b, 3)
	b = appendInt(b, e.Time.UnixMicro())
	if len(e.Entities) > 0 {
		b = append(b, 4)
		b = appendHead(b, cborArray, uint64(len(e.Entities)))
		for i := range e.Entities {
			b = append(b, cborMap<<5|2, 1)
			b = appendText(b, e.Entities[i].Role)
			b = append(b, 2)
			b = appendText(b, e.Entities[i].ID)
		}
	}
	if len(e.Fields) > 0 {
		b = append(b, 5)
		b = appendHead(b, cborArray, uint64(len(e.Fields)))
		for i := range e.Fields {
			b = e.Fields[i].appendBinary(b)
		}
	}
	return b
}

// appendBinary appends the name, and the four parts of the value. Numbers and
// texts, which are nearly all, leave the parts of the other kinds empty.
func (f *Field) appendBinary(b []byte) []byte {
	b = appendText(append(b, cborArray<<5|5), f.Name)
	v := &f.Value
	switch {
	case v.Kind == Number && v.micros == 0 && v.text == "":
		return append(appendFloat(append(b, byte(Number)), v.number), 0, cborText<<5)
	case v.Kind == Text && v.micros == 0 && math.Float64bits(v.number) == 0:
		return appendText(append(b, byte(Text), 0xf9, 0, 0, 0), v.text)
	}
	b = appendHead(b, cborUint, uint64(v.Kind))
	b = appendFloat(b, v.number)
	b = appendInt(b, v.micros)
	return appendText(b, v.text)
}

// AppendBinary appends d's canonical bytes.
func (d *Decision) AppendBinary(b []byte) []byte {
	pairs := 10
	if len(d.Rules) > 0 {
		pairs++
	}
	if len(d.Reasons) > 0 {
		pairs++
	}
	b = appendHead(b, cborMap, uint64(pairs))
	b = append(b, 0)
	b = appendHead(b, cborUint, uint64(d.Version))
	b = append(b, 1)
	b = appendHead(b, cborUint, d.Sequence)
	b = append(b, 2)
	b = appendText(b, d.RequestID)
	b = append(b, 3)
	b = appendText(b, d.EventID)
	b = append(b, 4)
	b = appendInt(b, d.Micros)
	b = append(b, 5)
	b = appendHead(b, cborUint, uint64(d.Outcome))
	b = append(b, 6, cborMap<<5|5, 1)
	b = appendDigest(b, &d.Score.Model)
	b = append(b, 2)
	b = appendFloat(b, d.Score.Margin)
	b = append(b, 3)
	b = appendFloat(b, d.Score.PD)
	b = append(b, 4)
	b = appendFloat(b, d.Score.Points)
	b = append(b, 5)
	b = appendText(b, d.Score.Grade)
	b = append(b, 7)
	b = appendDigest(b, &d.Plan)
	b = append(b, 8)
	b = appendDigest(b, &d.Policy)
	b = append(b, 9)
	b = appendDigest(b, &d.Vector)
	if len(d.Rules) > 0 {
		b = append(b, 10)
		b = appendHead(b, cborArray, uint64(len(d.Rules)))
		for _, r := range d.Rules {
			b = appendText(b, r)
		}
	}
	if len(d.Reasons) > 0 {
		b = append(b, 11)
		b = appendHead(b, cborArray, uint64(len(d.Reasons)))
		for i := range d.Reasons {
			b = append(b, cborMap<<5|3, 1)
			b = appendText(b, d.Reasons[i].Code)
			b = append(b, 2)
			b = appendText(b, d.Reasons[i].Text)
			b = append(b, 3)
			b = appendFloat(b, d.Reasons[i].Contribution)
		}
	}
	return b
}

// Major types (RFC 8949, section 3.1).
const (
	cborUint  = 0
	cborNint  = 1
	cborBytes = 2
	cborText  = 3
	cborArray = 4
	cborMap   = 5
)

// appendHead appends the shortest head of a major type and its argument.
func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, cborNint, uint64(^n))
	}
	return appendHead(b, cborUint, uint64(n))
}

func appendText(b []byte, s string) []byte {
	if len(s) < 24 { // nearly all
		return append(append(b, cborText<<5|byte(len(s))), s...)
	}
	return append(appendHead(b, cborText, uint64(len(s))), s...)
}

func appendDigest(b []byte, d *Digest) []byte { return append(append(b, cborBytes<<5|24, 32), d[:]...) }

// appendFloat appends the shortest of binary16, binary32 and binary64 that
// holds x exactly; NaN is 7e00 (RFC 8949, section 4.2.2).
func appendFloat(b []byte, x float64) []byte {
	if x != x {
		return append(b, 0xf9, 0x7e, 0)
	}
	f := float32(x)
	if float64(f) != x {
		return binary.BigEndian.AppendUint64(append(b, 0xfb), math.Float64bits(x))
	}
	u := math.Float32bits(f)
	if h, ok := toFloat16(u); ok {
		return binary.BigEndian.AppendUint16(append(b, 0xf9), h)
	}
	return binary.BigEndian.AppendUint32(append(b, 0xfa), u)
}

// toFloat16 turns the bits of a float32 that is no NaN into those of a binary16,
// and reports whether that is exact.
func toFloat16(u uint32) (uint16, bool) {
	sign, exp, frac := uint16(u>>16&0x8000), int(u>>23&0xff), u&0x7fffff
	switch {
	case exp == 0 && frac == 0:
		return sign, true
	case exp == 0xff: // infinity
		return sign | 0x7c00, true
	case exp >= 127-14 && exp <= 127+15: // normal
		return sign | uint16(exp-127+15)<<10 | uint16(frac>>13), frac&0x1fff == 0
	case exp >= 127-24 && exp < 127-14: // subnormal: the hidden bit moves down
		shift := uint(127 - 14 - exp + 13)
		m := frac | 1<<23
		return sign | uint16(m>>shift), m&(1<<shift-1) == 0
	}
	return 0, false
}

// DigestVector is the digest of a vector whose canonical bytes are at hand.
func DigestVector(canonical []byte) Digest { return Sum(vectorTag, canonical) }
