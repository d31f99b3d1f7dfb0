// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// array is a pickled NumPy array, flat. The nodes of a tree are an array of
// records, whose members have names.
type array struct {
	kind    byte // i, u, f, b, U (texts, four bytes a character), O (objects) or V (records)
	size    int  // bytes of an element
	data    []byte
	objects []any
	members map[string]member
	fortran bool // columns first
}

// member is a number in a record.
type member struct {
	kind   byte
	size   int
	offset int
}

// arrayOf reads a pickled array. It is made by numpy's _reconstruct, and its
// state is (version, shape, type, order, data); or, in protocol 5, by _frombuffer
// from (data, type, shape, order). Arrays of more than one dimension are read
// only where their order does not matter: all but one have length 1.
func arrayOf(v any) (a array, ok bool) {
	o, ok := v.(*pickled)
	if !ok {
		return a, false
	}
	var kind, data any
	switch {
	case o.is("numpy", "_reconstruct"):
		s, ok := o.state.(pickleTuple)
		if !ok || len(s) != 5 {
			return a, false
		}
		kind, data = s[2], s[4]
		a.fortran = s[3] == true
	case o.is("numpy", "_frombuffer"):
		if len(o.args) != 4 {
			return a, false
		}
		data, kind = o.args[0], o.args[1]
		a.fortran = o.args[3] == "F"
	default:
		return a, false
	}
	if !a.ofType(kind) {
		return a, false
	}
	switch d := data.(type) {
	case *pickleList:
		a.objects = d.items
		return a, a.kind == 'O'
	case []byte:
		a.data = d
	case string: // written by Python 2
		a.data = []byte(d)
	}
	return a, a.kind != 'O' && a.data != nil && len(a.data)%a.size == 0
}

// ofType reads numpy.dtype(code, ...), whose state is (version, byte order,
// subtype, names, members, size, ...).
func (a *array) ofType(v any) bool {
	m, ok := memberOf(v, 0)
	if !ok {
		return false
	}
	a.kind, a.size = m.kind, m.size
	if a.kind != 'V' {
		return true
	}
	s, _ := v.(*pickled).state.(pickleTuple)
	if len(s) < 5 {
		return false
	}
	d, ok := s[4].(*pickleDict)
	if !ok {
		return false
	}
	a.members = make(map[string]member, len(d.at))
	for name, of := range d.at {
		pair, ok := of.(pickleTuple)
		if !ok || len(pair) < 2 {
			return false
		}
		offset, ok := pair[1].(int64)
		if !ok || offset < 0 || offset > int64(a.size) {
			return false
		}
		m, ok := memberOf(pair[0], int(offset))
		if !ok || m.offset+m.size > a.size {
			return false
		}
		a.members[name] = m
	}
	return true
}

// memberOf reads a type: its code is a letter and a number of bytes.
func memberOf(v any, offset int) (m member, ok bool) {
	o, ok := v.(*pickled)
	if !ok || !o.is("numpy", "dtype") || len(o.args) == 0 {
		return m, false
	}
	code, _ := o.args[0].(string)
	code = strings.TrimLeft(code, "<|=")
	if code == "" {
		return m, false
	}
	if s, ok := o.state.(pickleTuple); ok && len(s) > 1 && s[1] == ">" {
		return m, false
	}
	m = member{kind: code[0], offset: offset}
	size, err := strconv.Atoi(code[1:])
	if m.size = size; err != nil || size < 1 || size > 1<<16 {
		return m, false
	}
	switch m.kind {
	case 'i', 'f', 'u', 'b':
		return m, size == 1 || size == 2 || size == 4 || size == 8
	case 'O', 'V':
		return m, true
	case 'U':
		m.size *= 4
		return m, true
	}
	return m, false
}

// member finds a number of the records, a float64 or a whole number.
func (a *array) member(name string) (member, bool) {
	m, ok := a.members[name]
	return m, ok && m.kind != 'O' && m.kind != 'V' && m.kind != 'U' && (m.kind != 'f' || m.size == 8)
}

// int is a whole number of record i, which is there.
func (a *array) int(i int, m member) int64 {
	var wide [8]byte
	p := a.data[i*a.size+m.offset:][:m.size]
	copy(wide[:], p)
	if m.kind == 'i' && p[m.size-1] >= 128 {
		for k := m.size; k < 8; k++ {
			wide[k] = 255
		}
	}
	return int64(binary.LittleEndian.Uint64(wide[:]))
}

// float is the float64 at a place, which is there.
func (a *array) float(at int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(a.data[at:]))
}

// number reads a Python number, or a NumPy scalar, whose arguments are its type
// and its bytes.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int64:
		return float64(v), true
	case *pickled:
		a, ok := scalarOf(v)
		if !ok {
			return 0, false
		}
		if a.kind == 'f' {
			f := a.float(0)
			return f, a.size == 8 && !math.IsNaN(f) && !math.IsInf(f, 0)
		}
		return float64(a.int(0, member{a.kind, a.size, 0})), true
	}
	return 0, false
}

// whole reads a whole number from 0 to 2^31.
func whole(v any) (int, bool) {
	f, ok := number(v)
	return int(max(0, min(f, 1<<31))), ok && f >= 0 && f <= 1<<31 && f == math.Trunc(f)
}

func scalarOf(o *pickled) (a array, ok bool) {
	if !o.is("numpy", "scalar") || len(o.args) != 2 || !a.ofType(o.args[0]) {
		return a, false
	}
	switch d := o.args[1].(type) {
	case []byte:
		a.data = d
	case string:
		a.data = []byte(d)
	}
	return a, a.kind != 'O' && a.kind != 'V' && a.kind != 'U' && len(a.data) == a.size && (a.kind != 'f' || a.size == 8)
}
