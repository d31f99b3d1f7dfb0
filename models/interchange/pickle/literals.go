// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// literal reads a value that the pickle holds itself.
func (m *machine) literal(op byte) (any, error) {
	switch op {
	case 'K', 'M': // BININT1, BININT2
		v, err := m.uint(int(op-'K')/2 + 1)
		return int64(v), err
	case 'J': // BININT
		p, err := m.take(4)
		if err != nil {
			return nil, err
		}
		return int64(int32(binary.LittleEndian.Uint32(p))), nil
	case 0x8a: // LONG1
		p, err := m.takeCounted(1)
		if err != nil {
			return nil, err
		}
		return long(p), nil
	case 'G': // BINFLOAT
		p, err := m.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(p)), nil
	case 'C', 'B', 0x8e, 0x96: // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
		p, err := m.takeCounted(lengthBytes(op))
		return p, err
	case 'U', 'T', 0x8c, 'X', 0x8d: // SHORT_BINSTRING, BINSTRING, SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
		p, err := m.takeCounted(lengthBytes(op))
		return string(p), err
	case 'I', 'L', 'F', 'V', 'S': // INT, LONG, FLOAT, UNICODE, STRING
		text, err := m.line()
		if err != nil {
			return nil, err
		}
		return parseLine(op, text)
	}
	return nil, fmt.Errorf("%w: it has the operation 0x%02x, which is not read", ErrUnsupported, op)
}

// lengthBytes is how many bytes hold the length of a text, or of bytes.
func lengthBytes(op byte) int {
	switch op {
	case 'C', 'U', 0x8c:
		return 1
	case 'B', 'T', 'X':
		return 4
	}
	return 8
}

// long reads a whole number in as many bytes as it takes. One of more than 64
// bits is nil: estimators keep such numbers as seeds alone.
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

// parseLine reads a value of protocol 0, which writes each as a line of text.
func parseLine(op byte, text string) (any, error) {
	bad := fmt.Errorf("%w: %.40q is not a value", ErrFormat, text)
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
			return nil, nil // of more than 64 bits, as in long
		}
		return v, nil
	case 'F':
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, bad
		}
		return v, nil
	case 'V':
		return parseUnicode(text)
	}
	// STRING: quoted, as Python 2 writes it.
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

// parseUnicode reads Python's raw-unicode-escape: Latin-1, and \u with four
// hexadecimal digits.
func parseUnicode(text string) (any, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) || text[i+1] != 'u' {
			out.WriteRune(rune(text[i]))
			continue
		}
		digits := text[i+2 : min(i+6, len(text))]
		v, err := strconv.ParseUint(digits, 16, 16)
		if err != nil || len(digits) < 4 {
			return nil, fmt.Errorf("%w: %.40q is not a text", ErrFormat, text)
		}
		out.WriteRune(rune(v))
		i += 5
	}
	return out.String(), nil
}
