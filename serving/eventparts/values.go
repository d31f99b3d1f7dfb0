// SPDX-License-Identifier: Apache-2.0

package eventparts

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
)

// Tags say what a field holds. They are frozen.
const (
	tagMissing  = 0
	tagNumber   = 1 // 8 bytes, binary64
	tagText     = 2 // length, bytes
	tagFalse    = 3
	tagTrue     = 4
	tagInstant  = 5  // varint, microseconds since the Unix epoch
	tagPersonal = 6  // neither name nor value: the personal part has them
	tagDecimal  = 8  // 8 + e for e from 0 to 4: varint n; the number is n / 10^e
	tagEnd      = 13 // the first tag without a meaning
)

// powers are those of ten that a decimal is divided by.
var powers = [tagEnd - tagDecimal]float64{1, 10, 100, 1000, 10_000}

// maxDecimal bounds a decimal's n, so that it takes no more bytes than the number.
const maxDecimal = 1 << 48

// canonicalNaN is the one NaN that is written.
const canonicalNaN = 0x7ff8 << 48

// decimalOf returns the n and the least e for which n / 10^e is x to the bit; ok is
// false if there is none within the bounds.
func decimalOf(x float64) (n int64, e int, ok bool) {
	if x == 0 && math.Signbit(x) {
		return 0, 0, false
	}
	for e, p := range powers {
		scaled := math.RoundToEven(x * p)
		if !(math.Abs(scaled) < maxDecimal) { // NaN, too
			return 0, 0, false
		}
		if scaled/p == x {
			return int64(scaled), e, true
		}
	}
	return 0, 0, false
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendField appends a field: tag, name, value.
func appendField(dst []byte, f *assay.Field) []byte {
	v := &f.Value
	switch v.Kind {
	case assay.Number:
		x := v.Number()
		if n, e, ok := decimalOf(x); ok {
			return binary.AppendVarint(appendText(append(dst, byte(tagDecimal+e)), f.Name), n)
		}
		bits := math.Float64bits(x)
		if x != x {
			bits = canonicalNaN
		}
		return binary.BigEndian.AppendUint64(appendText(append(dst, tagNumber), f.Name), bits)
	case assay.Text:
		return appendText(appendText(append(dst, tagText), f.Name), v.Text())
	case assay.Instant:
		return binary.AppendVarint(appendText(append(dst, tagInstant), f.Name), v.Micros())
	case assay.Flag:
		if v.Flag() {
			return appendText(append(dst, tagTrue), f.Name)
		}
		return appendText(append(dst, tagFalse), f.Name)
	}
	return appendText(append(dst, tagMissing), f.Name)
}

// reader reads an encoded part. After the first error it reads nothing more, and
// end returns that error.
type reader struct {
	rest string // of a copy of the part: texts are cut out of it
	err  error
}

func newReader(part []byte) reader {
	r := reader{rest: string(part)}
	if v := r.byte(); r.err == nil && v != version {
		r.fail(fmt.Sprintf("version %d, this program reads version %d", v, version))
	}
	return r
}

func (r *reader) fail(problem string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", problem, assay.ErrCorrupt)
	}
	r.rest = ""
}

// take cuts off n bytes.
func (r *reader) take(n int) string {
	if n > len(r.rest) {
		r.fail("it is cut short")
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uint64() (x uint64) {
	for _, c := range []byte(r.take(8)) {
		x = x<<8 | uint64(c)
	}
	return x
}

// uvarint reads a number in its shortest form.
func (r *reader) uvarint() (x uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		c := r.byte()
		if shift > 0 && c == 0 || shift == 63 && c > 1 {
			r.fail("a number is not in its shortest form")
			return 0
		}
		if x |= uint64(c&0x7f) << shift; c < 0x80 {
			return x
		}
	}
	r.fail("a number has too many bytes")
	return 0
}

// varint reads a number with a sign.
func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads how many follow. Each takes a byte at least.
func (r *reader) count(most int) int {
	n := r.uvarint()
	if n > uint64(most) || n > uint64(len(r.rest)) {
		r.fail(fmt.Sprintf("%d entities or fields, in %d bytes", n, len(r.rest)))
		return 0
	}
	return int(n)
}

// text reads a text of any length that the part has room for: Event.Validate
// checks lengths and UTF-8.
func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail("a text is cut short")
		return ""
	}
	return r.take(int(n))
}

// field reads a field whose tag was read.
func (r *reader) field(tag byte) assay.Field {
	f := assay.Field{Name: r.text()}
	switch tag {
	case tagMissing:
	case tagNumber:
		x := math.Float64frombits(r.uint64())
		if _, _, ok := decimalOf(x); ok || x != x && math.Float64bits(x) != canonicalNaN {
			r.fail("a number has a shorter form")
		}
		f.Value = assay.NumberValue(x)
	case tagText:
		f.Value = assay.TextValue(r.text())
	case tagFalse, tagTrue:
		f.Value = assay.FlagValue(tag == tagTrue)
	case tagInstant:
		f.Value = assay.InstantValue(time.UnixMicro(r.varint()))
	default:
		if tag < tagDecimal || tag >= tagEnd {
			r.fail(fmt.Sprintf("a field has the unknown tag %d", tag))
			return f
		}
		n, e := r.varint(), int(tag-tagDecimal)
		x := float64(n) / powers[e]
		if n2, e2, ok := decimalOf(x); !ok || n2 != n || e2 != e {
			r.fail("a decimal has another form")
		}
		f.Value = assay.NumberValue(x)
	}
	return f
}

// end returns the first error, or one for bytes that are left.
func (r *reader) end() error {
	if r.err == nil && r.rest != "" {
		r.fail(fmt.Sprintf("%d bytes follow its end", len(r.rest)))
	}
	return r.err
}
