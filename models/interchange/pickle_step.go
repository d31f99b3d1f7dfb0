// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// step runs one operation.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		p, err := u.take(1)
		if err == nil && p[0] > 5 {
			return fmt.Errorf("%w: protocol %d, at most 5 is read", ErrUnsupported, p[0])
		}
		return err
	case 0x95: // FRAME
		_, err := u.take(8)
		return err
	case '(':
		u.push(pickleMark{})
	case '0': // POP
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.toMark()
		return err
	case '2': // DUP
		if len(u.stack) == 0 {
			return errPickleStack
		}
		u.push(u.top())
	case 'N':
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(op == 0x88)
	case 'R', 0x81: // REDUCE, NEWOBJ
		return u.call()
	case 'b':
		return u.build()
	case 's': // SETITEM
		return u.set(u.last(2))
	case 'u': // SETITEMS
		return u.set(u.toMark())
	case 'a': // APPEND
		return u.add(u.last(1))
	case 'e': // APPENDS
		return u.add(u.toMark())
	case ']':
		u.push(&pickleList{})
	case '}':
		u.push(&pickleDict{at: map[string]any{}})
	case ')':
		u.push(pickleTuple{})
	case 'l', 'd', 't': // LIST, DICT, TUPLE
		items, err := u.toMark()
		if err != nil {
			return err
		}
		switch op {
		case 'l':
			u.push(&pickleList{items})
		case 't':
			u.push(pickleTuple(items))
		default:
			u.push(&pickleDict{at: map[string]any{}})
			return u.set(items, nil)
		}
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := u.last(int(op) - 0x84)
		u.push(pickleTuple(items))
		return err
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return u.global(op)
	case 'p', 'q', 'r', 0x94, 'g', 'h', 'j':
		return u.remember(op)
	default:
		v, err := u.literal(op)
		u.push(v)
		return err
	}
	return nil
}

func (u *unpickler) global(op byte) error {
	if op == 'c' {
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		u.push(pickleName{module, name})
		return err
	}
	v, err := u.last(2)
	if err != nil {
		return err
	}
	module, ok1 := v[0].(string)
	name, ok2 := v[1].(string)
	if !ok1 || !ok2 {
		return errPickleStack
	}
	u.push(pickleName{module, name})
	return nil
}

// remember puts the top into the memo, or takes a value from it.
func (u *unpickler) remember(op byte) error {
	at, err := 0, error(nil)
	switch op {
	case 'p', 'g':
		var text string
		if text, err = u.line(); err == nil {
			if at, err = strconv.Atoi(text); err != nil {
				err = errPickleStack
			}
		}
	case 'q', 'h':
		at, err = u.uint(1)
	case 'r', 'j':
		at, err = u.uint(4)
	case 0x94: // MEMOIZE
		at = len(u.memo)
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		v, ok := u.memo[at]
		if !ok {
			return errPickleStack
		}
		u.push(v)
		return nil
	}
	if len(u.stack) == 0 {
		return errPickleStack
	}
	u.memo[at] = u.top()
	return nil
}

// literal reads a value.
func (u *unpickler) literal(op byte) (any, error) {
	switch op {
	case 'K', 'M': // BININT1, BININT2
		v, err := u.uint(int(op-'K')/2 + 1)
		return int64(v), err
	case 'J': // BININT
		p, err := u.take(4)
		if err != nil {
			return nil, err
		}
		return int64(int32(binary.LittleEndian.Uint32(p))), nil
	case 0x8a: // LONG1
		p, err := u.counted(1)
		if err != nil {
			return nil, err
		}
		return long(p), nil
	case 'G': // BINFLOAT
		p, err := u.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(p)), nil
	case 'U', 'C', 0x8c: // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
		return textOrBytes(op == 'C')(u.counted(1))
	case 'T', 'B', 'X': // BINSTRING, BINBYTES, BINUNICODE
		return textOrBytes(op == 'B')(u.counted(4))
	case 0x8d, 0x8e, 0x96: // BINUNICODE8, BINBYTES8, BYTEARRAY8
		return textOrBytes(op != 0x8d)(u.counted(8))
	case 'I', 'L', 'F', 'V', 'S':
		text, err := u.line()
		if err != nil {
			return nil, err
		}
		return u.text(op, text)
	}
	return nil, fmt.Errorf("%w: a pickle with the operation 0x%02x", ErrUnsupported, op)
}

func textOrBytes(asBytes bool) func([]byte, error) (any, error) {
	return func(p []byte, err error) (any, error) {
		if asBytes {
			return p, err
		}
		return string(p), err
	}
}

// long is a whole number in as many bytes as it takes; one of more than 64 bits,
// as random states have them, is nil.
func long(p []byte) any {
	if len(p) > 8 {
		return nil
	}
	var wide [8]byte
	if len(p) > 0 && p[len(p)-1] >= 128 {
		for i := range wide {
			wide[i] = 255
		}
	}
	copy(wide[:], p)
	return int64(binary.LittleEndian.Uint64(wide[:]))
}

// text reads the values of protocol 0.
func (u *unpickler) text(op byte, text string) (any, error) {
	bad := fmt.Errorf("%w: %q is not a value", ErrFormat, clip(text))
	switch op {
	case 'I':
		if text == "00" || text == "01" {
			return text == "01", nil
		}
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, bad
		}
		return v, nil
	case 'L':
		v, err := strconv.ParseInt(strings.TrimSuffix(text, "L"), 10, 64)
		if err != nil {
			return nil, nil // of more than 64 bits, see long
		}
		return v, nil
	case 'F':
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, bad
		}
		return v, nil
	case 'V':
		return unescape(text)
	}
	// 'S': a quoted string, as Python 2 writes it.
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '\'' && text[0] != '"' {
		return nil, bad
	}
	v, ok := unquote(text[1 : len(text)-1])
	if !ok {
		return nil, bad
	}
	return v, nil
}

// unquote reads the escapes of a Python 2 string, which is bytes.
func unquote(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i++; i == len(text) {
			return "", false
		}
		if text[i] == 'x' {
			v, err := strconv.ParseUint(text[min(i+1, len(text)):min(i+3, len(text))], 16, 8)
			if err != nil || i+2 >= len(text) {
				return "", false
			}
			out = append(out, byte(v))
			i += 2
			continue
		}
		at := strings.IndexByte(`ntr\'"`, text[i])
		if at < 0 {
			return "", false
		}
		out = append(out, "\n\t\r\\'\""[at])
	}
	return string(out), true
}

// unescape reads Python's raw-unicode-escape: Latin-1, and \uXXXX.
func unescape(text string) (any, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) || text[i+1] != 'u' {
			out.WriteRune(rune(text[i]))
			continue
		}
		v, err := strconv.ParseUint(text[min(i+2, len(text)):min(i+6, len(text))], 16, 16)
		if err != nil {
			return nil, fmt.Errorf("%w: %q is not a text", ErrFormat, clip(text))
		}
		out.WriteRune(rune(v))
		i += 5
	}
	return out.String(), nil
}
