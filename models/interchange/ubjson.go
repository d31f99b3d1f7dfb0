// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ubjsonReader reads Universal Binary JSON (ubjson.org, draft 12), as XGBoost writes
// it: counted and typed lists, big-endian numbers.
type ubjsonReader struct {
	b         []byte
	documents int
}

func (u *ubjsonReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.b) {
		return nil, fmt.Errorf("%w: the file is cut off", ErrFormat)
	}
	p := u.b[:n]
	u.b = u.b[n:]
	return p, nil
}

func (u *ubjsonReader) byte() (byte, error) {
	p, err := u.take(1)
	if err != nil {
		return 0, err
	}
	return p[0], nil
}

// numberBytes is the number of bytes of a kind of number, 0 for other kinds.
func numberBytes(kind byte) int {
	switch kind {
	case 'i', 'U':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

func (u *ubjsonReader) number(kind byte) (float64, error) {
	p, err := u.take(numberBytes(kind))
	if err != nil {
		return 0, err
	}
	switch kind {
	case 'i':
		return float64(int8(p[0])), nil
	case 'U':
		return float64(p[0]), nil
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(p))), nil
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(p))), nil
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(p))), nil
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(p))), nil
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(p)), nil
	}
	return 0, fmt.Errorf("%w: unknown kind of number", ErrFormat)
}

// length reads a whole number that is at most the number of bytes left.
func (u *ubjsonReader) length() (int, error) {
	kind, err := u.byte()
	if err != nil {
		return 0, err
	}
	v, err := u.number(kind)
	if err != nil {
		return 0, err
	}
	if !(v >= 0 && v <= float64(len(u.b))) || v != math.Trunc(v) {
		return 0, fmt.Errorf("%w: a length of %v with %d bytes left", ErrFormat, v, len(u.b))
	}
	return int(v), nil
}

func (u *ubjsonReader) string() (string, error) {
	n, err := u.length()
	if err != nil {
		return "", err
	}
	p, err := u.take(n)
	return string(p), err
}

// value reads a value of a kind, or of the kind that the next byte says.
func (u *ubjsonReader) value(kind byte, depth int) (*document, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deep", ErrFormat)
	}
	if kind == 0 {
		var err error
		if kind, err = u.byte(); err != nil {
			return nil, err
		}
	}
	if u.documents++; u.documents > maxDocuments {
		return nil, fmt.Errorf("%w: %w", ErrFormat, errTooMany)
	}
	d := &document{}
	var err error
	switch kind {
	case 'Z', 'N':
	case 'T':
		d.numbers = []float64{1}
	case 'F':
		d.numbers = []float64{0}
	case 'S':
		d.text, err = u.string()
	case '{', '[':
		err = u.container(d, kind == '{', depth)
	default:
		var v float64
		v, err = u.number(kind)
		d.numbers = []float64{v}
	}
	return d, err
}

// container reads an object or a list: [kind] [count] elements [end].
func (u *ubjsonReader) container(d *document, object bool, depth int) error {
	var kind byte
	count := -1
	if len(u.b) > 0 && u.b[0] == '$' {
		if _, err := u.take(1); err != nil {
			return err
		}
		var err error
		if kind, err = u.byte(); err != nil {
			return err
		}
		if len(u.b) == 0 || u.b[0] != '#' {
			return fmt.Errorf("%w: a typed list without a count", ErrFormat)
		}
		if numberBytes(kind) == 0 && kind != 'S' {
			return fmt.Errorf("%w: a typed list of kind %q", ErrFormat, kind)
		}
	}
	if len(u.b) > 0 && u.b[0] == '#' {
		if _, err := u.take(1); err != nil {
			return err
		}
		var err error
		if count, err = u.length(); err != nil {
			return err
		}
	}
	if w := numberBytes(kind); w > 0 && !object {
		return u.typedList(d, kind, w, count)
	}
	end := byte(']')
	if object {
		end = '}'
	}
	for i := 0; i != count; i++ {
		if count < 0 && len(u.b) > 0 && u.b[0] == end {
			_, err := u.take(1)
			return err
		}
		if err := u.element(d, kind, object, depth); err != nil {
			return err
		}
	}
	return nil
}

func (u *ubjsonReader) typedList(d *document, kind byte, w, count int) error {
	if count > len(u.b)/w {
		return fmt.Errorf("%w: the file is cut off", ErrFormat)
	}
	d.numbers = make([]float64, count)
	for i := range d.numbers {
		var err error
		if d.numbers[i], err = u.number(kind); err != nil {
			return err
		}
	}
	return nil
}

func (u *ubjsonReader) element(d *document, kind byte, object bool, depth int) error {
	if !object {
		v, err := u.value(kind, depth+1)
		if err == nil {
			d.add(v)
		}
		return err
	}
	key, err := u.string()
	if err != nil {
		return err
	}
	v, err := u.value(kind, depth+1)
	if err != nil {
		return err
	}
	if d.fields == nil {
		d.fields = map[string]*document{}
	}
	d.fields[key] = v
	return nil
}
