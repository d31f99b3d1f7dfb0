// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// Array is a pickled NumPy array, flat. An array of records, as the nodes of a
// tree are, has named members.
type Array struct {
	Kind         byte   // i, u, f, b, U (texts of four bytes a character), O (objects) or V (records)
	Size         int    // bytes of an element, at least 1
	Data         []byte // a whole number of elements; nil for kind O
	Objects      []any  // the elements of kind O
	Members      map[string]Member
	ColumnsFirst bool // Fortran order
}

// Member is where a number lies in a record.
type Member struct {
	Kind   byte
	Size   int
	Offset int
}

// ArrayOf reads a pickled array, little-endian or of single bytes. NumPy makes it
// by _reconstruct, and its state is (version, shape, type, order, data); or, in
// protocol 5, by _frombuffer from (data, type, shape, order). The shape is not
// read: who needs one knows it.
func ArrayOf(v any) (a Array, ok bool) {
	o, ok := v.(*Object)
	if !ok {
		return a, false
	}
	var kind, data any
	switch {
	case o.Is("numpy", "_reconstruct"):
		s, ok := o.State.(Tuple)
		if !ok || len(s) != 5 {
			return a, false
		}
		kind, data = s[2], s[4]
		a.ColumnsFirst = s[3] == true
	case o.Is("numpy", "_frombuffer"):
		if len(o.Args) != 4 {
			return a, false
		}
		data, kind = o.Args[0], o.Args[1]
		a.ColumnsFirst = o.Args[3] == "F"
	default:
		return a, false
	}
	if !a.setType(kind) {
		return a, false
	}
	if list, ok := data.(*List); ok {
		a.Objects = list.Items
		return a, a.Kind == 'O'
	}
	a.Data = bytesOf(data)
	return a, a.Kind != 'O' && a.Data != nil && len(a.Data)%a.Size == 0
}

// bytesOf gives bytes, which Python 2 wrote as a text.
func bytesOf(v any) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	return nil
}

// setType reads numpy.dtype(code, ...), whose state is (version, byte order,
// subtype, names, members, size, ...).
func (a *Array) setType(v any) bool {
	m, ok := memberOf(v, 0)
	if !ok {
		return false
	}
	a.Kind, a.Size = m.Kind, m.Size
	if a.Kind != 'V' {
		return true
	}
	s, _ := v.(*Object).State.(Tuple)
	if len(s) < 5 {
		return false
	}
	d, ok := s[4].(*Dict)
	if !ok {
		return false
	}
	a.Members = make(map[string]Member, len(d.Entries))
	for name, of := range d.Entries {
		pair, ok := of.(Tuple)
		if !ok || len(pair) < 2 {
			return false
		}
		offset, ok := pair[1].(int64)
		if !ok || offset < 0 || offset > int64(a.Size) {
			return false
		}
		m, ok := memberOf(pair[0], int(offset))
		if !ok || m.Offset+m.Size > a.Size {
			return false
		}
		a.Members[name] = m
	}
	return true
}

// maxElement bounds the bytes of one element.
const maxElement = 1 << 16

// memberOf reads a type: its code is a letter and a number of bytes.
func memberOf(v any, offset int) (m Member, ok bool) {
	o, ok := v.(*Object)
	if !ok || !o.Is("numpy", "dtype") || len(o.Args) == 0 {
		return m, false
	}
	code, _ := o.Args[0].(string)
	code = strings.TrimLeft(code, "<|=")
	if code == "" {
		return m, false
	}
	if s, ok := o.State.(Tuple); ok && len(s) > 1 && s[1] == ">" { // big-endian
		return m, false
	}
	size, err := strconv.Atoi(code[1:])
	if err != nil || size < 1 || size > maxElement {
		return m, false
	}
	m = Member{Kind: code[0], Size: size, Offset: offset}
	switch m.Kind {
	case 'i', 'f', 'u', 'b':
		return m, size == 1 || size == 2 || size == 4 || size == 8
	case 'O', 'V':
		return m, true
	case 'U':
		m.Size *= 4
		return m, true
	}
	return m, false
}

// Member finds a member of the records that is a float64 or a whole number.
func (a *Array) Member(name string) (Member, bool) {
	m, ok := a.Members[name]
	return m, ok && m.isNumber()
}

// isNumber tells whether Int or Float can read m.
func (m Member) isNumber() bool {
	switch m.Kind {
	case 'i', 'u', 'b':
		return true
	}
	return m.Kind == 'f' && m.Size == 8
}

// Len is the number of elements in Data.
func (a *Array) Len() int { return len(a.Data) / a.Size }

// element is an element of an array of numbers, seen as a member of itself.
func (a *Array) element() Member { return Member{a.Kind, a.Size, 0} }

// Int is a whole number of element i, which must exist.
func (a *Array) Int(i int, m Member) int64 {
	var wide [8]byte
	p := a.Data[i*a.Size+m.Offset:][:m.Size]
	copy(wide[:], p)
	if m.Kind == 'i' && p[m.Size-1] >= 128 {
		for k := m.Size; k < 8; k++ {
			wide[k] = 255
		}
	}
	return int64(binary.LittleEndian.Uint64(wide[:]))
}

// Float is a float64 of element i, which must exist.
func (a *Array) Float(i int, m Member) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(a.Data[i*a.Size+m.Offset:]))
}

// Number is element i of an array of float64 or whole numbers.
func (a *Array) Number(i int) (float64, bool) {
	m := a.element()
	switch {
	case !m.isNumber() || i < 0 || i >= a.Len():
		return 0, false
	case m.Kind == 'f':
		return a.Float(i, m), true
	}
	return float64(a.Int(i, m)), true
}

// Text is element i of an array of texts, without the zeros that fill it up.
func (a *Array) Text(i int) string {
	var s strings.Builder
	for b := a.Data[i*a.Size:][:a.Size]; len(b) >= 4; b = b[4:] {
		r := binary.LittleEndian.Uint32(b)
		if r == 0 {
			break
		}
		s.WriteRune(rune(min(r, 0x10FFFF)))
	}
	return s.String()
}

// Number reads a finite Python number, or a NumPy scalar of one.
func Number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, isFinite(v)
	case int64:
		return float64(v), true
	case *Object:
		a, ok := scalarOf(v)
		if !ok {
			return 0, false
		}
		f, ok := a.Number(0)
		return f, ok && isFinite(f)
	}
	return 0, false
}

func isFinite(x float64) bool { return x-x == 0 }

// Whole reads a whole number from 0 to 2^31.
func Whole(v any) (int, bool) {
	f, ok := Number(v)
	return int(max(0, min(f, 1<<31))), ok && f >= 0 && f <= 1<<31 && f == math.Trunc(f)
}

// Bool reads a Python boolean, or a NumPy scalar of one.
func Bool(v any) (value, ok bool) {
	if b, ok := v.(bool); ok {
		return b, true
	}
	o, ok := v.(*Object)
	if !ok {
		return false, false
	}
	a, ok := scalarOf(o)
	return ok && a.Data[0] != 0, ok && a.Kind == 'b'
}

// scalarOf reads a NumPy scalar, whose arguments are its type and its bytes, as
// an array of one number.
func scalarOf(o *Object) (a Array, ok bool) {
	if !o.Is("numpy", "scalar") || len(o.Args) != 2 || !a.setType(o.Args[0]) {
		return a, false
	}
	a.Data = bytesOf(o.Args[1])
	return a, a.element().isNumber() && len(a.Data) == a.Size
}
